//! Values that several tests start from.
