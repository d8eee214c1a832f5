//! The schema and the session's settings in the course of a migration: as each statement leaves them to the next, with
//! what the end of a transaction takes back.
//!
//! PostgreSQL's rules ("SET"): what `SET` sets inside a transaction stays after its COMMIT and is gone after its
//! ROLLBACK; what `SET LOCAL` sets lasts to the end of the transaction, and outside of one to the end of the statement.

use super::Statement;
use super::command::{Command, Session, Setting, Transaction};
use super::effects::evolve;
use crate::catalog::{SchemaFacts, SessionSettings};

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
    use crate::migration::{parse, transactions};

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
