//! The name of a type, as a statement or the catalog writes it.

/// A type as the grammar sees it; which type it means is for the rules to say.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeName {
    /// As written, without comments.
    pub written: String,
    /// The possibly qualified name as PostgreSQL sees it; of the types that the grammar knows by their keywords these,
    /// as `character varying` or `timestamp with time zone`.
    pub path: Vec<String>,
    /// Length, or precision and scale, as far as they are whole numbers.
    pub modifiers: Vec<i64>,
    /// Whether it is an array of that type.
    pub array: bool,
}
