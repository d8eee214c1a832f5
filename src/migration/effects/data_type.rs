//! Types of columns: when two spellings mean the same type, and what is known of it.

use crate::catalog::{SchemaFacts, TypeFacts};
use crate::migration::command::{ColumnDefinition, TypeName};
use crate::migration::names::{name_path, quoted};
use crate::migration::syntax;

/// A type as PostgreSQL sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::migration) struct DataType {
    /// Name without modifiers, as `format_type` prints it.
    pub base: String,
    /// Length, or precision and scale.
    pub modifiers: Vec<i64>,
    pub array: bool,
    /// Whether it is one of the `serial`s: an integer with a sequence for its default.
    pub serial: bool,
}

/// Integers with a sequence for their default.
const SERIALS: &[&str] = &["bigserial", "serial", "serial2", "serial4", "serial8", "smallserial"];

/// Spellings of the built-in types, with the name `format_type` prints.
const SPELLINGS: &[(&str, &str)] = &[
    ("bigserial", "bigint"),
    ("bool", "boolean"),
    ("bpchar", "character"),
    ("dec", "numeric"),
    ("decimal", "numeric"),
    ("float", "double precision"),
    ("float4", "real"),
    ("float8", "double precision"),
    ("int", "integer"),
    ("int2", "smallint"),
    ("int4", "integer"),
    ("int8", "bigint"),
    ("serial", "integer"),
    ("serial2", "smallint"),
    ("serial4", "integer"),
    ("serial8", "bigint"),
    ("smallserial", "smallint"),
    ("time", "time without time zone"),
    ("timestamp", "timestamp without time zone"),
    ("timestamptz", "timestamp with time zone"),
    ("timetz", "time with time zone"),
    ("varbit", "bit varying"),
    ("varchar", "character varying"),
];

/// Built-in types without a hidden constraint, as `format_type` prints them.
pub(super) const BUILT_IN: &[&str] = &[
    "bigint",
    "bit",
    "bit varying",
    "boolean",
    "box",
    "bytea",
    "character",
    "character varying",
    "cidr",
    "circle",
    "date",
    "datemultirange",
    "daterange",
    "double precision",
    "inet",
    "int4multirange",
    "int4range",
    "int8multirange",
    "int8range",
    "integer",
    "interval",
    "json",
    "jsonb",
    "jsonpath",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "name",
    "numeric",
    "nummultirange",
    "numrange",
    "oid",
    "path",
    "pg_lsn",
    "point",
    "polygon",
    "real",
    "regclass",
    "smallint",
    "text",
    "time with time zone",
    "time without time zone",
    "timestamp with time zone",
    "timestamp without time zone",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "tsvector",
    "uuid",
    "xid8",
    "xml",
];

impl DataType {
    /// Returns the type that a name means.
    pub fn of(name: &TypeName) -> DataType {
        let bare = match name.path.as_slice() {
            [bare] => Some(bare),
            [schema, bare] if schema == "pg_catalog" => Some(bare),
            _ => None,
        };
        let spelling = SPELLINGS
            .iter()
            .find(|(spelling, _)| bare.is_some_and(|bare| bare == spelling));
        let base = match (spelling, bare.map(String::as_str)) {
            (Some((_, base)), _) => (*base).to_owned(),
            // A keyword, unless it is quoted.
            (None, Some("char")) => "\"char\"".to_owned(),
            (None, Some(bare)) if BUILT_IN.contains(&bare) => bare.to_owned(),
            (None, Some(bare)) => quoted(bare),
            (None, None) => name.path.iter().map(|part| quoted(part)).collect::<Vec<_>>().join("."),
        };
        let mut modifiers = name.modifiers.clone();
        if base == "numeric" && modifiers.len() == 1 {
            modifiers.push(0);
        }
        DataType {
            serial: name.path.len() == 1 && bare.is_some_and(|bare| SERIALS.contains(&bare.as_str())),
            base,
            modifiers,
            array: name.array,
        }
    }

    /// Reads a type as the catalog prints it, such as `character varying(20)` or `public.mood[]`.
    pub fn parse(text: &str) -> DataType {
        match syntax::type_name(text) {
            Some(name) => DataType::of(&name),
            None => DataType {
                base: text.to_owned(),
                modifiers: Vec::new(),
                array: false,
                serial: false,
            },
        }
    }

    /// Says whether a value of the type is checked against a constraint; `None` when that is not known.
    pub fn constrained(&self, schema: &SchemaFacts) -> Option<bool> {
        match self.domain(schema) {
            Some(found) => Some(found.constrained && !self.array),
            None if BUILT_IN.contains(&self.base.as_str()) || self.array || schema.is_known() => Some(false),
            None => None,
        }
    }

    /// Says whether the type has a default of its own that gives every row another value; `None` for no domain.
    pub fn volatile_default(&self, schema: &SchemaFacts) -> Option<bool> {
        let domain = self.domain(schema).filter(|_| !self.array)?;
        Some(domain.volatile_default)
    }

    /// Returns the domain or enum that this type is.
    pub(super) fn domain<'facts>(&self, schema: &'facts SchemaFacts) -> Option<&'facts TypeFacts> {
        if BUILT_IN.contains(&self.base.as_str()) {
            return None;
        }
        let path = name_path(&self.base);
        schema.type_of(&path)
    }

    /// Returns the type below a domain, or itself.
    pub(super) fn stored_as(&self, schema: &SchemaFacts) -> DataType {
        match self.domain(schema).and_then(|domain| domain.base.as_deref()) {
            Some(base) if !self.array => DataType::parse(base).stored_as(schema),
            _ => self.clone(),
        }
    }
}

/// Says whether a column is one of the `serial`s, which are NOT NULL and have a sequence for their default.
pub(super) fn is_serial(column: &ColumnDefinition) -> bool {
    column.data_type.as_ref().is_some_and(|name| DataType::of(name).serial)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_type() {
        for (one, other) in [
            ("int", "pg_catalog.int4"),
            ("VARCHAR ( 20 )", "character varying(20)"),
            ("timestamp (3) with time zone", "timestamptz(3)"),
            ("decimal(10)", "numeric(10,0)"),
            ("char", "character(1)"),
            ("int [ 3 ]", "integer[]"),
        ] {
            assert_eq!(DataType::parse(one), DataType::parse(other), "{one}");
        }
        assert!(DataType::parse("bigserial").serial && !DataType::parse("bigint").serial);
    }
}
