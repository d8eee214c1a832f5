//! `migtime record`: stores how long a migration took on production, beside what was predicted.

use std::path::Path;

use super::arguments::RecordArguments;
use super::history::{NewOutcome, Place};
use super::job::{REHEARSAL_FILE, now};
use super::output;
use super::results::estimate_file;
use crate::error::{Error, ErrorKind, Result};
use crate::model::estimate::Estimate;
use crate::model::outcome::Outcome;
use crate::model::outcome_csv::{self, Line};
use crate::report;
use crate::units::{Seconds, counted};

/// Runs the command.
pub fn run(arguments: &RecordArguments) -> Result<()> {
    let outcomes = match (&arguments.csv, &arguments.estimate, arguments.actual) {
        (Some(file), ..) => from_csv(file)?,
        (None, Some(estimate), Some(actual)) => vec![of_estimate(estimate, arguments.step, actual)?],
        _ => {
            return Err(Error::new(ErrorKind::Usage, "nothing to record")
                .with_hint("migtime record ESTIMATE --actual 34m, or --csv FILE"));
        }
    };
    let place = Place::named_or_usual(arguments.history.as_deref());
    let added = place.record(&outcomes, arguments.no_password)?;
    tell(&outcomes, &added, &place);
    Ok(())
}

fn of_estimate(path: &Path, step: Option<u32>, actual: Seconds) -> Result<NewOutcome> {
    let file = estimate_file(path)?;
    let name = file.display().to_string();
    let estimate = Estimate::from_json(&output::read_text(&file)?, &name).map_err(|error| {
        match (error.hint(), file.file_name()) {
            (None, Some(file)) if file == REHEARSAL_FILE => error.with_hint("name the estimate.json beside it"),
            (None, _) => error.with_hint("migtime estimate --format json and migtime rehearse write estimates"),
            _ => error,
        }
    })?;
    let outcome = Outcome::of_estimate(&estimate, step, actual.0, now()).map_err(|error| error.in_context(&name))?;
    outcome.check(&name)?;
    Ok(NewOutcome { outcome, dated: false })
}

fn from_csv(file: &Path) -> Result<Vec<NewOutcome>> {
    let lines = outcome_csv::read(&output::read_text(file)?, &file.display().to_string(), &now())?;
    let read = |(place, line): (String, Line)| match line {
        Line::OfEstimate { path, step, actual } => {
            of_estimate(Path::new(&path), step, actual).map_err(|error| error.in_context(place))
        }
        Line::Bare { outcome, dated } => Ok(NewOutcome {
            outcome: *outcome,
            dated,
        }),
    };
    lines.into_iter().map(read).collect()
}

fn tell(outcomes: &[NewOutcome], added: &[bool], place: &Place) {
    let fresh = added.iter().filter(|added| **added).count();
    if let [NewOutcome { outcome, .. }] = outcomes {
        output::print_note(&report::outcome_sentence(outcome));
    }
    if fresh > 0 {
        output::print_note(&format!(
            "recorded {} in {place}",
            counted(fresh, "outcome", "outcomes")
        ));
    }
    let known = added.len() - fresh;
    if known > 0 {
        output::print_note(&format!(
            "{} already in {place}, and not recorded again",
            counted(known, "outcome was", "outcomes were")
        ));
    }
    for (new, _) in outcomes.iter().zip(added).filter(|(_, added)| **added) {
        if let Some(why) = new.outcome.why_not_counted() {
            output::print_note(&format!("note: estimates do not learn from it ({why})"));
        }
    }
}
