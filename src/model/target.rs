//! How large a rehearsed step is in production, from the numbers of rows of the clone and of production.

use super::Target;
use crate::catalog::facts::TableFacts;
use crate::observation::StepRecord;

/// Returns how large `step`, rehearsed on `clone`, is on `production`, from the numbers of rows alone.
///
/// An empty clone does not show which share of the rows the step processes; all of them are assumed.
pub fn grown(step: &StepRecord, clone: &TableFacts, production: &TableFacts) -> Target {
    let growth = production.estimated_rows / clone.estimated_rows.max(1.0);
    let (clone_rows, clone_sd) = clone_rows(step, clone);
    let rows = if clone.estimated_rows < 1.0 && clone_rows < 1.0 {
        production.estimated_rows
    } else {
        clone_rows * growth
    };
    Target {
        rows,
        rows_relative_sd: production
            .rows_relative_sd
            .hypot(clone.rows_relative_sd)
            .hypot(clone_sd),
        batches: None,
        table_rows: Some(production.estimated_rows),
    }
}

/// Returns the rows that the step processes on the clone: as counted in a complete run, else as planned.
fn clone_rows(step: &StepRecord, clone: &TableFacts) -> (f64, f64) {
    if step.complete && step.batching.is_some() {
        let first_run = step.observations.iter().filter(|observation| observation.run == 0);
        return (first_run.map(|observation| observation.rows as f64).sum(), 0.0);
    }
    (
        step.total_rows.unwrap_or(clone.estimated_rows),
        step.total_rows_relative_sd,
    )
}
