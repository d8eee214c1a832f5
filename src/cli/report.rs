//! `migtime report`: every format from a saved rehearsal, without a database.

use std::path::Path;

use super::arguments::ReportArguments;
use super::output;
use super::results::Results;
use crate::error::Result;
use crate::observation::Rehearsal;

/// Runs the command.
pub fn run(arguments: &ReportArguments) -> Result<()> {
    let path = &arguments.rehearsal;
    let rehearsal = Rehearsal::from_json(&output::read_text(path)?, &path.display().to_string())?;
    let results = Results::new(rehearsal, &arguments.options)?;
    let beside = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let directory = arguments.output.as_deref().unwrap_or(beside);
    results.publish(arguments.format, directory)?;
    if let Some(directory) = &arguments.output {
        output::write_atomically(
            &directory.join(super::rehearse::REHEARSAL_FILE),
            results.rehearsal.to_json().as_bytes(),
        )?;
    }
    output::print_note(&format!("saved {}", directory.join("report.html").display()));
    results.check_budget(arguments.options.budget)
}
