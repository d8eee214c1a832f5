//! Whether two files measured the same work under the same conditions: what rules out a comparison, and what else
//! besides the migration could explain a difference.

use std::collections::BTreeSet;

use crate::observation::{Benchmark, Machine, Rehearsal};
use crate::units::{Bytes, Count};

/// Tables whose numbers of rows differ by more than this share count as different.
const SAME_ROWS: f64 = 0.01;

/// Checks that both files measured the same work.
///
/// # Errors
/// The reason, in words.
pub fn check(base: &Rehearsal, new: &Rehearsal) -> Result<(), String> {
    let asked = |side: &Rehearsal| side.benchmark.as_ref().and_then(|benchmark| benchmark.rows);
    if let (Some(base), Some(new)) = (asked(base), asked(new))
        && base != new
    {
        return Err(rows("the tables", base as f64, new as f64));
    }
    for table in &base.tables {
        let Some(other) = new.tables.iter().find(|other| other.name == table.name) else {
            continue;
        };
        let (rows_base, rows_new) = (table.estimated_rows, other.estimated_rows);
        if (rows_new - rows_base).abs() > SAME_ROWS * rows_base.max(rows_new) {
            return Err(rows(&table.name, rows_base, rows_new));
        }
    }
    let partly = |side: &Rehearsal| side.steps.iter().any(|step| !step.complete);
    let seeded = base.throwaway || new.throwaway || partly(base) || partly(new);
    if seeded && base.seed != new.seed {
        return Err(format!(
            "BASE was measured with seed {}, NEW with {}: the data or the replayed places are others",
            base.seed, new.seed
        ));
    }
    Ok(())
}

/// Returns everything else that differs, one sentence each, without a full stop.
pub fn differences(base: &Rehearsal, new: &Rehearsal) -> Vec<String> {
    let mut found = Vec::new();
    if !interleaved(base, new) {
        found.push(
            "BASE and NEW were measured one after the other: what changed on the machine between them counts as a \
             difference"
                .to_string(),
        );
    }
    if base.throwaway != new.throwaway {
        found.push("one was measured on a throwaway server, the other on a staging server".to_string());
    }
    if base.server.version_num != new.server.version_num {
        found.push(format!(
            "the server's version differs: {} in BASE, {} in NEW",
            version(base.server.version_num),
            version(new.server.version_num)
        ));
    }
    found.extend(settings(base, new));
    if let (Some(base), Some(new)) = (&base.benchmark, &new.benchmark) {
        found.extend(benchmarks(base, new));
    }
    if base.migtime_version != new.migtime_version {
        found.push(format!(
            "BASE was measured by migtime {}, NEW by {}",
            base.migtime_version, new.migtime_version
        ));
    }
    found
}

fn settings(base: &Rehearsal, new: &Rehearsal) -> Vec<String> {
    let (base, new) = (&base.server.settings, &new.server.settings);
    let names: BTreeSet<&String> = base.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter(|name| base.get(*name) != new.get(*name))
        .map(|name| {
            let value = |side: &std::collections::BTreeMap<String, String>| match side.get(name) {
                Some(value) => value.clone(),
                None => "not known".to_string(),
            };
            format!("{name} differs: {} in BASE, {} in NEW", value(base), value(new))
        })
        .collect()
}

fn benchmarks(base: &Benchmark, new: &Benchmark) -> Vec<String> {
    let mut found = Vec::new();
    if base.machine != new.machine {
        found.push(format!(
            "the machine differs: {} in BASE, {} in NEW",
            machine(&base.machine),
            machine(&new.machine)
        ));
    }
    if base.schema_sha256 != new.schema_sha256 {
        found.push("schema.sql differs: the tables may be filled or indexed in another way".to_string());
    }
    found
}

/// Returns whether the runs of the two files overlapped in time.
fn interleaved(base: &Rehearsal, new: &Rehearsal) -> bool {
    let (Some((base_first, base_last)), Some((new_first, new_last))) = (starts(base), starts(new)) else {
        return false;
    };
    base_first <= new_last && new_first <= base_last && base_first != base_last && new_first != new_last
}

/// Returns when the first and the last run began. All these texts have the same format, so they sort by time.
fn starts(side: &Rehearsal) -> Option<(&str, &str)> {
    let benchmark = side.benchmark.as_ref()?;
    let times = || benchmark.runs.iter().map(|run| run.started_at.as_str());
    // A duet lists one run only, which began with the first of its pairs.
    if benchmark.in_pairs {
        Some((side.started_at.as_str(), "9999"))
    } else {
        Some((times().min()?, times().max()?))
    }
}

fn rows(what: &str, base: f64, new: f64) -> String {
    format!(
        "{what}: {} rows in BASE and {} in NEW are not the same work",
        Count(base.round()),
        Count(new.round())
    )
}

fn version(version_num: u32) -> String {
    match version_num {
        0 => "unknown".to_string(),
        number => format!("{}.{}", number / 10_000, number % 10_000),
    }
}

fn machine(machine: &Machine) -> String {
    let processor = match machine.processor.as_str() {
        "" => "unknown processor",
        name => name,
    };
    format!("{} × {processor}, {}", machine.processors, Bytes(machine.memory_bytes))
}
