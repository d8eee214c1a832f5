//! What `DO` blocks do, and functions and procedures that the migration itself makes: what the statements of their
//! bodies do, all of it until the block ends.
//!
//! Each branch is taken for run, as which one runs is known only at run time; a loop is taken for run once over its
//! rows. What is put together at run time is unknown, and so is the whole block then.

use std::borrow::Cow;

use super::evolution::evolve_by;
use super::judge::{Effects, Judge, TransactionRule};
use crate::catalog::{Origin, SchemaFacts};
use crate::migration::command::{Body, Command, Routine, Run};
use crate::migration::{StepKind, Trap, syntax};

/// Most bodies that call one another.
const DEEPEST: usize = 4;

/// Judges a `DO` block.
pub(super) fn block(judge: &mut Judge, routine: Option<&Routine>) {
    match routine {
        Some(routine) => run(judge, routine),
        None => judge.effects.unknown("what the block does"),
    }
}

/// Judges a call of a function or procedure that an earlier statement of the migration has made; says whether there is
/// one.
pub(super) fn call(judge: &mut Judge, name: &str) -> bool {
    let Some(sql) = judge.schema.routines.get(name).filter(|_| judge.depth < DEEPEST) else {
        return false;
    };
    let routine = syntax::outline(sql).routine;
    match routine {
        Some(routine) => run(judge, &routine),
        None => judge.effects.unknown(format!("what function {name} does")),
    }
    true
}

/// What the statements of a body have done so far.
#[derive(Default)]
struct Done {
    effects: Effects,
    kinds: Vec<StepKind>,
    /// Rows that were changed, where each statement counts them.
    rows: Option<f64>,
}

fn run(judge: &mut Judge, routine: &Routine) {
    let mut schema = Cow::Borrowed(judge.schema);
    let mut done = Done {
        rows: Some(0.0),
        ..Done::default()
    };
    for (place, part) in routine.runs.iter().enumerate() {
        match part {
            Run::Unseen(what) => done.effects.unknown(what.clone()),
            Run::EndsTransaction => done.effects.transaction = TransactionRule::Forbidden,
            Run::Statement { command, repeated } => {
                let mut inner = Judge {
                    schema: &schema,
                    version: judge.version,
                    effects: Effects::default(),
                    depth: judge.depth + 1,
                    rules: judge.rules,
                };
                (judge.rules)(&mut inner, command);
                let found = inner.effects;
                done.add(found, *repeated, judge.schema, &schema);
                // A schema is large, and most blocks change it only at their end.
                let is_last = place + 1 == routine.runs.len();
                if !is_last && !only_reads(command) {
                    evolve_by(command, schema.to_mut());
                }
            }
        }
    }
    done.into_effects(&mut judge.effects);
}

impl Done {
    /// Adds what one statement does. `before` is the schema before the block, `schema` that before the statement.
    fn add(&mut self, mut found: Effects, repeated: bool, before: &SchemaFacts, schema: &SchemaFacts) {
        found.tidy();
        let kind = found.kind();
        // Nobody else waits for what the block itself has made.
        let made_here = |name: &String| {
            let made = schema.named(name).is_some_and(|table| table.origin == Origin::Made);
            made && before.named(name).is_none()
        };
        found.locks.retain(|(name, _)| !made_here(name));
        for list in [&mut found.rewritten, &mut found.scanned, &mut found.indexed] {
            list.retain(|name| !made_here(name));
        }
        if found.transaction == TransactionRule::Forbidden {
            let why = "the server refuses it: it cannot run inside a block or a function";
            self.effects.warn(Trap::RefusedByServer, why);
        }
        if kind == StepKind::Dml {
            let counted = found.rows.filter(|_| !repeated);
            self.rows = self.rows.zip(counted).map(|(sum, rows)| sum + rows);
        }
        if !found.rewritten.is_empty() {
            let first = self.effects.rewritten.is_empty();
            self.effects.emptied = found.emptied && (first || self.effects.emptied);
        }
        self.kinds.push(kind);
        self.effects.locks.extend(found.locks);
        self.effects.rewritten.extend(found.rewritten);
        self.effects.scanned.extend(found.scanned);
        self.effects.indexed.extend(found.indexed);
        self.effects.warnings.extend(found.warnings);
        found
            .unknown
            .into_iter()
            .for_each(|reason| self.effects.unknown(reason));
    }

    /// Adds everything to what the statement that runs the body does.
    fn into_effects(self, effects: &mut Effects) {
        let has = |kind| self.kinds.contains(&kind);
        let found = self.effects;
        let is_unknown = !found.unknown.is_empty() || has(StepKind::Unclassified);
        let outweighs_rows = has(StepKind::TableRewrite) || has(StepKind::IndexBuild);
        effects.base = if is_unknown {
            Some(StepKind::Unclassified)
        } else if has(StepKind::Dml) && !outweighs_rows {
            Some(StepKind::Dml)
        } else {
            effects.base
        };
        if has(StepKind::Dml) {
            effects.rows = self.rows;
        }
        if found.transaction == TransactionRule::Forbidden {
            effects.transaction = TransactionRule::Forbidden;
        }
        effects.emptied = found.emptied;
        effects.locks.extend(found.locks);
        effects.rewritten.extend(found.rewritten);
        effects.scanned.extend(found.scanned);
        effects.indexed.extend(found.indexed);
        effects.warnings.extend(found.warnings);
        effects.unknown.extend(found.unknown);
    }
}

/// Says whether a command leaves the schema as it is, and every table with rows or without.
fn only_reads(command: &Command) -> bool {
    matches!(command, Command::Query(query) if !matches!(query.body, Body::Insert(_)))
}

#[cfg(test)]
mod tests {
    use StepKind::{CatalogOnly, Dml, IndexBuild, TableRewrite, TableScan, Unclassified};

    use super::*;
    use crate::migration::effects::{effects, evolve};
    use crate::migration::parse;

    /// Checks the kind and the locks of the last statement.
    fn check(sql: &str, kind: StepKind, locks: &[&str]) {
        let statements = parse(sql, "m.sql").expect(sql);
        let mut schema = SchemaFacts::default();
        let (last, before) = statements.split_last().expect("a statement");
        before.iter().for_each(|statement| evolve(statement, &mut schema));
        let found = effects(last, &schema);
        let shown = found.locks.iter().map(|(name, mode)| format!("{name} {mode}"));
        let shown: Vec<String> = shown.map(|lock| lock.replace("Lock", "")).collect();
        assert_eq!(found.kind(), kind, "{sql}: {:?}", found.unknown);
        assert_eq!(shown, locks, "{sql}");
    }

    fn body(code: &str) -> String {
        format!("DO $$ DECLARE n int; BEGIN {code} END $$")
    }

    #[test]
    fn a_block_does_what_its_statements_do() {
        let check = |code: &str, kind, locks: &[&str]| check(&body(code), kind, locks);
        check(
            "IF NOT EXISTS (SELECT FROM t WHERE a = 1) THEN ALTER TABLE t ADD x int; END IF;",
            CatalogOnly,
            &["t AccessExclusive"],
        );
        check(
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0); EXCEPTION WHEN duplicate_object THEN NULL;",
            TableScan,
            &["t AccessExclusive"],
        );
        check(
            "ALTER TABLE t ADD x int; RAISE NOTICE 'done %', n;",
            CatalogOnly,
            &["t AccessExclusive"],
        );
        check(
            "ALTER TABLE t ADD x uuid DEFAULT gen_random_uuid(); UPDATE u SET a = 1;",
            TableRewrite,
            &["t AccessExclusive", "u RowExclusive"],
        );
        check(
            "CREATE INDEX ON t (a); DELETE FROM u;",
            IndexBuild,
            &["t Share", "u RowExclusive"],
        );
        check(
            "LOOP UPDATE t SET a = 1 WHERE id IN (SELECT id FROM t LIMIT 9); GET DIAGNOSTICS n = ROW_COUNT; \
             EXIT WHEN n = 0; COMMIT; END LOOP;",
            Dml,
            &["t RowExclusive"],
        );
        check("SELECT a INTO n FROM t; n := n + 1;", TableScan, &[]);
        check("NULL;", CatalogOnly, &[]);
    }

    #[test]
    fn what_is_executed_is_read_where_it_is_constant() {
        let check = |code: &str, kind, locks: &[&str]| check(&body(code), kind, locks);
        let table = "EXECUTE 'ALTER TABLE t ADD x int';";
        check(table, CatalogOnly, &["t AccessExclusive"]);
        check(
            "EXECUTE format('ALTER TABLE %I ADD x int', 'T');",
            CatalogOnly,
            &["\"T\" AccessExclusive"],
        );
        check("EXECUTE 'UPDATE t SET a = $1' USING n;", Dml, &["t RowExclusive"]);
        check(
            "EXECUTE 'UPDATE ' || n || ' SET a = 1'; UPDATE u SET a = 1;",
            Unclassified,
            &["u RowExclusive"],
        );
        check(
            "FOR n IN SELECT a FROM t LOOP EXECUTE format('DROP TABLE %I', n); END LOOP;",
            Unclassified,
            &[],
        );
        check(
            "EXECUTE 'DO $x$ BEGIN LOCK TABLE t; END $x$';",
            CatalogOnly,
            &["t AccessExclusive"],
        );
        check("PERFORM own(1);", Unclassified, &[]);
        check("n := own(1);", Unclassified, &[]);
        check("this is no code;", Unclassified, &[]);
    }

    #[test]
    fn routines_of_the_same_migration_are_read() {
        check(
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE t SET a = ''s'''; SELECT \"f\"()",
            Dml,
            &["t RowExclusive"],
        );
        check(
            "CREATE PROCEDURE s.p() LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE t ADD x int; END $$; CALL s.p()",
            CatalogOnly,
            &["t AccessExclusive"],
        );
        check(
            "CREATE FUNCTION f() RETURNS void BEGIN ATOMIC DELETE FROM t; END; SELECT f()",
            Dml,
            &["t RowExclusive"],
        );
        let foreign = "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'a', 'b'; SELECT f()";
        check(foreign, Unclassified, &[]);
        let endless = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT f()'; SELECT f()";
        check(endless, Unclassified, &[]);
        check("CALL other()", Unclassified, &[]);
    }

    #[test]
    fn what_ends_the_transaction_or_wants_none_is_told() {
        let found = |sql: &str| effects(&parse(sql, "m.sql").expect(sql)[0], &SchemaFacts::default());
        assert_eq!(found(&body("COMMIT;")).transaction, TransactionRule::Forbidden);
        let refused = found(&body("CREATE INDEX CONCURRENTLY ON t (a);"));
        assert_eq!(refused.warnings[0].trap, Trap::RefusedByServer);
        assert_eq!(refused.transaction, TransactionRule::Allowed);
    }
}
