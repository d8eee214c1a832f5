//! Which rules judge which statement: the table of contents, and the statements that touch no rows.
//!
//! Locks are those of PostgreSQL's documentation ("Explicit Locking") and of the sources named beside them.

use super::judge::{Effects, Judge, TransactionRule};
use super::{cascades, indexes, maintenance, other_objects, queries, routines, table_rules, undo, whole_tables};
use crate::catalog::{Persistence, SchemaFacts};
use crate::migration::Statement;
use crate::migration::command::{Command, Creation, DropObjects, ObjectKind, Session, Transaction};

/// Version whose rules hold when no server was asked: the oldest that its project still maintains.
const ASSUMED_VERSION: u32 = 140_000;

/// Returns what a statement does to a schema as it stands.
///
/// Without facts (`SchemaFacts::default()`) everything is told that the text alone decides.
pub fn effects(statement: &Statement, schema: &SchemaFacts) -> Effects {
    let mut judge = Judge {
        schema,
        version: if schema.is_known() {
            schema.version_num
        } else {
            ASSUMED_VERSION
        },
        effects: Effects::default(),
        depth: 0,
        rules: judge_command,
    };
    let command = statement.command();
    match (&statement.outline.unread, command) {
        (Some(problem), _) => judge
            .effects
            .unknown(format!("this statement is not understood: {problem}")),
        (None, Command::Do(_)) => routines::block(&mut judge, statement.outline.routine.as_ref()),
        (None, command) => judge_command(&mut judge, command),
    }
    let mut effects = judge.effects;
    if effects.rollback.is_none() {
        effects.rollback = undo::of_creation(command).or_else(|| undo::of_rename(command));
    }
    // Nobody else sees a temporary table.
    let is_own = |name: &str| {
        let relation = schema.named(name);
        relation.is_some_and(|relation| relation.persistence == Persistence::Temporary)
    };
    effects.locks.retain(|(name, _)| !is_own(name));
    effects.tidy();
    effects
}

fn judge_command(judge: &mut Judge, command: &Command) {
    match command {
        Command::Query(query) => queries::query(judge, query),
        Command::Copy(copy) => queries::copy(judge, copy),

        Command::AlterTable(alter) => table_rules::alter_table(judge, alter),
        Command::CreateTable(create) => whole_tables::create_table(judge, create),
        Command::CreateTableAs(create) => queries::create_table_as(judge, create),
        Command::CreateView(create) => other_objects::create_view(judge, &create.made),
        Command::Truncate(truncate) => whole_tables::truncate(judge, truncate),
        Command::Lock(lock) => whole_tables::lock(judge, lock),
        Command::Vacuum(vacuum) => maintenance::vacuum(judge, vacuum),
        Command::Analyze(tables) => maintenance::analyze(judge, tables),
        Command::Cluster(cluster) => maintenance::cluster(judge, cluster),
        Command::Refresh(refresh) => maintenance::refresh(judge, refresh),

        Command::CreateIndex(create) => indexes::create_index(judge, create),
        Command::AlterIndex(alter) => indexes::alter_index(judge, alter),
        Command::Reindex(reindex) => indexes::reindex(judge, reindex),

        Command::AlterSequence(alter) => other_objects::alter_sequence(judge, alter),
        Command::AlterType(alter) => other_objects::alter_type(judge, alter),
        Command::AlterDomain(alter) => other_objects::alter_domain(judge, alter),
        Command::CreateStatistics { made, table } => other_objects::create_statistics(judge, made, table),
        Command::Publication(publication) => other_objects::publication(judge, publication),
        Command::TablePart(part) => other_objects::table_part(judge, part),
        Command::Comment(comment) => other_objects::comment(judge, comment),

        // Its elements are statements of their own.
        Command::CreateSchema { elements, .. } => elements.iter().for_each(|element| judge_command(judge, element)),
        Command::Create(made) => create(judge, made),
        Command::Alter(altered) => alter(judge, altered.kind),
        Command::Drop(dropped) => drop(judge, dropped),

        Command::Transaction(Transaction::Modes) => judge.effects.transaction = TransactionRule::Required,
        Command::Session(session) => of_session(judge, session),
        Command::AlterSystem => of_server(judge),
        Command::CreateDomain { .. } | Command::Privileges | Command::Transaction(_) => {}
        Command::DropOwned(roles) => cascades::owned(judge, roles, true),
        Command::ReassignOwned(roles) => cascades::owned(judge, roles, false),
        Command::Call(name) => {
            if !routines::call(judge, name) {
                judge.effects.unknown(format!("what procedure {name} does"));
            }
        }
        Command::AlterAllInTablespace | Command::Do(_) | Command::Explain | Command::Other => not_covered(judge),
    }
}

fn not_covered(judge: &mut Judge) {
    judge
        .effects
        .unknown("what this statement locks is not covered by the rules; a rehearsal shows it");
}

fn of_session(judge: &mut Judge, session: &Session) {
    match session {
        Session::Set(setting) if setting.local => judge.effects.transaction = TransactionRule::Required,
        Session::Discard { all: true } => judge.effects.transaction = TransactionRule::Forbidden,
        Session::Prepare | Session::Declare { .. } | Session::Load => not_covered(judge),
        _ => {}
    }
}

/// Says whether whatever is done to such an object changes the catalog only and locks no table.
fn is_catalog_only(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Aggregate
            | ObjectKind::Collation
            | ObjectKind::EventTrigger
            | ObjectKind::Function
            | ObjectKind::Group
            | ObjectKind::Operator
            | ObjectKind::OperatorClass
            | ObjectKind::OperatorFamily
            | ObjectKind::Procedure
            | ObjectKind::Role
            | ObjectKind::TextSearchConfiguration
            | ObjectKind::TextSearchDictionary
            | ObjectKind::TextSearchParser
            | ObjectKind::TextSearchTemplate
            | ObjectKind::User
            | ObjectKind::UserMapping
    )
}

fn create(judge: &mut Judge, made: &Creation) {
    match made.kind {
        ObjectKind::Database | ObjectKind::Subscription | ObjectKind::Tablespace => of_server(judge),
        ObjectKind::AccessMethod
        | ObjectKind::Cast
        | ObjectKind::Conversion
        | ObjectKind::ForeignDataWrapper
        | ObjectKind::Language
        | ObjectKind::Sequence
        | ObjectKind::Server
        | ObjectKind::Transform
        | ObjectKind::Type => {}
        kind if is_catalog_only(kind) => {}
        _ => not_covered(judge),
    }
}

fn alter(judge: &mut Judge, kind: ObjectKind) {
    match kind {
        ObjectKind::Database
        | ObjectKind::Extension
        | ObjectKind::ForeignDataWrapper
        | ObjectKind::Language
        | ObjectKind::LargeObject
        | ObjectKind::Routine
        | ObjectKind::Schema
        | ObjectKind::Server
        | ObjectKind::Statistics => {}
        kind if is_catalog_only(kind) => {}
        _ => not_covered(judge),
    }
}

fn drop(judge: &mut Judge, dropped: &DropObjects) {
    match dropped.kind {
        ObjectKind::Index => indexes::drop_index(judge, dropped),
        ObjectKind::Schema => whole_tables::drop_schema(judge, dropped),
        ObjectKind::Statistics => other_objects::drop_statistics(judge, dropped),
        ObjectKind::Publication => {}
        ObjectKind::ForeignTable
        | ObjectKind::MaterializedView
        | ObjectKind::Sequence
        | ObjectKind::Table
        | ObjectKind::View => whole_tables::drop_tables(judge, dropped),
        ObjectKind::Database | ObjectKind::Subscription | ObjectKind::Tablespace => of_server(judge),
        ObjectKind::Cast => {}
        ObjectKind::Domain
        | ObjectKind::Extension
        | ObjectKind::ForeignDataWrapper
        | ObjectKind::Routine
        | ObjectKind::Server
        | ObjectKind::Type => cascades::drop_objects(judge, dropped),
        kind if is_catalog_only(kind) => cascades::drop_objects(judge, dropped),
        _ => not_covered(judge),
    }
}

/// Judges what the server makes and drops outside of transaction blocks only.
fn of_server(judge: &mut Judge) {
    judge.effects.transaction = TransactionRule::Forbidden;
    not_covered(judge);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::parse;

    fn effects_of(sql: &str) -> Effects {
        let statements = parse(sql, "m.sql").expect("parses");
        effects(&statements[0], &SchemaFacts::default())
    }

    #[test]
    fn what_is_read_from_end_to_end() {
        fn check(sql: &str, expected: &[&str]) {
            assert_eq!(effects_of(sql).scanned, expected, "{sql}");
        }
        check("SELECT 1 FROM a UNION (SELECT 1 FROM b) ORDER BY 1", &["a", "b"]);
        check("(TABLE ONLY a)", &["a"]);
        check(
            "SELECT 1 FROM (SELECT 1 FROM a) AS x JOIN (b CROSS JOIN c) ON true",
            &["a", "b", "c"],
        );
        check("SELECT EXISTS (SELECT FROM a)", &["a"]);
        check("WITH x AS (SELECT 1 FROM a) SELECT 1 FROM x", &["a"]);
        check(
            "WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b TABLE gone",
            &["a"],
        );
        check("UPDATE a SET b = 1 WHERE CURRENT OF c", &[]);
        check(
            "MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DELETE",
            &["a", "b"],
        );
        check("CREATE TEMP TABLE x AS SELECT 1 FROM a", &["a"]);
    }

    #[test]
    fn options_say_what_they_say() {
        fn check(sql: &str, expected: &[(&str, &str)]) {
            let found = effects_of(sql).locks;
            let found: Vec<(&str, String)> = found
                .iter()
                .map(|(name, mode)| (name.as_str(), mode.to_string()))
                .collect();
            let expected: Vec<(&str, String)> = expected
                .iter()
                .map(|(name, mode)| (*name, format!("{mode}Lock")))
                .collect();
            assert_eq!(found, expected, "{sql}");
        }
        check("VACUUM (FULL off, ANALYZE) t", &[("t", "ShareUpdateExclusive")]);
        check("REINDEX (CONCURRENTLY false) INDEX i", &[("i", "AccessExclusive")]);
        check("CLUSTER i ON t", &[("t", "AccessExclusive")]);
        check("SELECT 1 FROM t AS x, u FOR UPDATE OF x", &[("t", "RowShare")]);
        check(
            "CREATE TABLE a (b int PRIMARY KEY REFERENCES t, c int REFERENCES a)",
            &[("t", "ShareRowExclusive")],
        );
        check(
            "CREATE PUBLICATION p FOR TABLE t (a), TABLES IN SCHEMA s",
            &[("t", "ShareUpdateExclusive")],
        );
    }
}
