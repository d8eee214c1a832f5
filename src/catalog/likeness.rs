//! In what a clone differs from production, as far as that changes how long a migration takes or what it does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Settings of a session that change what statements do or how long they take: the rehearsal takes production's.
pub const SESSION_SETTINGS: [&str; 16] = [
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "constraint_exclusion",
    "default_statistics_target",
    "default_toast_compression",
    "jit",
    "maintenance_work_mem",
    "max_parallel_maintenance_workers",
    "max_parallel_workers_per_gather",
    "search_path",
    "session_replication_role",
    "synchronous_commit",
    "temp_buffers",
    "wal_compression",
    "work_mem",
];

/// Settings of the whole server that change how long statements take.
pub const SERVER_SETTINGS: [&str; 12] = [
    "block_size",
    "checkpoint_timeout",
    "data_checksums",
    "effective_cache_size",
    "fsync",
    "full_page_writes",
    "max_wal_size",
    "random_page_cost",
    "shared_buffers",
    "synchronous_standby_names",
    "wal_level",
    "wal_log_hints",
];

/// One fact in which a clone should be like production.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LikenessFact {
    /// What it is: `index`, `column`, `setting` …
    pub class: String,
    /// Its name, qualified.
    pub name: String,
    /// The relation that it belongs to, if it does.
    pub relation: Option<String>,
    /// Its definition or value.
    pub value: String,
}

/// Something that is different on the clone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloneDifference {
    /// What differs, such as `index public.orders_total`.
    pub what: String,
    /// The relation that it belongs to, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// Its definition or value on the clone; `None` if it is not there.
    pub on_clone: Option<String>,
    /// Its definition or value in production; `None` if it is not there.
    pub on_production: Option<String>,
}

/// Returns what differs between the facts of a clone and those of production, in order of class and name.
pub fn clone_differences(clone: &[LikenessFact], production: &[LikenessFact]) -> Vec<CloneDifference> {
    type Side<'a> = Option<&'a LikenessFact>;
    let mut facts: BTreeMap<(&str, &str), (Side, Side)> = BTreeMap::new();
    for fact in clone {
        facts.entry((&fact.class, &fact.name)).or_default().0 = Some(fact);
    }
    for fact in production {
        facts.entry((&fact.class, &fact.name)).or_default().1 = Some(fact);
    }
    let value = |side: Side| side.map(|fact| fact.value.clone());
    let differs = facts
        .into_iter()
        .filter(|(_, (here, there))| value(*here) != value(*there));
    differs
        .map(|((class, name), (here, there))| CloneDifference {
            what: format!("{class} {name}"),
            relation: here.or(there).and_then(|fact| fact.relation.clone()),
            on_clone: value(here),
            on_production: value(there),
        })
        .collect()
}

/// Returns the settings that the rehearsal's session takes from production, by name: those in which the clone's differ.
pub fn to_adopt(differences: &[CloneDifference]) -> BTreeMap<String, String> {
    let setting = |difference: &CloneDifference| {
        let name = difference.what.strip_prefix("setting ")?;
        let value = difference.on_production.clone()?;
        SESSION_SETTINGS.contains(&name).then(|| (name.to_owned(), value))
    };
    differences.iter().filter_map(setting).collect()
}

impl CloneDifference {
    /// Says how it differs, without a full stop.
    pub fn sentence(&self) -> String {
        let what = &self.what;
        match (&self.on_clone, &self.on_production) {
            (None, Some(there)) => format!("only production has {what} ({there})"),
            (Some(here), None) => format!("only the clone has {what} ({here})"),
            (here, there) => {
                let shown = |value: &Option<String>| match value.as_deref() {
                    None | Some("") => "not set".to_owned(),
                    Some(value) => value.to_owned(),
                };
                format!("{what} is {} on the clone, {} in production", shown(here), shown(there))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(class: &str, name: &str, value: &str) -> LikenessFact {
        LikenessFact {
            class: class.to_owned(),
            name: name.to_owned(),
            relation: None,
            value: value.to_owned(),
        }
    }

    #[test]
    fn what_differs_is_said_and_what_a_session_can_take_over_is_taken() {
        let clone = [
            fact("setting", "TimeZone", "UTC"),
            fact("setting", "shared_buffers", "128MB"),
            fact("column", "public.t.a", "integer"),
            fact("trigger", "g on public.t", "x"),
        ];
        let production = [
            fact("setting", "TimeZone", "Europe/Berlin"),
            fact("setting", "shared_buffers", "8GB"),
            fact("column", "public.t.a", "integer"),
            fact("index", "public.i", "CREATE INDEX"),
        ];
        let differences = clone_differences(&clone, &production);
        let sentences: Vec<String> = differences.iter().map(CloneDifference::sentence).collect();
        assert_eq!(
            sentences,
            [
                "only production has index public.i (CREATE INDEX)",
                "setting TimeZone is UTC on the clone, Europe/Berlin in production",
                "setting shared_buffers is 128MB on the clone, 8GB in production",
                "only the clone has trigger g on public.t (x)",
            ]
        );
        let adopted = to_adopt(&differences);
        assert_eq!(
            adopted.into_iter().collect::<Vec<_>>(),
            [("TimeZone".to_owned(), "Europe/Berlin".to_owned())]
        );
    }
}
