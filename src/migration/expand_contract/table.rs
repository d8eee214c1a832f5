//! Renames a table: the old name stays as a view through which the application reads and writes, until it is no longer
//! used.

use super::identifiers::quote;
use super::phase::Phase;
use crate::catalog::snapshot::SchemaSnapshot;
use crate::catalog::{RelationFacts, RelationKind, SchemaFacts};

/// First server version whose views can use the privileges of the querying role.
const SECURITY_INVOKER: u32 = 150_000;

/// Returns the phases of a table rename; the error says why they cannot be written.
pub fn phases(
    table: &RelationFacts,
    to: &str,
    schema: &SchemaFacts,
    snapshot: &SchemaSnapshot,
) -> Result<Vec<Phase>, String> {
    if !matches!(table.kind, RelationKind::Table | RelationKind::PartitionedTable) {
        return Err(format!("{} is no table", table.name));
    }
    let prefix = &table.name[..table.name.len() - quote(&table.bare_name).len()];
    let (old, new) = (&table.name, format!("{prefix}{}", quote(to)));
    if schema.named(&new).is_some() {
        return Err(format!("{new} exists already"));
    }
    if table.row_security && schema.version_num < SECURITY_INVOKER {
        return Err(format!(
            "{old} has row-level security, which a view of PostgreSQL 14 and earlier would go around"
        ));
    }
    let view = view(old, &new, schema, snapshot);
    let switch = |statements: Vec<String>| {
        let mut block = vec!["BEGIN;".to_owned(), "SET LOCAL lock_timeout = '5s';".to_owned()];
        block.extend(statements);
        block.push("COMMIT;".to_owned());
        block
    };
    let mut there = vec![format!("ALTER TABLE {old} RENAME TO {};", quote(to))];
    there.extend(view.clone());
    Ok(vec![
        Phase {
            name: "switch",
            title: format!("{old} becomes {new}, and a view of the old name takes its place"),
            notes: vec![
                "The view takes INSERT, UPDATE and DELETE as the table did; COPY into it, TRUNCATE and LOCK do not \
                 work on a view."
                    .to_owned(),
                "Now let every instance of the application use the new name.".to_owned(),
            ],
            forward: switch(there),
            back: switch(vec![
                format!("DROP VIEW {old};"),
                format!("ALTER TABLE {new} RENAME TO {};", quote(&table.bare_name)),
            ]),
        },
        Phase {
            name: "contract",
            title: format!("the view {old} goes, once nobody uses it"),
            notes: Vec::new(),
            forward: vec![format!("DROP VIEW {old};")],
            back: switch(view),
        },
    ])
}

/// Returns the statements that create the view under the `old` name, with the table's owner and privileges.
fn view(old: &str, new: &str, schema: &SchemaFacts, snapshot: &SchemaSnapshot) -> Vec<String> {
    let options = if schema.version_num >= SECURITY_INVOKER {
        " WITH (security_invoker = true)"
    } else {
        ""
    };
    let mut view = vec![format!("CREATE VIEW {old}{options} AS SELECT * FROM {new};")];
    let object = snapshot.object("table", old);
    if let Some(owner) = object.and_then(|object| object.attribute("owner")) {
        view.push(format!("ALTER VIEW {old} OWNER TO {owner};"));
        let privileges = object.and_then(|object| object.attributes.get("privileges"));
        let privileges = privileges.map(|list| list.items()).unwrap_or_default();
        let granted = privileges
            .iter()
            .filter(|line| !line.ends_with(&format!(" to {owner}")));
        view.extend(granted.map(|line| grant(line, old)));
    }
    view
}

/// Returns the `GRANT` for a privilege listed in a snapshot, such as `SELECT to reader WITH GRANT OPTION`.
fn grant(line: &str, on: &str) -> String {
    let (privilege, grantee) = line.split_once(" to ").unwrap_or((line, "PUBLIC"));
    format!("GRANT {privilege} ON {on} TO {grantee};")
}
