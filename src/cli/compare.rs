//! `migtime compare`: is NEW slower than BASE?

use std::path::{Path, PathBuf};

use super::arguments::{CompareArguments, CompareFormat};
use super::files_below::DirectoryWalk;
use super::repository::path_in_repository;
use super::{duet, output};
use crate::error::{Error, ErrorKind, Result};
use crate::model::compare::{self, ChangeVerdict, CompareOptions, Comparison, NamedRehearsal};
use crate::observation::Rehearsal;
use crate::rehearsal::saving::earlier_results;
use crate::report;

/// Runs the command.
pub fn run(arguments: &CompareArguments) -> Result<()> {
    let (base, new) = if arguments.duet.duet {
        duet::play(arguments)?
    } else {
        (read(&arguments.base)?, read(&arguments.new)?)
    };
    let options = CompareOptions {
        margin: arguments.margin,
        seed: arguments.seed,
        each_step: arguments.each_step,
        ..CompareOptions::default()
    };
    let comparison = compare::compare(&base, &new, &options)?;
    deliver(&comparison, arguments)?;
    check(&comparison)
}

/// Turns the most serious verdict into the exit code.
///
/// # Errors
/// `Gate` on a regression; `TooLittleEvidence` when something could not be judged: a gate must not pass what it did not
/// check.
pub fn check(comparison: &Comparison) -> Result<()> {
    let answer = report::comparison_answer(comparison);
    let answer = answer.trim_end_matches('.');
    let message = answer[..1].to_lowercase() + &answer[1..];
    match comparison.verdict {
        ChangeVerdict::Regression => Err(Error::new(ErrorKind::Gate, message)),
        ChangeVerdict::TooFewRuns | ChangeVerdict::NotComparable => {
            Err(Error::new(ErrorKind::TooLittleEvidence, message))
        }
        ChangeVerdict::Improvement | ChangeVerdict::NoDifferenceSeen => Ok(()),
    }
}

/// Reads a file, or every rehearsal and bench in a directory, with the names by which they are matched.
///
/// # Errors
/// `Usage` when there is none, or one is damaged.
pub fn read(path: &Path) -> Result<Vec<NamedRehearsal>> {
    if !path.is_dir() {
        return Ok(vec![read_file(path)?]);
    }
    let mut all = Vec::new();
    for file in json_files(path)? {
        if is_rehearsal(&file)? {
            all.push(read_file(&file)?);
        }
    }
    if all.is_empty() {
        Err(Error::new(
            ErrorKind::Usage,
            format!("{} holds no rehearsal and no bench", path.display()),
        )
        .with_hint("`migtime bench` and `migtime rehearse --runs` write them"))
    } else {
        Ok(all)
    }
}

fn read_file(path: &Path) -> Result<NamedRehearsal> {
    let rehearsal = Rehearsal::from_json(&output::read_text(path)?, &path.display().to_string())?;
    let name = match &rehearsal.benchmark {
        Some(benchmark) => benchmark.scenario.clone(),
        None => rehearsal.migration.clone(),
    };
    Ok(NamedRehearsal { name, rehearsal })
}

/// Returns whether a file declares itself to be a rehearsal; directories also hold estimates and other JSON.
fn is_rehearsal(path: &Path) -> Result<bool> {
    #[derive(serde::Deserialize)]
    struct Header {
        kind: Option<String>,
    }
    let text = output::read_text(path)?;
    // An incomplete rehearsal must not be skipped silently: its kind is at its beginning.
    match serde_json::from_str::<Header>(&text) {
        Ok(header) => Ok(header.kind.as_deref() == Some("rehearsal")),
        Err(_) => Ok(text.contains("\"kind\": \"rehearsal\"")),
    }
}

/// Returns the JSON files below a directory, sorted.
fn json_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let walk = DirectoryWalk {
        follows_links: true,
        ..DirectoryWalk::default()
    };
    let mut files = Vec::new();
    walk.each_below(directory, &mut |found| {
        let is_json = found.path.extension().is_some_and(|extension| extension == "json");
        if !found.is_directory && is_json && !is_kept_earlier(&found.path) {
            files.push(found.path);
        }
        Ok(())
    })?;
    files.sort();
    Ok(files)
}

/// Returns whether a rehearsal was replaced by the one next to it; to compare it, a person must name the file.
fn is_kept_earlier(path: &Path) -> bool {
    path.to_string_lossy().ends_with(earlier_results::SUFFIX)
}

fn deliver(comparison: &Comparison, arguments: &CompareArguments) -> Result<()> {
    let file = arguments.out.as_deref();
    let content = match (arguments.format, arguments.format.document()) {
        (_, Some(document)) => document.render(&report::comparison_verdicts(comparison, &path_in_repository)),
        (CompareFormat::Json, None) => comparison.to_json(),
        (CompareFormat::Markdown, None) => report::comparison_markdown(comparison),
        (_, None) => {
            let (width, colour) = output::terminal();
            report::comparison_terminal(comparison, width, colour && file.is_none())
        }
    };
    output::deliver(content.as_bytes(), file)
}
