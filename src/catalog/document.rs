//! The JSON documents that a server returns for `sampler/sql/tables.sql` and the other queries.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::indexes::IndexDocument;
use super::kinds::RelationKind;
use crate::error::{Error, ErrorKind, Result};

/// A relation as `sampler/sql/tables.sql` describes it.
#[derive(Debug, Deserialize)]
pub(super) struct RelationDocument {
    pub name: String,
    pub schema: String,
    pub kind: RelationKind,
    pub temporary: bool,
    pub page: PageLayout,
    pub columns: Option<Vec<ColumnDocument>>,
    pub leaves: Option<Vec<Leaf>>,
    pub indexes: Option<Vec<IndexDocument>>,
    pub triggers: Option<Vec<String>>,
    pub foreign_keys: Option<Vec<String>>,
    pub referenced_by: Option<Vec<String>>,
    pub belongs_to: Option<Vec<String>>,
}

/// A relation that holds rows: the table itself, a leaf partition or an inheritance child.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Leaf {
    pub foreign: bool,
    pub reltuples: f64,
    pub relpages: u64,
    /// Null, like every size, when the relation has just been dropped.
    pub heap_bytes: Option<u64>,
    pub toast_bytes: Option<u64>,
    pub fillfactor: Option<u32>,
    pub dead_rows: u64,
    pub modified_since_analyze: u64,
    pub last_analyze: Option<String>,
}

/// The sizes that determine how many rows fit on a page.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct PageLayout {
    pub block_size: u64,
    /// Of the encoding of the database.
    pub max_bytes_per_character: u64,
}

/// A column of the table.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ColumnDocument {
    /// Quoted where SQL needs it.
    pub name: String,
    /// As `format_type` prints it.
    pub data_type: String,
    pub type_oid: u32,
    /// `attlen`: bytes, or negative when it varies.
    pub type_length: i64,
    /// `atttypmod`.
    pub type_modifier: i64,
}

/// Reads a JSON document that a query returned.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(unreadable)
}

/// Returns the error for an answer of the server that cannot be interpreted.
pub(crate) fn unreadable(what: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::Connection,
        format!("the server's catalog was not understood: {what}"),
    )
    .with_hint("PostgreSQL 13 to 18 are supported; is this another server that speaks its protocol?")
}
