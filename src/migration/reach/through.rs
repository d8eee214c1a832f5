//! Finds what a statement reaches outside its database through objects that the database already has: foreign tables,
//! triggers, routines.

use std::collections::{BTreeMap, BTreeSet};

use super::{OutsideKind, called, note, reaches_in_body, words, written};
use crate::catalog::{LeadingOut, Routine};

/// Statements that fire no event triggers.
const FIRES_NOTHING: [&str; 24] = [
    "abort",
    "analyze",
    "begin",
    "checkpoint",
    "commit",
    "copy",
    "deallocate",
    "delete",
    "end",
    "explain",
    "insert",
    "lock",
    "merge",
    "release",
    "reset",
    "rollback",
    "savepoint",
    "select",
    "set",
    "show",
    "start",
    "truncate",
    "update",
    "vacuum",
];

/// A routine whose code reaches outside.
struct Outlet {
    name: String,
    is_of_triggers: bool,
    reaches: BTreeMap<OutsideKind, String>,
}

/// The objects of a database that reach outside it.
#[derive(Default)]
pub struct Outlets {
    routines: BTreeMap<u32, Outlet>,
    leading: Vec<LeadingOut>,
    /// Enabled event triggers with the names of their functions.
    event_triggers: Vec<(String, String)>,
}

impl Outlets {
    /// Reads routines and finds those that reach outside, directly or by calling another.
    pub fn of_routines(routines: &[Routine]) -> Outlets {
        let mut outlets = Outlets::default();
        let mut calls = BTreeMap::new();
        for routine in routines {
            outlets.add(routine, reaches_in_body(&routine.body));
            calls.insert(routine.id, called(&routine.body));
        }
        loop {
            let known = outlets.routines.len();
            let by_name: BTreeMap<String, BTreeMap<OutsideKind, String>> = outlets
                .routines
                .values()
                .map(|outlet| (outlet.name.clone(), outlet.reaches.clone()))
                .collect();
            for routine in routines.iter().filter(|routine| calls.contains_key(&routine.id)) {
                let reached = calls[&routine.id].iter().find_map(|name| by_name.get(name));
                if !outlets.routines.contains_key(&routine.id) {
                    outlets.add(routine, reached.cloned().unwrap_or_default());
                }
            }
            if outlets.routines.len() == known {
                return outlets;
            }
        }
    }

    fn add(&mut self, routine: &Routine, reaches: BTreeMap<OutsideKind, String>) {
        if !reaches.is_empty() {
            let outlet = Outlet {
                name: routine.name.clone(),
                is_of_triggers: routine.is_of_triggers,
                reaches,
            };
            self.routines.insert(routine.id, outlet);
        }
    }

    /// Returns the object ids of the routines.
    pub fn routines(&self) -> Vec<u32> {
        self.routines.keys().copied().collect()
    }

    /// Adds the relations for which a write reaches outside, and the event triggers.
    pub fn with(mut self, leading: Vec<LeadingOut>, event_triggers: Vec<(String, String)>) -> Outlets {
        self.leading = leading;
        self.event_triggers = event_triggers;
        self
    }

    /// Makes unqualified names match every schema: a migration that sets its search path may mean any.
    pub fn mean_every_schema(&mut self) {
        for relation in &mut self.leading {
            relation.is_visible = true;
        }
    }

    /// Records that a statement ran: objects that it dropped no longer reach anything.
    pub fn pass(&mut self, sql: &str) {
        let (words, _) = words(sql);
        if words.first().is_some_and(|word| word.name == "drop") {
            let dropped: BTreeSet<&str> = words.iter().map(|word| word.name.as_str()).collect();
            self.leading
                .retain(|relation| !dropped.contains(relation.bare_name.as_str()));
        }
    }

    /// Returns what a statement reaches through these objects, each kind with the words that show it.
    pub fn reaches(&self, sql: &str) -> BTreeMap<OutsideKind, String> {
        let mut found = BTreeMap::new();
        for path in written(sql) {
            for relation in self.leading.iter().filter(|relation| is_named(relation, &path)) {
                self.by_writing(relation, &path.join("."), &mut found);
            }
        }
        let called = if self.routines.is_empty() {
            Vec::new()
        } else {
            called(sql)
        };
        for outlet in self.routines.values() {
            if !outlet.is_of_triggers && called.contains(&outlet.name) {
                by_running(outlet, "", &mut found);
            }
        }
        if fires_event_triggers(sql) {
            for (trigger, function) in &self.event_triggers {
                for outlet in self.routines.values().filter(|outlet| outlet.name == *function) {
                    by_running(outlet, &format!("the event trigger {trigger}, which runs "), &mut found);
                }
            }
        }
        found
    }

    fn by_writing(&self, relation: &LeadingOut, written: &str, found: &mut BTreeMap<OutsideKind, String>) {
        if let Some(server) = &relation.server {
            let end = &relation.end;
            note(
                found,
                OutsideKind::Foreign,
                format!("a write to {written} (foreign table {end} of the server {server})"),
            );
        }
        if let Some((trigger, routine)) = &relation.trigger
            && let Some(outlet) = self.routines.get(routine)
        {
            let end = &relation.end;
            let way = format!("a write to {written} (trigger {trigger} of {end}), which runs ");
            by_running(outlet, &way, found);
        }
    }
}

fn by_running(outlet: &Outlet, way: &str, found: &mut BTreeMap<OutsideKind, String>) {
    for (outside, words) in &outlet.reaches {
        let name = &outlet.name;
        note(
            found,
            *outside,
            format!("{way}{name}() of the clone, with {words} in it,"),
        );
    }
}

fn is_named(relation: &LeadingOut, path: &[String]) -> bool {
    match path {
        [name] => relation.is_visible && relation.bare_name == *name,
        [.., schema, name] => relation.schema == *schema && relation.bare_name == *name,
        [] => false,
    }
}

fn fires_event_triggers(sql: &str) -> bool {
    let (words, _) = words(sql);
    words
        .first()
        .is_some_and(|word| !FIRES_NOTHING.contains(&word.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routine(id: u32, name: &str, body: &str, is_of_triggers: bool) -> Routine {
        Routine {
            id,
            name: name.to_string(),
            body: body.to_string(),
            is_of_triggers,
        }
    }

    fn outlets() -> Outlets {
        let leading = |schema: &str, name: &str, is_visible| LeadingOut {
            schema: schema.to_string(),
            bare_name: name.to_string(),
            is_visible,
            end: format!("{schema}.{name}"),
            ..LeadingOut::default()
        };
        let routines = [
            routine(1, "tell", "BEGIN PERFORM dblink_exec('c', 'x'); RETURN NEW; END", true),
            routine(2, "send", "SELECT dblink('c', 'x')", false),
            routine(3, "send_all", "BEGIN PERFORM send(); END", false),
            routine(4, "harmless", "SELECT 1", false),
        ];
        let relations = vec![
            LeadingOut {
                server: Some("shop".to_string()),
                ..leading("remote", "orders", false)
            },
            LeadingOut {
                trigger: Some(("told".to_string(), 1)),
                ..leading("public", "users", true)
            },
        ];
        Outlets::of_routines(&routines).with(relations, vec![("watch".to_string(), "tell".to_string())])
    }

    fn check(sql: &str, expected: &[OutsideKind]) {
        let found: Vec<OutsideKind> = outlets().reaches(sql).into_keys().collect();
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn a_write_is_followed_through_the_database() {
        check("UPDATE remote.orders SET a = 1", &[OutsideKind::Foreign]);
        check("UPDATE orders SET a = 1", &[]);
        check("SELECT * FROM remote.orders", &[]);
        check("INSERT INTO users VALUES (1)", &[OutsideKind::Foreign]);
        check("DELETE FROM public.users", &[OutsideKind::Foreign]);
        check("SELECT send()", &[OutsideKind::Foreign]);
        check("SELECT send_all(), harmless()", &[OutsideKind::Foreign]);
        check("SELECT harmless()", &[]);
        check("CREATE TABLE t ()", &[OutsideKind::Foreign]);
    }

    #[test]
    fn what_was_dropped_leads_nowhere() {
        let mut outlets = outlets();
        outlets.pass("DROP FOREIGN TABLE remote.orders");
        assert!(outlets.reaches("UPDATE remote.orders SET a = 1").is_empty());
    }

    #[test]
    fn with_another_search_path_a_name_may_mean_any() {
        let mut outlets = outlets();
        outlets.mean_every_schema();
        assert!(
            outlets
                .reaches("UPDATE orders SET a = 1")
                .contains_key(&OutsideKind::Foreign)
        );
    }
}
