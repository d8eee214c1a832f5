//! How large a step that was rehearsed on the clone is in production, by the numbers of rows of both.

use super::Target;
use crate::catalog::facts::TableFacts;
use crate::observation::StepRecord;

/// Returns how large `step`, rehearsed on `clone`, is on `production` by the numbers of rows alone.
///
/// A clone without a row does not tell which share of them it processes: then it is all of them.
pub fn grown(step: &StepRecord, clone: &TableFacts, production: &TableFacts) -> Target {
    let growth = production.estimated_rows / clone.estimated_rows.max(1.0);
    let (clone_rows, clone_sd) = clone_rows(step, clone);
    let rows = match clone.estimated_rows < 1.0 && clone_rows < 1.0 {
        true => production.estimated_rows,
        false => clone_rows * growth,
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

/// Returns the rows that the step processes on the clone: counted in a run that left nothing out, else as planned.
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
