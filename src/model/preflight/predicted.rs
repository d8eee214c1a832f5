//! What is predicted, what it was predicted from, and whether that is still so.

use super::check::{Check, CheckName, CheckVerdict};
use super::night::Night;
use crate::catalog::facts::TableFacts;
use crate::model::estimate::{Estimate, TargetKind};
use crate::observation::RollbackVerdict;
use crate::units::{Count, Date, Seconds, counted};

/// Settings that change what a migration costs by much; of the others, a difference is not told.
const TOLD_SETTINGS: [&str; 12] = [
    "autovacuum",
    "checkpoint_timeout",
    "data_checksums",
    "full_page_writes",
    "jit",
    "maintenance_work_mem",
    "max_parallel_maintenance_workers",
    "max_wal_size",
    "shared_buffers",
    "synchronous_commit",
    "wal_compression",
    "wal_level",
];

/// By how much a table may have grown since the estimate, as a factor.
const GROWN: f64 = 1.1;

/// Judges whether the estimate promises a number, for production, and how old it is.
pub(super) fn estimate(night: &Night) -> Check {
    let name = CheckName::Estimate;
    let Some(estimate) = night.estimate else {
        return Check::new(
            name,
            CheckVerdict::Skipped,
            "no rehearsal was named: durations are rules of thumb, right to a factor of ten",
        );
    };
    let mut found = Vec::new();
    let work = &night.work;
    if work.rehearsed < work.statements.len().max(estimate.steps.len()) {
        let told = format!(
            "it is of another migration: {} of its {} are in this one, which has {}",
            work.rehearsed,
            counted(estimate.steps.len(), "step", "steps"),
            work.statements.len()
        );
        found.push((CheckVerdict::NoGo, told));
    }
    if estimate.provisional {
        let why = estimate.too_thin.join("; ");
        found.push((
            CheckVerdict::Unknown,
            format!("too little evidence to promise a number: {why}"),
        ));
    }
    if let Some(origin) = &estimate.origin {
        if origin.target != TargetKind::Production {
            let of = match origin.target {
                TargetKind::Throwaway => "a throwaway server's tables",
                _ => "the clone's size and machine",
            };
            found.push((
                CheckVerdict::Warning,
                format!("it is for {of}, not for production's size"),
            ));
        }
        found.extend(old(night, "it was rehearsed", &origin.rehearsed_at).map(|told| (CheckVerdict::Warning, told)));
    }
    let interval = estimate.interval();
    let otherwise = format!(
        "{}, with {:.0} % probability between {} and {}",
        Seconds(estimate.total.point_seconds),
        100.0 * interval.level,
        Seconds(interval.lower_seconds),
        Seconds(interval.upper_seconds)
    );
    let mut check = Check::of(name, found, &otherwise);
    if check.verdict != CheckVerdict::Go {
        check.evidence.push(otherwise);
    }
    check.with_remedy("rehearse again: migtime rehearse … --production URL")
}

/// Judges whether the upper bound fits the window.
pub(super) fn window(night: &Night) -> Check {
    let name = CheckName::Window;
    let Some(window) = night.window else {
        return Check::new(name, CheckVerdict::Skipped, "no window was named (--window)");
    };
    let Some(estimate) = night.estimate else {
        return Check::new(
            name,
            CheckVerdict::Unknown,
            "nothing was rehearsed that could fit or not",
        )
        .with_remedy("rehearse it, and name the result with --estimate");
    };
    let upper = estimate.interval().upper_seconds;
    let (verdict, fits) = if upper <= window.0 {
        (CheckVerdict::Go, "fits")
    } else {
        (CheckVerdict::NoGo, "does not surely fit")
    };
    let sentence = format!("up to {} {fits} into {window}", Seconds(upper));
    Check::new(name, verdict, sentence).with_remedy("find a longer window, or split the migration")
}

/// Judges whether the rollback was rehearsed, brings everything back, and how long ago that was.
pub(super) fn rollback(night: &Night) -> Check {
    let name = CheckName::Rollback;
    let rehearsed_at = night
        .estimate
        .and_then(|estimate| estimate.origin.as_ref())
        .map_or("", |origin| &origin.rehearsed_at);
    let Some(rollback) = night.estimate.and_then(|estimate| estimate.rollback.as_ref()) else {
        return Check::new(name, CheckVerdict::Skipped, "no rollback was rehearsed");
    };
    let file = &rollback.file;
    let (verdict, sentence) = match rollback.verdict {
        RollbackVerdict::ComesBack => (CheckVerdict::Go, format!("{file} brings the schema back")),
        RollbackVerdict::WithLosses => (
            CheckVerdict::Warning,
            format!("{file} brings the schema back, but not all of the data"),
        ),
        RollbackVerdict::NotRepeatable => (
            CheckVerdict::Warning,
            format!("after {file} the migration does not apply as before"),
        ),
        RollbackVerdict::Differs => (CheckVerdict::NoGo, format!("{file} does not bring the schema back")),
        RollbackVerdict::Failed => (CheckVerdict::NoGo, format!("{file} fails")),
        RollbackVerdict::Unfinished => (CheckVerdict::Unknown, format!("{file} was not rehearsed to its end")),
    };
    let mut check = Check::new(name, verdict, sentence);
    if let Some(told) = old(night, "that was rehearsed", rehearsed_at) {
        check.verdict = check.verdict.max(CheckVerdict::NoGo);
        check.evidence.push(told);
    }
    check.with_remedy("mend the rollback and rehearse it, or decide that there is no way back but the backup")
}

/// Says that something happened too long ago.
fn old(night: &Night, what: &str, at: &str) -> Option<String> {
    let days = night.today.days_since(Date::parse(at)?);
    let most = night.thresholds.rehearsal_days;
    (days > most).then(|| format!("{what} {days} days ago, more than {most}"))
}

/// Judges whether production's tables are still those that were rehearsed on.
pub(super) fn schema_drift(night: &Night) -> Check {
    let name = CheckName::SchemaDrift;
    let Some(rehearsed) = &night.rehearsed else {
        return Check::new(
            name,
            CheckVerdict::Skipped,
            "the rehearsal's schema is not known (rehearsal.json)",
        );
    };
    if let Some(reason) = &night.locked_out {
        return Check::new(
            name,
            CheckVerdict::Unknown,
            format!("the tables cannot be read: {reason}"),
        );
    }
    let mut found = Vec::new();
    for then in &rehearsed.tables {
        let Some(now) = night.tables.iter().find(|table| table.name == then.name) else {
            found.push((CheckVerdict::NoGo, format!("{} is not in production", then.name)));
            continue;
        };
        found.extend(differences(then, now).map(|told| (CheckVerdict::NoGo, format!("{}: {told}", then.name))));
        found.extend(growth(night.estimate, then, now).map(|told| (CheckVerdict::Warning, told)));
    }
    Check::of(name, found, "the tables are as they were rehearsed on")
        .with_remedy("make a fresh clone of production and rehearse on it")
}

fn differences(then: &TableFacts, now: &TableFacts) -> impl Iterator<Item = String> {
    let columns = |table: &TableFacts| -> Vec<String> {
        let columns = table.columns.iter();
        columns
            .map(|column| format!("column {} {}", column.name, column.data_type))
            .collect()
    };
    let indexes = |table: &TableFacts| -> Vec<String> {
        let indexes = table.indexes.iter();
        let columns = indexes.map(|index| format!("{}index on {}", unique(index.unique), index.columns.join(", ")));
        columns.collect()
    };
    let named =
        |kind: &str, names: &[String]| -> Vec<String> { names.iter().map(|name| format!("{kind} {name}")).collect() };
    let sides = [
        (columns(then), columns(now)),
        (indexes(then), indexes(now)),
        (named("trigger", &then.triggers), named("trigger", &now.triggers)),
        (
            named("foreign key", &then.foreign_keys),
            named("foreign key", &now.foreign_keys),
        ),
        (
            named("reference", &then.referenced_by),
            named("reference", &now.referenced_by),
        ),
    ];
    sides.into_iter().flat_map(|(then, now)| {
        let gone: Vec<String> = missing(&then, &now, "is not in production");
        gone.into_iter()
            .chain(missing(&now, &then, "was not there in the rehearsal"))
    })
}

/// Returns what of `all` is not in `others`.
fn missing(all: &[String], others: &[String], outcome: &str) -> Vec<String> {
    let missing = all.iter().filter(|one| !others.contains(one));
    missing.map(|one| format!("{one} {outcome}")).collect()
}

fn unique(is_unique: bool) -> &'static str {
    if is_unique { "unique " } else { "" }
}

/// Says that a table has more rows than the estimate is for.
fn growth(estimate: Option<&Estimate>, then: &TableFacts, now: &TableFacts) -> Option<String> {
    let is_for_clone = estimate?
        .origin
        .as_ref()
        .is_none_or(|origin| origin.target != TargetKind::Production);
    let grown = now.estimated_rows / then.estimated_rows.max(1.0);
    (is_for_clone && grown > GROWN).then(|| {
        format!(
            "{} has {} rows, {grown:.1} times those of the rehearsal",
            now.name,
            Count(now.estimated_rows)
        )
    })
}

/// Judges whether version and settings are those of the rehearsal.
pub(super) fn settings(night: &Night) -> Check {
    let name = CheckName::Settings;
    let Some(rehearsed) = &night.rehearsed else {
        return Check::new(
            name,
            CheckVerdict::Skipped,
            "the rehearsal's server is not known (rehearsal.json)",
        );
    };
    let (then, now) = (&rehearsed.server, night.server);
    let mut found = Vec::new();
    if then.version_num / 10_000 != now.version_num / 10_000 {
        let major = |version: u32| version / 10_000;
        let (then, now) = (major(then.version_num), major(now.version_num));
        let told = format!("PostgreSQL {now} here, {then} in the rehearsal: locks, rewrites and speed may differ");
        found.push((CheckVerdict::Warning, told));
    }
    for setting in TOLD_SETTINGS {
        if let (Some(then), Some(now)) = (then.settings.get(setting), now.settings.get(setting))
            && then != now
        {
            found.push((
                CheckVerdict::Warning,
                format!("{setting} is {now}, {then} in the rehearsal"),
            ));
        }
    }
    Check::of(name, found, "version and settings are those of the rehearsal")
        .with_remedy("rehearse on a server with production's settings where they matter to you")
}
