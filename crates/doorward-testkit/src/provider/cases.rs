//! Every way to misbehave that has a name, as a table.
