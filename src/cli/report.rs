//! `migtime report`: converts a saved rehearsal into every format, without a database.

use std::path::Path;

use super::arguments::ReportArguments;
use super::results::{ESTIMATE_FILE, Results};
use super::{history, output, rollback};
use crate::error::Result;
use crate::model::estimate::Estimate;
use crate::observation::Rehearsal;

/// Runs the command.
pub fn run(arguments: &ReportArguments) -> Result<()> {
    let path = &arguments.rehearsal;
    let rehearsal = Rehearsal::from_json(&output::read_text(path)?, &path.display().to_string())?;
    let outcomes = history::known(&arguments.options.history, false)?;
    let mut results = Results::new(rehearsal, &arguments.options, &outcomes)?;
    let beside = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    results.estimate.actual_seconds = actual_seconds(&beside.join(ESTIMATE_FILE), &results.estimate);
    let directory = arguments.output.as_deref().unwrap_or(beside);
    results.publish(arguments.format, directory)?;
    if let Some(directory) = &arguments.output {
        output::write_atomically(
            &directory.join(super::job::REHEARSAL_FILE),
            results.rehearsal.to_json().as_bytes(),
        )?;
    }
    output::print_note(&format!("saved {}", directory.join("report.html").display()));
    rollback::check(&results.rehearsal, false)?;
    results.check()
}

/// Returns how long the whole run took that followed the estimate in `file`, if it was of the same migration.
fn actual_seconds(file: &Path, estimate: &Estimate) -> Option<f64> {
    let before: Estimate = serde_json::from_str(&output::read_text(file).ok()?).ok()?;
    let statements = |estimate: &Estimate| -> Vec<String> {
        let steps = estimate.steps.iter();
        steps.map(|step| step.statement.clone()).collect()
    };
    before
        .actual_seconds
        .filter(|_| statements(&before) == statements(estimate))
}
