//! What else in a schema uses a column, so that the server refuses to drop or change it.

use serde::Deserialize;

/// One use of a column.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ColumnUse {
    /// The column, bare.
    pub column: String,
    /// What kind of object uses it.
    pub by: ColumnUser,
    /// The object: a view by its qualified name, all others by their bare names.
    pub name: String,
}

/// A kind of object that uses a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnUser {
    /// A view or materialised view.
    View,
    /// A rule of the table itself.
    Rule,
    /// A trigger, in its condition or its list of columns.
    Trigger,
    /// A row-level security policy.
    Policy,
    /// A generated column of the same table.
    Generated,
    /// A function whose body is parsed when it is made.
    Function,
}

impl ColumnUser {
    /// Returns its name in a sentence.
    pub fn in_words(self) -> &'static str {
        match self {
            ColumnUser::View => "view",
            ColumnUser::Rule => "rule",
            ColumnUser::Trigger => "trigger",
            ColumnUser::Policy => "policy",
            ColumnUser::Generated => "generated column",
            ColumnUser::Function => "function",
        }
    }
}
