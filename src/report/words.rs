//! Texts that all formats share: the answer in one sentence, names of kinds, bases and locks, percentages, intervals.
//!
//! Plain text without markup: each format does its own escaping and decoration. [`crate::units`] prints the quantities.

use std::collections::BTreeSet;
use std::fmt;

use crate::migration::{LockMode, StepKind};
use crate::model::estimate::{Basis, Estimate, Interval, Rate};
use crate::observation::{LockRecord, Rehearsal, StepRecord};
use crate::report::text::one_line;
use crate::units::{Count, RowsPerSecond, Seconds};

/// The answer in one sentence, in parts, so that a format can emphasise some of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What is migrated: the table, or the migration if it works on several tables.
    pub subject: String,
    /// Median of the predicted duration.
    pub point: String,
    /// Level of the interval, e.g. `95 %`.
    pub level: String,
    /// Lower end of the prediction interval.
    pub lower: String,
    /// Upper end of the prediction interval.
    pub upper: String,
    /// The window and the probability to end within it, if a window was given.
    pub window: Option<(String, String)>,
}

impl Answer {
    /// Describes the result of the estimate.
    pub fn new(rehearsal: &Rehearsal, estimate: &Estimate) -> Answer {
        let interval = estimate.interval();
        Answer {
            subject: subject(rehearsal, estimate),
            point: Seconds(estimate.total.point_seconds).to_string(),
            level: percent(interval.level),
            lower: Seconds(interval.lower_seconds).to_string(),
            upper: Seconds(interval.upper_seconds).to_string(),
            window: estimate
                .total
                .fits_window
                .map(|fits| (Seconds(fits.window_seconds).to_string(), probability(fits.probability))),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: {}, with {} probability between {} and {}",
            self.subject, self.point, self.level, self.lower, self.upper
        )?;
        match &self.window {
            Some((window, probability)) => write!(
                formatter,
                "; it fits the window of {window} with probability {probability}."
            ),
            None => formatter.write_str("."),
        }
    }
}

fn subject(rehearsal: &Rehearsal, estimate: &Estimate) -> String {
    let tables: BTreeSet<&str> = estimate.steps.iter().filter_map(|step| step.table.as_deref()).collect();
    match (tables.first(), tables.len()) {
        (Some(table), 1) => one_line(table),
        _ if rehearsal.migration.is_empty() => "the migration".to_string(),
        _ => one_line(&rehearsal.migration),
    }
}

/// Returns the outcome of a whole run made afterwards: predicted against actual.
pub fn outcome(estimate: &Estimate) -> Option<String> {
    let actual = estimate.actual_seconds?;
    let ratio = actual / estimate.total.point_seconds;
    let difference = match ratio {
        ratio if !ratio.is_finite() => "predicted nothing to compare with".to_string(),
        ratio if (0.995..1.005).contains(&ratio) => "as predicted".to_string(),
        ratio if ratio > 1.0 => format!("{} longer than predicted", percent(ratio - 1.0)),
        ratio => format!("{} shorter than predicted", percent(1.0 - ratio)),
    };
    let interval = estimate.interval();
    let place = match actual {
        actual if actual < interval.lower_seconds => "below",
        actual if actual > interval.upper_seconds => "above",
        _ => "inside",
    };
    Some(format!(
        "Predicted {}, actual {}: {difference}, {place} the {} interval of {} to {}.",
        Seconds(estimate.total.point_seconds),
        Seconds(actual),
        percent(interval.level),
        Seconds(interval.lower_seconds),
        Seconds(interval.upper_seconds)
    ))
}

/// Returns the evidence for the numbers: server, batches, share of the work.
pub(super) fn evidence(rehearsal: &Rehearsal, estimate: &Estimate) -> String {
    let from_log = rehearsal.server.version_num == 0;
    let basis = match estimate.basis {
        Basis::Rehearsal if from_log => "read from a batch log",
        Basis::Rehearsal if rehearsal.throwaway => "measured on a throwaway server",
        Basis::Rehearsal => "measured on a clone",
        Basis::Ladder => "extrapolated from smaller sizes",
        Basis::RuleOfThumb => "typical rates, not measured here",
    };
    let observations = rehearsal.steps.iter().flat_map(|step| &step.observations);
    let (mut batches, mut rows, mut seconds) = (0u64, 0u64, 0.0);
    for observation in observations {
        batches += 1;
        rows += observation.rows;
        seconds += observation.seconds;
    }
    let name = basis_name(estimate.basis);
    if batches == 0 {
        return format!("Basis: {name} ({basis}).");
    }
    let server = if from_log {
        String::new()
    } else {
        format!(" on {}", server_version(rehearsal.server.version_num))
    };
    format!(
        "Basis: {name} ({basis}): {} measurements, {} rows in {}{server}.",
        Count(batches as f64),
        Count(rows as f64),
        Seconds(seconds),
    )
}

/// Returns the name of the basis in files and commands.
pub(super) fn basis_name(basis: Basis) -> &'static str {
    match basis {
        Basis::Rehearsal => "rehearsal",
        Basis::Ladder => "ladder",
        Basis::RuleOfThumb => "rule-of-thumb",
    }
}

/// Returns the name of the step kind in files.
pub(super) fn kind_name(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Backfill => "backfill",
        StepKind::Dml => "dml",
        StepKind::IndexBuild => "index-build",
        StepKind::TableRewrite => "table-rewrite",
        StepKind::TableScan => "table-scan",
        StepKind::CatalogOnly => "catalog-only",
        StepKind::Unclassified => "unclassified",
    }
}

/// Returns PostgreSQL's name of the mode.
pub(super) fn lock_name(mode: LockMode) -> &'static str {
    match mode {
        LockMode::AccessShare => "AccessShareLock",
        LockMode::RowShare => "RowShareLock",
        LockMode::RowExclusive => "RowExclusiveLock",
        LockMode::ShareUpdateExclusive => "ShareUpdateExclusiveLock",
        LockMode::Share => "ShareLock",
        LockMode::ShareRowExclusive => "ShareRowExclusiveLock",
        LockMode::Exclusive => "ExclusiveLock",
        LockMode::AccessExclusive => "AccessExclusiveLock",
    }
}

/// Returns a lock in words: mode, relation, how long it is held, and what it blocks.
pub(super) fn lock(record: &LockRecord) -> String {
    let held = match record.held_seconds {
        Some(seconds) => format!(", held {}", Seconds(seconds)),
        None => String::new(),
    };
    let sampled = if record.sampled_every_seconds.is_some() {
        " (sampled)"
    } else {
        ""
    };
    let blocks = match record.mode {
        LockMode::AccessExclusive => ", blocks reads and writes",
        LockMode::Exclusive | LockMode::ShareRowExclusive | LockMode::Share => ", blocks writes",
        _ => "",
    };
    format!(
        "{} on {}{held}{sampled}{blocks}",
        lock_name(record.mode),
        one_line(&record.relation)
    )
}

/// Returns the header of a column of intervals with their level: `95 % interval`.
pub(super) fn interval_head(level: f64) -> String {
    format!("{} interval", percent(level))
}

/// Returns `lower – upper` of an interval of durations.
pub(super) fn interval(interval: Interval) -> String {
    format!(
        "{} – {}",
        Seconds(interval.lower_seconds),
        Seconds(interval.upper_seconds)
    )
}

/// Returns `lower – upper rows/s` of a rate's confidence interval.
pub(super) fn rate_interval(rate: Rate) -> String {
    format!("{} – {}", rate_number(rate.lower), RowsPerSecond(rate.upper))
}

/// Returns a throughput above its confidence interval, as two lines for a column `Rows/s`; a dash when there is none.
pub(super) fn rate_cell(rate: Option<Rate>) -> String {
    rate.map_or("–".to_string(), |rate| {
        let [point, lower, upper] = [rate.point, rate.lower, rate.upper].map(rate_number);
        format!("{point}\n{lower} – {upper}")
    })
}

/// Returns a throughput without its unit, for axes and columns whose label contains it.
pub(super) fn rate_number(rows_per_second: f64) -> String {
    let text = RowsPerSecond(rows_per_second).to_string();
    text.trim_end_matches(" rows/s").to_string()
}

/// Returns a number of rows, rounded to its meaningful digits, with a 95 % interval (normal, ±1.96 sd).
pub(super) fn rows(rows: f64, relative_sd: f64) -> String {
    if relative_sd <= 0.0 || rows <= 0.0 || !rows.is_finite() {
        return Count(rows).to_string();
    }
    let half_width = 1.96 * relative_sd * rows;
    let digit = 10f64.powf((half_width.log10().floor() - 1.0).max(0.0));
    format!(
        "{} ± {}",
        Count((rows / digit).round() * digit),
        percent(1.96 * relative_sd)
    )
}

/// Returns a probability; never 0 or 100 %, since a finite number of draws cannot show these.
pub fn probability(probability: f64) -> String {
    match probability {
        p if p > 0.9995 => "above 99.9 %".to_string(),
        p if p < 0.0005 => "below 0.1 %".to_string(),
        p if !(0.01..0.99).contains(&p) => format!("{:.1} %", p * 100.0),
        p => format!("{:.0} %", p * 100.0),
    }
}

/// Returns a share or a level as a percentage with at most one decimal digit.
pub(super) fn percent(fraction: f64) -> String {
    let value = fraction * 100.0;
    let tenths = (value * 10.0).round() / 10.0;
    let whole = (tenths - tenths.round()).abs() < 1e-9;
    let fine = value.abs() < 10.0 || (99.0..100.0).contains(&value);
    if fine && !whole {
        format!("{tenths:.1} %")
    } else {
        format!("{value:.0} %")
    }
}

/// Returns the server's version as people write it, from `server_version_num`.
pub(super) fn server_version(version_num: u32) -> String {
    match version_num {
        0 => "PostgreSQL of unknown version".to_string(),
        number if number >= 100_000 => format!("PostgreSQL {}.{}", number / 10_000, number % 10_000),
        number => format!("PostgreSQL {}.{}.{}", number / 10_000, number / 100 % 100, number % 100),
    }
}

/// Returns the rehearsal's record of the step with this number, if it has one.
pub(super) fn record_of(rehearsal: &Rehearsal, number: u32) -> Option<&StepRecord> {
    rehearsal.steps.iter().find(|step| step.number == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(actual: String, expected: &str) {
        assert_eq!(actual, expected);
    }

    #[test]
    fn probabilities_never_claim_certainty() {
        check(probability(1.0), "above 99.9 %");
        check(probability(0.999), "99.9 %");
        check(probability(0.987), "99 %");
        check(probability(0.5), "50 %");
        check(probability(0.004), "0.4 %");
        check(probability(0.0), "below 0.1 %");
    }

    #[test]
    fn percentages_have_no_needless_digits() {
        check(percent(0.95), "95 %");
        check(percent(0.999), "99.9 %");
        check(percent(0.046), "4.6 %");
        check(percent(0.146), "15 %");
        check(percent(0.0), "0 %");
        check(percent(1.0), "100 %");
    }

    #[test]
    fn rows_are_as_precise_as_they_are_known() {
        check(rows(6_001_201.0, 0.0), "6,001,201");
        check(rows(6_001_201.0, 0.01), "6,000,000 ± 2 %");
        check(rows(6_051_201.0, 0.01), "6,050,000 ± 2 %");
        check(rows(0.0, 0.01), "0");
    }

    #[test]
    fn versions_read_as_people_write_them() {
        check(server_version(150_018), "PostgreSQL 15.18");
        check(server_version(90_624), "PostgreSQL 9.6.24");
    }
}
