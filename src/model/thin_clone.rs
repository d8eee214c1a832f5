//! Whether the clone's tables have enough rows to represent production's; on an empty table every statement is fast.
//!
//! A step's duration is scaled by the rows it processed. If the clone has no rows, or very few compared with
//! production, nothing can be scaled, whatever share of them the step processed.

use super::Target;
use super::evidence::LARGEST_RATIO;
use super::step_size::StepSize;
use crate::catalog::facts::TableFacts;
use crate::migration::StepKind;
use crate::observation::{Rehearsal, StepRecord};
use crate::units::Count;

/// Up to this factor production counts as large as the clone, for steps that cannot be scaled.
const SAME_SIZE: f64 = 1.25;
/// A step that takes less than this in production, even if it grows with the rows, needs no evidence.
const NEGLIGIBLE_SECONDS: f64 = 1.0;

/// Those tables of the clone for which the number of rows in production is known.
pub struct Fullness<'a>(Vec<Pair<'a>>);

#[derive(Clone, Copy)]
struct Pair<'a> {
    clone: &'a TableFacts,
    production_rows: f64,
}

impl Pair<'_> {
    fn growth(&self) -> f64 {
        self.production_rows / self.clone.estimated_rows.max(1.0)
    }

    fn sizes(&self) -> String {
        let rows = match self.clone.estimated_rows.round() {
            1.0 => "1 row".to_string(),
            rows => format!("{} rows", Count(rows)),
        };
        format!(
            "the clone's table {} has {rows}, production's {}",
            self.clone.name,
            Count(self.production_rows.round())
        )
    }
}

impl<'a> Fullness<'a> {
    /// Pairs the clone's tables with production's; `targets` are those of the rehearsal's steps.
    pub fn new(rehearsal: &'a Rehearsal, targets: &[Option<Target>]) -> Fullness<'a> {
        let pair = |(step, target): (&StepRecord, &Option<Target>)| {
            let clone = rehearsal
                .tables
                .iter()
                .find(|table| Some(&table.name) == step.table.as_ref())?;
            let production_rows = target.as_ref()?.table_rows?;
            Some(Pair { clone, production_rows })
        };
        Fullness(rehearsal.steps.iter().zip(targets).filter_map(pair).collect())
    }

    /// Returns, if it is not met, the rule that the clone must have enough rows for `step`, a step of `kind`.
    pub fn unmet_rule(&self, step: &StepRecord, kind: StepKind, size: StepSize) -> Option<String> {
        if kind == StepKind::CatalogOnly {
            return None;
        }
        match (size.target, size.scale) {
            // What it works on was seen, and its scale says what is missing.
            (_, Some(scale)) if !scale.too_thin.is_empty() => None,
            (Some(_), _) => self.of_its_table(step),
            (None, Some(_)) => None,
            (None, None) => self.of_no_known_table(step),
        }
    }

    fn of_its_table(&self, step: &StepRecord) -> Option<String> {
        let pair = self
            .0
            .iter()
            .find(|pair| Some(&pair.clone.name) == step.table.as_ref())?;
        (pair.growth() > LARGEST_RATIO).then(|| format!("{}: rehearse on a fuller clone", pair.sizes()))
    }

    /// Relations that the migration itself creates, renames or reaches through a function have no known size in
    /// production; they may grow as much as the table that grows most.
    fn of_no_known_table(&self, step: &StepRecord) -> Option<String> {
        if step.locks.is_empty() && step.observations.iter().all(|observation| observation.rows == 0) {
            return None;
        }
        let thinnest = self
            .0
            .iter()
            .max_by(|one, other| one.growth().total_cmp(&other.growth()))?;
        let growth = thinnest.growth();
        let seconds = step
            .observations
            .iter()
            .map(|observation| observation.working_seconds());
        let may_last = seconds.fold(0.0, f64::max) * growth > NEGLIGIBLE_SECONDS;
        (growth > LARGEST_RATIO || (growth > SAME_SIZE && may_last)).then(|| {
            format!(
                "how large in production that is on which it works is not known, and {}: rehearse on a clone of \
                 production's size",
                thinnest.sizes()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::LockMode;
    use crate::observation::{LockRecord, Observation};

    fn clone_of(rows: f64) -> TableFacts {
        let facts = serde_json::json!({
            "name": "public.t", "kind": "table", "reltuples": rows, "relpages": 1, "heap_bytes": 8192, "toast_bytes": 0,
            "index_bytes": 0, "indexes": [], "estimated_rows": rows, "rows_relative_sd": 0.0, "rows_source": "planner",
        });
        serde_json::from_value(facts).expect("the facts of a table")
    }

    fn check(kind: StepKind, clone_rows: f64, production_rows: f64, expected: Option<&str>) {
        check_of(Some("public.t"), 1.0, kind, (clone_rows, production_rows), expected);
    }

    fn check_of(
        table: Option<&str>,
        seconds: f64,
        kind: StepKind,
        (clone_rows, production_rows): (f64, f64),
        expected: Option<&str>,
    ) {
        let step = |table: Option<&str>| StepRecord {
            kind,
            table: table.map(str::to_string),
            locks: vec![LockRecord {
                relation: "public.u".to_string(),
                mode: LockMode::RowExclusive,
                held_seconds: None,
                sampled_every_seconds: None,
            }],
            observations: vec![Observation {
                seconds,
                ..Observation::default()
            }],
            ..StepRecord::default()
        };
        let rehearsal = Rehearsal {
            tables: vec![clone_of(clone_rows)],
            steps: vec![step(Some("public.t")), step(table)],
            ..Rehearsal::default()
        };
        let target = Target {
            rows: 0.0,
            rows_relative_sd: 0.0,
            batches: None,
            table_rows: Some(production_rows),
        };
        let targets = [Some(target), table.map(|_| target)];
        let found = Fullness::new(&rehearsal, &targets).unmet_rule(
            &rehearsal.steps[1],
            kind,
            StepSize {
                target: targets[1].as_ref(),
                scale: None,
            },
        );
        assert_eq!(found.as_deref(), expected, "{clone_rows} rows for {production_rows}");
    }

    #[test]
    fn an_empty_table_stands_for_no_large_one() {
        let empty = "the clone's table public.t has 0 rows, production's 7,000,000: rehearse on a fuller clone";
        for kind in [
            StepKind::Backfill,
            StepKind::Dml,
            StepKind::IndexBuild,
            StepKind::TableScan,
        ] {
            check(kind, 0.0, 7e6, Some(empty));
        }
        check(StepKind::CatalogOnly, 0.0, 7e6, None);
        let one = "the clone's table public.t has 1 row, production's 17: rehearse on a fuller clone";
        check(StepKind::Dml, 1.0, 17.0, Some(one));
        check(StepKind::Dml, 1.0, 16.0, None);
        check(StepKind::Dml, 0.0, 5.0, None);
        check(StepKind::TableRewrite, 1e6, 16e6, None);
    }

    #[test]
    fn what_has_no_size_in_production_is_judged_by_the_thinnest_table() {
        let words = |sizes: &str| {
            format!(
                "how large in production that is on which it works is not known, and the clone's table public.t has \
                 {sizes}: rehearse on a clone of production's size"
            )
        };
        let check = |seconds, clone_rows, production_rows, expected: Option<String>| {
            let rows = (clone_rows, production_rows);
            check_of(None, seconds, StepKind::Dml, rows, expected.as_deref());
        };
        check(0.001, 0.0, 1e6, Some(words("0 rows, production's 1,000,000")));
        check(0.5, 1e5, 1e6, Some(words("100,000 rows, production's 1,000,000")));
        check(0.001, 1e5, 1e6, None);
        check(100.0, 1e6, 1.1e6, None);
    }
}
