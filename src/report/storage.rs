//! Disk and WAL for every format: one table, and one sentence on whether they fit.
//!
//! Plain text without markup; computes nothing.

use crate::model::estimate::{Estimate, SizeInterval, StorageTotal};
use crate::report::words;
use crate::units::Bytes;

/// The columns of [`rows`].
pub(super) const HEADER: [&str; 4] = ["Step", "WAL", "Grows by", "Free disk needed"];

/// Returns one row for each step with known values, and one for the total; empty when nothing is known.
pub(super) fn rows(estimate: &Estimate) -> Vec<Vec<String>> {
    let known: Vec<_> = estimate
        .steps
        .iter()
        .filter(|step| step.wal_interval.is_some() || step.disk.is_some())
        .collect();
    let Some(total) = estimate.storage.as_ref().filter(|_| !known.is_empty()) else {
        return Vec::new();
    };
    let mut rows: Vec<Vec<String>> = known
        .into_iter()
        .map(|step| {
            let disk = step.disk.as_ref();
            vec![
                format!("{} {}", step.number, words::kind_name(step.kind)),
                cell(step.wal_interval.as_ref()),
                cell(disk.map(|disk| &disk.growth)),
                cell(disk.map(|disk| &disk.peak)),
            ]
        })
        .collect();
    if estimate.steps.iter().all(|step| step.disk.is_none()) {
        rows.push(total_row(cell(Some(&total.wal)), [cell(None), cell(None)]));
    } else {
        let disk = [cell(Some(&total.growth)), cell(Some(&total.peak))];
        rows.push(total_row(cell(Some(&total.wal)), disk));
    }
    rows
}

fn total_row(wal: String, [growth, peak]: [String; 2]) -> Vec<String> {
    vec!["all".to_string(), wal, growth, peak]
}

/// Returns what the sums leave out, and whether they fit the free disk; one sentence each.
pub(super) fn sentences(estimate: &Estimate) -> Vec<String> {
    let Some(total) = &estimate.storage else {
        return Vec::new();
    };
    let mut sentences = Vec::new();
    sentences.extend(uncounted(total));
    sentences.extend(fits(total));
    sentences
}

/// Returns which steps the sums leave out, if any.
pub fn uncounted(total: &StorageTotal) -> Option<String> {
    let steps: Vec<String> = total.uncounted_steps.iter().map(u32::to_string).collect();
    let noun = match steps.len() {
        0 => return None,
        1 => "step",
        _ => "steps",
    };
    Some(format!(
        "The sums leave out what was not measured: the dashes of {noun} {}.",
        steps.join(", ")
    ))
}

/// Returns whether disk and WAL fit the free disk, if that is known.
pub fn fits(total: &StorageTotal) -> Option<String> {
    let free = Bytes(total.free_bytes?);
    let both = total.peak.upper_bytes + total.wal.upper_bytes;
    let verdict = if total.fits? { "fits" } else { "does not fit" };
    let place = if total.free_is_seen {
        " on the server's disk"
    } else {
        ""
    };
    Some(format!(
        "Up to {} for tables, indexes and temporary files and {} of WAL, as much as is kept when a replication slot or \
         the archive holds all of it back: {} in all {verdict} the free {free}{place}.",
        size(total.peak.upper_bytes),
        size(total.wal.upper_bytes),
        size(both),
    ))
}

/// Returns `110 MB (98 MB – 124 MB)`, or a dash when it is not known.
fn cell(interval: Option<&SizeInterval>) -> String {
    match interval {
        None => "–".to_string(),
        Some(interval) if interval.lower_bytes == interval.upper_bytes => size(interval.point_bytes),
        Some(interval) => format!(
            "{} ({} – {})",
            size(interval.point_bytes),
            size(interval.lower_bytes),
            size(interval.upper_bytes)
        ),
    }
}

fn size(bytes: f64) -> String {
    let sign = if bytes < -0.5 { "−" } else { "" };
    format!("{sign}{}", Bytes(bytes.abs() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(point: f64, lower: f64, upper: f64, expected: &str) {
        let interval = SizeInterval {
            point_bytes: point,
            lower_bytes: lower,
            upper_bytes: upper,
        };
        assert_eq!(cell(Some(&interval)), expected);
    }

    #[test]
    fn sizes_have_units_signs_and_intervals() {
        check(2e9, 1.5e9, 3e9, "1.9 GB (1.4 GB – 2.8 GB)");
        check(-3e7, -4e7, -2e7, "−29 MB (−38 MB – −19 MB)");
        check(0.0, 0.0, 0.0, "0 bytes");
        assert_eq!(cell(None), "–");
    }

    #[test]
    fn the_verdict_names_both_sides() {
        let upper = |bytes: f64| SizeInterval {
            upper_bytes: bytes,
            ..SizeInterval::default()
        };
        let total = StorageTotal {
            peak: upper(2e9),
            wal: upper(1e9),
            free_bytes: Some(2_500_000_000),
            fits: Some(false),
            ..StorageTotal::default()
        };
        let sentence = fits(&total).expect("free disk is known");
        assert!(
            sentence.ends_with("2.8 GB in all does not fit the free 2.3 GB."),
            "{sentence}"
        );
        assert!(fits(&StorageTotal::default()).is_none());
    }
}
