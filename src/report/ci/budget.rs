//! Budgets of a whole migration for time, WAL and disk; the upper end of the prediction interval must stay within the
//! budget.

use super::{Finding, Rule, Verdict};
use crate::report::words;
use crate::units::{Bytes, Seconds};

/// The most that a migration may take; a budget of `None` is not checked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Budget {
    /// Duration of the whole migration.
    pub duration: Option<Seconds>,
    /// WAL it writes.
    pub wal: Option<Bytes>,
    /// Additional disk it needs at the worst moment, without WAL.
    pub disk: Option<Bytes>,
}

/// A predicted size in bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Size {
    /// Best estimate.
    pub point_bytes: f64,
    /// Upper end of the prediction interval.
    pub upper_bytes: f64,
    /// Numbers of the steps for which it was not measured; they are not counted.
    pub uncounted_steps: Vec<u32>,
}

/// The predicted storage of a whole migration; `None` where it is unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Storage {
    /// WAL.
    pub wal: Option<Size>,
    /// Additional disk at the worst moment, without WAL.
    pub disk: Option<Size>,
}

impl Budget {
    /// Returns a finding for each budget that is exceeded or cannot be checked.
    pub fn judge(&self, verdict: &Verdict, storage: &Storage) -> Vec<Finding> {
        let duration = self.duration.and_then(|budget| judge_duration(budget, verdict));
        let wal = self
            .wal
            .and_then(|budget| judge_size(verdict, (Rule::WalOverBudget, "WAL"), budget, storage.wal.as_ref()));
        let disk = self
            .disk
            .and_then(|budget| judge_size(verdict, (Rule::DiskOverBudget, "disk"), budget, storage.disk.as_ref()));
        [duration, wal, disk].into_iter().flatten().collect()
    }
}

fn judge_duration(budget: Seconds, verdict: &Verdict) -> Option<Finding> {
    let Some(total) = verdict.total else {
        return Some(unknown(
            verdict,
            &format!("its duration is not known, so the budget of {budget} cannot judge it"),
        ));
    };
    let message = format!(
        "may take up to {} (about {}, {} interval, {}), the budget is {budget}",
        Seconds(total.upper_seconds),
        Seconds(total.point_seconds),
        words::percent(total.level),
        words::basis_name(total.basis)
    );
    (total.upper_seconds > budget.0)
        .then(|| Finding::of_migration(Rule::OverBudget, verdict.migration.clone(), message))
}

fn judge_size(verdict: &Verdict, (rule, what): (Rule, &str), budget: Bytes, size: Option<&Size>) -> Option<Finding> {
    let Some(size) = size else {
        return Some(unknown(
            verdict,
            &format!("its {what} is not known, so the budget of {budget} cannot judge it"),
        ));
    };
    let bytes = |bytes: f64| Bytes(bytes.max(0.0) as u64);
    if size.upper_bytes > budget.0 as f64 {
        let message = format!(
            "may need up to {} of {what} (about {}), the budget is {budget}",
            bytes(size.upper_bytes),
            bytes(size.point_bytes)
        );
        return Some(Finding::of_migration(rule, verdict.migration.clone(), message));
    }
    let uncounted = &size.uncounted_steps;
    (!uncounted.is_empty()).then(|| {
        let steps: Vec<String> = uncounted.iter().map(u32::to_string).collect();
        let message = format!(
            "{what} of step {} was not measured, so the budget of {budget} cannot judge it",
            steps.join(", ")
        );
        unknown(verdict, &message)
    })
}

fn unknown(verdict: &Verdict, message: &str) -> Finding {
    Finding::of_migration(Rule::CannotBeJudged, verdict.migration.clone(), message)
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    fn storage(wal: f64, disk: f64, uncounted_steps: Vec<u32>) -> Storage {
        let upper = |bytes: f64| Size {
            point_bytes: bytes / 2.0,
            upper_bytes: bytes,
            uncounted_steps: uncounted_steps.clone(),
        };
        Storage {
            wal: Some(upper(wal)),
            disk: Some(upper(disk)),
        }
    }

    fn check(budget: Budget, storage: &Storage, expected: &[&str]) {
        let findings = budget.judge(&example::verdict(), storage);
        let ids: Vec<&str> = findings.iter().map(|finding| finding.rule.id()).collect();
        assert_eq!(ids, expected, "{findings:?}");
    }

    #[test]
    fn the_upper_bound_decides() {
        let total = example::verdict().total.expect("the example has a total");
        let time = |seconds| Budget {
            duration: Some(Seconds(seconds)),
            ..Budget::default()
        };
        check(time(total.upper_seconds), &Storage::default(), &[]);
        check(time(total.upper_seconds - 1.0), &Storage::default(), &["MT003"]);
        let sizes = Budget {
            wal: Some(Bytes(1000)),
            disk: Some(Bytes(1000)),
            ..Budget::default()
        };
        check(sizes, &storage(1000.0, 1000.0, Vec::new()), &[]);
        check(sizes, &storage(1001.0, 1001.0, Vec::new()), &["MT004", "MT005"]);
    }

    #[test]
    fn what_is_not_known_does_not_pass() {
        let sizes = Budget {
            wal: Some(Bytes(1000)),
            ..Budget::default()
        };
        check(sizes, &Storage::default(), &["MT008"]);
        check(sizes, &storage(1.0, 1.0, vec![2]), &["MT008"]);
        check(Budget::default(), &Storage::default(), &[]);
    }
}
