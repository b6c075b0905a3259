//! The attack matrix, row by row, through the whole application.
