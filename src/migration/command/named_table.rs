//! A table as statements name it.

/// A table as a statement names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTable {
    /// As written, possibly qualified.
    pub name: String,
    /// `ONLY`: without its partitions and children.
    pub only: bool,
}
