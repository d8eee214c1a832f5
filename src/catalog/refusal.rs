//! The error when a name is not that of a table: what it is instead, and which name may have been meant.
//!
//! Pure: the answers of the catalog are passed in as documents.

use serde::Deserialize;

use super::document::RelationDocument;
use super::kinds::RelationKind;
use super::names::{self, RelationName};
use crate::error::{Error, ErrorKind};
use strsim::levenshtein;

/// The database, and those of its relations that have similar names.
#[derive(Debug, Deserialize)]
pub(crate) struct NearMatches {
    database: String,
    relations: Option<Vec<KnownRelation>>,
}

/// A relation that exists.
#[derive(Clone, Debug, Deserialize)]
pub struct KnownRelation {
    /// Its schema, unquoted.
    pub schema: String,
    /// Its name, unquoted.
    pub name: String,
    /// Schema and name, quoted where SQL needs it.
    pub quoted: String,
    /// Whether it is a temporary table of any session.
    pub temporary: bool,
}

/// Returns up to three relations with the most similar names, the most similar first.
pub fn nearest<'a>(wanted: &RelationName, relations: &'a [KnownRelation]) -> Vec<&'a KnownRelation> {
    let limit = names::slack(&wanted.name);
    let name = wanted.name.to_lowercase();
    let mut ranked: Vec<_> = relations
        .iter()
        .filter(|relation| !relation.temporary)
        .filter_map(|relation| {
            let of_name = levenshtein(&name, &relation.name.to_lowercase());
            let of_schema = wanted.schema.as_ref().map_or(0, |schema| {
                levenshtein(&schema.to_lowercase(), &relation.schema.to_lowercase())
            });
            (of_name <= limit).then_some((of_name, of_schema, &relation.quoted, relation))
        })
        .collect();
    ranked.sort_by(|one, other| (one.0, one.1, one.2).cmp(&(other.0, other.1, other.2)));
    ranked.into_iter().take(3).map(|(_, _, _, relation)| relation).collect()
}

/// Returns the error for a table that does not exist, with the names that may have been meant.
pub(crate) fn not_found(wanted: &RelationName, known: &NearMatches) -> Error {
    let relations = known.relations.as_deref().unwrap_or_default();
    if wanted.schema.is_none() && relations.iter().any(|one| one.temporary && one.name == wanted.name) {
        return temporary(&wanted.to_string());
    }
    let error = Error::new(
        ErrorKind::Usage,
        format!("there is no table {wanted} in database \"{}\"", known.database),
    );
    let near: Vec<&str> = nearest(wanted, relations)
        .into_iter()
        .map(|one| one.quoted.as_str())
        .collect();
    match near.split_last() {
        None => error.with_hint("check the database connected to, the schema and search_path"),
        Some((only, [])) => error.with_hint(format!("did you mean {only}?")),
        Some((last, others)) => error.with_hint(format!("did you mean {} or {last}?", others.join(", "))),
    }
}

/// Returns the error for a relation that a migration cannot work on; `None` for the others.
pub(super) fn not_a_table(relation: &RelationDocument) -> Option<Error> {
    let name = &relation.name;
    if relation.temporary {
        return Some(temporary(name));
    }
    if ["pg_catalog", "information_schema", "pg_toast"].contains(&relation.schema.as_str()) {
        return Some(
            Error::new(ErrorKind::Usage, format!("{name} is a system table"))
                .with_hint("name a table of your own; migrations do not change the catalog itself"),
        );
    }
    let others = relation.belongs_to.as_deref().unwrap_or_default().join(", ");
    let (what, hint) = match relation.kind {
        RelationKind::Table | RelationKind::PartitionedTable | RelationKind::MaterializedView => return None,
        RelationKind::View if others.is_empty() => (
            "a view; it holds no rows of its own",
            "name the table below it".to_string(),
        ),
        RelationKind::View => (
            "a view; it holds no rows of its own",
            format!("name a table it reads: {others}"),
        ),
        RelationKind::Index | RelationKind::PartitionedIndex => ("an index", format!("name its table: {others}")),
        RelationKind::Sequence if others.is_empty() => ("a sequence", "name the table that uses it".to_string()),
        RelationKind::Sequence => ("a sequence", format!("name the table that owns it: {others}")),
        RelationKind::ForeignTable => (
            "a foreign table; its rows live on another server",
            format!("connect to the server behind \"{others}\" and name the table there"),
        ),
        RelationKind::Other => ("a type, not a table", "name a table".to_string()),
    };
    Some(Error::new(ErrorKind::Usage, format!("{name} is {what}")).with_hint(hint))
}

fn temporary(name: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{name} is a temporary table of one session"))
        .with_hint("name a permanent table; a temporary one is gone before a migration could reach it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(quoted: &str) -> KnownRelation {
        let (schema, name) = quoted.split_once('.').unwrap();
        KnownRelation {
            schema: schema.to_string(),
            name: name.trim_matches('"').to_string(),
            quoted: quoted.to_string(),
            temporary: false,
        }
    }

    fn check(wanted: &str, relations: &[&str], expected_hint: &str) {
        let known = NearMatches {
            database: "shop".to_string(),
            relations: Some(relations.iter().map(|quoted| known(quoted)).collect()),
        };
        let error = not_found(&RelationName::parse(wanted).unwrap(), &known);
        assert_eq!(
            error.message(),
            format!("there is no table {wanted} in database \"shop\"")
        );
        assert_eq!(error.hint(), Some(expected_hint));
    }

    #[test]
    fn near_matches_are_offered_nearest_first() {
        check(
            "ordrs",
            &["public.orders", "public.orbits"],
            "did you mean public.orders?",
        );
        check(
            "orders",
            &["sales.orders", "public.\"Orders\""],
            "did you mean public.\"Orders\" or sales.orders?",
        );
        check(
            "sals.\"order\"",
            &["public.\"order\"", "sales.\"order\"", "archive.\"order\""],
            "did you mean sales.\"order\", public.\"order\" or archive.\"order\"?",
        );
        check(
            "orders",
            &["public.people"],
            "check the database connected to, the schema and search_path",
        );
    }

    #[test]
    fn a_temporary_table_of_another_session_is_said_to_be_one() {
        let mut relation = known("pg_temp_3.orders");
        relation.temporary = true;
        let known = NearMatches {
            database: "shop".to_string(),
            relations: Some(vec![relation]),
        };
        let error = not_found(&RelationName::parse("orders").unwrap(), &known);
        assert_eq!(error.message(), "orders is a temporary table of one session");
    }
}
