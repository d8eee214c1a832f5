//! Foreign keys without an index on the referring side: for each row that is deleted from the table they refer to, or
//! whose key changes, the server reads all of the referring table.

use serde::{Deserialize, Serialize};

use super::kinds::{ConstraintKind, RelationKind};
use super::relation::{ConstraintFacts, RelationFacts};
use super::schema::SchemaFacts;
use crate::quoting::identifier;

/// A foreign key without an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingIndex {
    /// The referring table, qualified.
    pub relation: String,
    /// Name of the foreign key.
    pub foreign_key: String,
    /// The statement that creates the index.
    pub create: String,
}

impl SchemaFacts {
    /// Returns the foreign keys that refer to the table of this qualified name and have no index, each with its
    /// constraint.
    pub fn unindexed_references(&self, name: &str) -> Vec<(MissingIndex, &ConstraintFacts)> {
        let all = self.relations.foreign_keys_to(name).iter().map(|(table, constraint)| {
            let table = &self.relations[*table];
            (table, &table.constraints[*constraint])
        });
        all.filter_map(|(table, key)| Some((missing_index(table, key)?, key)))
            .collect()
    }
}

/// Returns the index that a foreign key of `table` lacks; `None` if it has one, or `key` is none.
///
/// An index helps when its first column is one of the key's and it holds all rows.
pub fn missing_index(table: &RelationFacts, key: &ConstraintFacts) -> Option<MissingIndex> {
    if key.kind != ConstraintKind::ForeignKey || key.columns.is_empty() {
        return None;
    }
    let helps = |columns: &[String]| columns.first().is_some_and(|first| key.columns.contains(first));
    let mut indexes = table.indexes.iter().filter(|index| index.valid && index.plain);
    if indexes.any(|index| helps(&index.columns)) {
        return None;
    }
    let columns: Vec<String> = key.columns.iter().map(|column| identifier(column)).collect();
    // The server builds the index of a partitioned table only under a lock.
    let concurrently = match table.kind {
        RelationKind::PartitionedTable => "",
        _ => "CONCURRENTLY ",
    };
    Some(MissingIndex {
        relation: table.name.clone(),
        foreign_key: key.name.clone(),
        create: format!("CREATE INDEX {concurrently}ON {} ({})", table.name, columns.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::SchemaIndex;

    fn check(columns: &[&str], valid: bool, plain: bool, expected: Option<&str>) {
        let owned = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let table = RelationFacts {
            name: "public.kid".to_owned(),
            indexes: vec![SchemaIndex {
                columns: owned(columns),
                valid,
                plain,
                ..SchemaIndex::default()
            }],
            ..RelationFacts::default()
        };
        let key = ConstraintFacts {
            kind: ConstraintKind::ForeignKey,
            columns: owned(&["p", "Q"]),
            ..ConstraintFacts::default()
        };
        let found = missing_index(&table, &key).map(|missing| missing.create);
        assert_eq!(found.as_deref(), expected, "{columns:?}");
    }

    #[test]
    fn an_index_helps_when_it_begins_with_a_column_of_the_key() {
        let create = Some("CREATE INDEX CONCURRENTLY ON public.kid (p, \"Q\")");
        check(&["p"], true, true, None);
        check(&["Q", "other"], true, true, None);
        check(&["other", "p"], true, true, create);
        check(&["p"], false, true, create);
        check(&["p"], true, false, create);
        check(&[], true, true, create);
    }
}
