//! Writes the files for reviewers and machines, and passes results to the CI service.

use std::io::Write;
use std::path::Path;

use super::super::output;
use crate::error::{Error, ErrorKind, Result, reason};
use crate::report::ci::{Document, Verdict, job_summary};

/// The summary's file, which has no size limit.
const SUMMARY: &str = "summary.md";

/// Writes every document into `directory`. On GitHub, also prints annotations to stdout and writes the summary and
/// outputs to the runner's files; elsewhere, prints the summary to stdout.
///
/// # Errors
/// `Usage` when something cannot be written.
pub fn publish(verdicts: &[Verdict], directory: &Path) -> Result<()> {
    let summary = job_summary(verdicts, &directory.display().to_string());
    let saved = save(verdicts, directory);
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        append("GITHUB_STEP_SUMMARY", &summary)?;
        append("GITHUB_OUTPUT", &Document::GithubOutputs.render(verdicts))?;
        output::deliver(Document::GithubAnnotations.render(verdicts).as_bytes(), None)?;
    } else {
        output::deliver(summary.as_bytes(), None)?;
    }
    saved?;
    output::print_note(&format!("saved {}", directory.join(SUMMARY).display()));
    Ok(())
}

/// Writes every document into `directory`, or into the temporary directory if that fails.
///
/// # Errors
/// `Usage` with the reason why they are not in `directory`, and where they are instead.
pub fn save(verdicts: &[Verdict], directory: &Path) -> Result<()> {
    let summary = job_summary(verdicts, &directory.display().to_string());
    output::or_in_refuge(directory, |directory| {
        output::write_atomically(&directory.join(SUMMARY), summary.as_bytes())?;
        Document::ALL.iter().try_for_each(|document| {
            let text = document.render(verdicts);
            output::write_atomically(&directory.join(document.file_name()), text.as_bytes())
        })
    })
}

/// Appends to the file named by a variable; does nothing if the runner does not set it.
fn append(variable: &str, text: &str) -> Result<()> {
    let Some(file) = std::env::var_os(variable).filter(|file| !file.is_empty()) else {
        return Ok(());
    };
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&file)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| {
            Error::new(
                ErrorKind::Usage,
                format!(
                    "cannot write {variable} ({}): {}",
                    Path::new(&file).display(),
                    reason(&error)
                ),
            )
        })
}
