//! `migtime compare`: is NEW slower than BASE?

use std::path::{Path, PathBuf};

use super::arguments::{CompareArguments, CompareFormat};
use super::repository::path_in_repository;
use super::{duet, output};
use crate::error::{Error, ErrorKind, Result};
use crate::model::compare::{self, ChangeVerdict, CompareOptions, Comparison, NamedRehearsal};
use crate::observation::Rehearsal;
use crate::rehearsal::saving::earlier_results;
use crate::report;

/// Depth of directories that are searched for files.
const DEPTH: usize = 3;

/// Runs the command.
pub fn run(arguments: &CompareArguments) -> Result<()> {
    let (base, new) = match arguments.duet.duet {
        true => duet::play(arguments)?,
        false => (read(&arguments.base)?, read(&arguments.new)?),
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
    let mut files = Vec::new();
    collect(path, DEPTH, &mut files)?;
    files.sort();
    let mut all = Vec::new();
    for file in files {
        if is_rehearsal(&file)? {
            all.push(read_file(&file)?);
        }
    }
    match all.is_empty() {
        true => Err(Error::new(
            ErrorKind::Usage,
            format!("{} holds no rehearsal and no bench", path.display()),
        )
        .with_hint("`migtime bench` and `migtime rehearse --runs` write them")),
        false => Ok(all),
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

fn collect(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = |error| {
        let message = format!("cannot read {}: {}", directory.display(), crate::error::reason(&error));
        Error::new(ErrorKind::Usage, message)
    };
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            if depth > 0 {
                collect(&path, depth - 1, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "json") && !is_kept_earlier(&path) {
            files.push(path);
        }
    }
    Ok(())
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
