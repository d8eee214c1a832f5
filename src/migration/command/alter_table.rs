//! `ALTER TABLE` and its subcommands, as plain data.

/// A table and what is altered of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTable {
    /// As written, possibly qualified.
    pub table: String,
}
