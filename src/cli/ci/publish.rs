//! Writes what reviewers and machines read, and hands it to the service the job runs on.

use std::io::Write;
use std::path::Path;

use super::super::output;
use crate::error::{Error, ErrorKind, Result, reason};
use crate::report::ci::{Document, Verdict, job_summary};

/// The summary's file; it is not cut.
const SUMMARY: &str = "summary.md";

/// Writes every document into `directory`; on GitHub also annotations to stdout, the summary and the outputs to where the
/// runner wants them, elsewhere the summary to stdout.
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

/// Writes every document into `directory`, or where that takes none into the temporary one.
///
/// # Errors
/// `Usage` with why they are not in `directory`, and where they are.
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

/// Appends to the file that a variable names; a runner without it does not want it.
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
