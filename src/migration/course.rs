//! The schema and the session's settings in the course of a migration: as each statement leaves them to the next, with
//! what the end of a transaction takes back.
//!
//! PostgreSQL's rules ("SET"): what `SET` sets inside a transaction stays after its COMMIT and is gone after its
//! ROLLBACK; what `SET LOCAL` sets lasts to the end of the transaction, and outside of one to the end of the statement.

use super::Statement;
use super::command::{Command, Session, Setting, Transaction};
use super::effects::evolve;
use super::transactions;
use crate::catalog::{Origin, SchemaFacts, SessionSettings, TEMPORARY};

/// The facts before each statement.
pub(super) struct Course {
    schema: SchemaFacts,
    /// What the settings are again when the transaction ends.
    lasting: SessionSettings,
    /// Number of the transaction that the last statement was in.
    block: Option<u32>,
    /// What it began with, and what its savepoints had, where the migration takes anything back.
    kept: Vec<Kept>,
    keeps: bool,
}

#[derive(Clone)]
struct Kept {
    schema: SchemaFacts,
    lasting: SessionSettings,
}

impl Course {
    /// Begins with the facts before the first of the statements.
    pub fn new(statements: &[Statement], schema: &SchemaFacts) -> Course {
        let takes_back = |statement: &Statement| {
            matches!(
                statement.command(),
                Command::Transaction(Transaction::Rollback { .. } | Transaction::RollbackToSavepoint)
            )
        };
        Course {
            schema: schema.clone(),
            lasting: schema.settings.clone(),
            block: None,
            kept: Vec::new(),
            keeps: statements.iter().any(takes_back),
        }
    }

    /// Comes to a statement of a transaction: another one than before begins, and the former has ended.
    pub fn arrive(&mut self, block: Option<u32>) -> &SchemaFacts {
        if block != self.block {
            self.schema.settings.clone_from(&self.lasting);
            self.block = block;
            self.kept.clear();
            if block.is_some() {
                self.keep();
            }
        }
        &self.schema
    }

    /// Returns the schema as the statements so far leave it.
    pub fn schema(&self) -> &SchemaFacts {
        &self.schema
    }

    /// Applies a statement.
    pub fn follow(&mut self, statement: &Statement) {
        match statement.command() {
            Command::Transaction(Transaction::Rollback { .. }) => self.take_back(0),
            Command::Transaction(Transaction::RollbackToSavepoint) => {
                self.take_back(self.kept.len().saturating_sub(1));
            }
            Command::Transaction(Transaction::Savepoint) => self.keep(),
            Command::Transaction(Transaction::Release) if self.kept.len() > 1 => {
                self.kept.pop();
            }
            Command::Session(Session::Set(setting)) => self.set(setting),
            Command::Session(Session::Reset(name)) => self.reset(name.as_deref()),
            Command::Session(Session::Discard { all: true }) => self.reset(None),
            command => {
                if let Command::Query(query) = command {
                    query.sets.iter().for_each(|setting| self.set(setting));
                }
                evolve(statement, &mut self.schema);
            }
        }
    }

    fn keep(&mut self) {
        if self.keeps {
            self.kept.push(Kept {
                schema: self.schema.clone(),
                lasting: self.lasting.clone(),
            });
        }
    }

    fn take_back(&mut self, place: usize) {
        if let Some(kept) = self.kept.get(place).cloned() {
            self.kept.truncate(place + 1);
            (self.schema, self.lasting) = (kept.schema, kept.lasting);
        }
    }

    fn set(&mut self, setting: &Setting) {
        if setting.local && self.block.is_none() {
            return;
        }
        let initial = self.schema.initial.clone();
        apply(setting, &initial, &mut self.schema.settings);
        if !setting.local {
            apply(setting, &initial, &mut self.lasting);
        }
    }

    fn reset(&mut self, name: Option<&str>) {
        let names: &[&str] = match &name {
            Some(name) => &[*name],
            // The user stays.
            None => &["timezone", "search_path"],
        };
        for name in names {
            let default = Setting {
                name: (*name).to_owned(),
                default: true,
                ..Setting::default()
            };
            self.set(&default);
        }
    }
}

/// Returns the schema that earlier migrations have left, as far as their text tells: where no database is at hand,
/// those that come later are judged on it. Tables may have been filled since.
///
/// What code may have done to the schema is not known: then nothing is.
pub fn schema_after(statements: &[Statement]) -> SchemaFacts {
    let hides = |statement: &Statement| matches!(statement.command(), Command::Do(_) | Command::Other);
    if statements.iter().any(hides) {
        return SchemaFacts::default();
    }
    let mut course = Course::new(statements, &SchemaFacts::default());
    let blocks = transactions::follow(statements).blocks;
    for (statement, block) in statements.iter().zip(blocks) {
        course.arrive(block.map(|block| block.number));
        course.follow(statement);
    }
    let mut schema = course.schema;
    schema.settings = SessionSettings::default();
    schema.relations.retain(|relation| relation.schema != TEMPORARY);
    for relation in &mut schema.relations {
        relation.empty = false;
        relation.origin = Origin::Catalog;
    }
    schema
}

fn apply(setting: &Setting, initial: &SessionSettings, settings: &mut SessionSettings) {
    match setting.name.as_str() {
        "timezone" if setting.default => settings.timezone.clone_from(&initial.timezone),
        "timezone" => settings.timezone.clone_from(&setting.value),
        "search_path" if setting.default => settings.search_path.clone_from(&initial.search_path),
        // Of a list that is put together at run time nothing is known: names without a schema are found nowhere.
        "search_path" => settings.search_path = setting.list.clone().unwrap_or_default(),
        "role" | "session_authorization" if setting.default || setting.value.eq_ignore_ascii_case("none") => {
            settings.user.clone_from(&initial.user);
        }
        "role" | "session_authorization" => {
            settings.user = setting
                .list
                .as_ref()
                .and_then(|names| names.first())
                .unwrap_or(&setting.value)
                .clone();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::parse;

    /// Checks which path the last statement meets.
    fn check(sql: &str, path: &[&str], timezone: &str) {
        let statements = parse(sql, "m.sql").expect("parses");
        let settings = SessionSettings {
            timezone: "Europe/Berlin".to_owned(),
            search_path: vec!["public".to_owned()],
            user: "me".to_owned(),
        };
        let schema = SchemaFacts {
            version_num: 150_000,
            settings: settings.clone(),
            initial: settings,
            ..SchemaFacts::default()
        };
        let mut course = Course::new(&statements, &schema);
        let mut met = SessionSettings::default();
        for (statement, block) in statements.iter().zip(transactions::follow(&statements).blocks) {
            met = course.arrive(block.map(|block| block.number)).settings.clone();
            course.follow(statement);
        }
        assert_eq!(
            (met.search_path, met.timezone.as_str()),
            (path.iter().map(|name| (*name).to_owned()).collect(), timezone),
            "{sql}"
        );
    }

    #[test]
    fn earlier_migrations_tell_the_schema() {
        let earlier = "CREATE TABLE t (id int PRIMARY KEY, v varchar(5));
                       ALTER TABLE t ADD CONSTRAINT c CHECK (v IS NOT NULL);
                       CREATE TABLE u (id int, t int REFERENCES t);";
        let schema = schema_after(&parse(earlier, "a.sql").expect("parses"));
        let later = "ALTER TABLE t ALTER v TYPE varchar(9); ALTER TABLE t ALTER v SET NOT NULL; DROP TABLE u;
                     ALTER TABLE t ADD CHECK (id > 0);";
        let planned = crate::migration::plan(&parse(later, "b.sql").expect("parses"), &schema);
        let effects: Vec<_> = planned.iter().filter_map(|planned| planned.effects.as_ref()).collect();
        assert!(effects.iter().all(|effects| effects.unknown.is_empty()), "{effects:?}");
        let scanned: Vec<bool> = effects.iter().map(|effects| !effects.scanned.is_empty()).collect();
        assert_eq!(scanned, [false, false, false, true]);
        assert!(
            effects[2].locks.iter().any(|(name, _)| name == "t"),
            "{:?}",
            effects[2].locks
        );
        assert_eq!(
            schema_after(&parse("DO 'x'; CREATE TABLE t (id int)", "a.sql").expect("parses"))
                .relations
                .len(),
            0
        );
    }

    #[test]
    fn paths_are_followed() {
        let check = |sql: &str, path: &[&str]| check(&format!("{sql}; SELECT 1"), path, "Europe/Berlin");
        check("SET search_path = app, \"Odd\", 'x y'", &["app", "Odd", "x y"]);
        check("SET search_path = 'app, public'", &["app, public"]);
        check("SET SCHEMA 'app'", &["app"]);
        check(
            "SELECT pg_catalog.set_config('search_path', 'app, public', false)",
            &["app", "public"],
        );
        check("SELECT set_config('search_path', '', false)", &[]);
        check("SET LOCAL search_path = app", &["public"]);
        check("SELECT set_config('search_path', 'app', true)", &["public"]);
        check("BEGIN; SET LOCAL search_path = app", &["app"]);
        check("BEGIN; SET LOCAL search_path = app; COMMIT", &["public"]);
        check("BEGIN; SET search_path = app; COMMIT", &["app"]);
        check("BEGIN; SET search_path = app; ROLLBACK", &["public"]);
        check(
            "BEGIN; SET search_path = app; SET LOCAL search_path = b; COMMIT",
            &["app"],
        );
        check("BEGIN; SAVEPOINT a; SET search_path = app; ROLLBACK TO a", &["public"]);
        check("SET search_path = app; RESET search_path", &["public"]);
        check("SET search_path = app; RESET ALL", &["public"]);
        check("SET search_path = app; DISCARD ALL", &["public"]);
        check("SET search_path TO app; SET search_path TO DEFAULT", &["public"]);
        check(
            "SET search_path = app; CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = b AS 'SELECT 1'",
            &["app"],
        );
    }

    #[test]
    fn time_zones_are_followed() {
        let check = |sql: &str, timezone: &str| check(&format!("{sql}; SELECT 1"), &["public"], timezone);
        check("SET timezone = 'UTC'", "UTC");
        check("SET TIME ZONE 0", "0");
        check("SET TIME ZONE 'UTC'; SET TIME ZONE LOCAL", "Europe/Berlin");
        check("SET TIME ZONE 'UTC'; RESET TIME ZONE", "Europe/Berlin");
        check("SET TIME ZONE 'UTC'; RESET TimeZone", "Europe/Berlin");
        check("SELECT set_config('TimeZone', 'UTC', false)", "UTC");
        check("BEGIN; SET LOCAL timezone TO 'UTC'; COMMIT", "Europe/Berlin");
    }
}
