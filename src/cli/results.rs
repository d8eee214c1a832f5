//! The results of a command that estimates from a rehearsal: files, text, and the verdict of budget and gates.

use std::path::{Path, PathBuf};

use super::arguments::{EstimateFlags as Options, Format, today};
use super::repository::path_in_repository;
use super::{gates, output};
use crate::error::{Error, ErrorKind, Result};
use crate::model::hardware::Hardware;
use crate::model::outcome::Outcome;
use crate::model::transfer::Transfer;
use crate::model::{self, EstimateOptions, Growth, estimate::Estimate};
use crate::observation::{EndReason, Probe, Rehearsal};
use crate::report;
use crate::report::ci::{self, Finding, Gate, Level, Rule, Verdict};
use crate::units::{Seconds, counted};

/// The file in which an estimate is saved.
pub const ESTIMATE_FILE: &str = "estimate.json";

/// Returns the estimate that was named, or the one in the directory that was named.
///
/// # Errors
/// `Usage` when the directory holds none.
pub fn estimate_file(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_path_buf());
    }
    let file = path.join(ESTIMATE_FILE);
    if file.exists() {
        return Ok(file);
    }
    let message = format!("{} holds no {ESTIMATE_FILE}", path.display());
    Err(Error::new(ErrorKind::Usage, message).with_hint("name the directory into which the rehearsal was saved"))
}

/// A rehearsal with its estimate.
pub struct Results {
    /// The measurements.
    pub rehearsal: Rehearsal,
    /// The estimate from it.
    pub estimate: Estimate,
    /// The limit for the upper bound of the duration.
    pub budget: Option<Seconds>,
    /// The gates given by `--deny`.
    pub deny: Vec<Gate>,
}

impl Results {
    /// Estimates from `rehearsal` for production if its size is known, and otherwise for the clone. `outcomes` are what
    /// an estimate for production learns from.
    ///
    /// # Errors
    /// `TooLittleEvidence` when the evidence is too thin and no provisional estimate was requested.
    pub fn new(rehearsal: Rehearsal, options: &Options, outcomes: &[Outcome]) -> Result<Results> {
        let learning = EstimateOptions {
            transfer: Transfer::learn(outcomes, rehearsal.server.version_num),
            ..model_options(options)?
        };
        let estimate = model::estimate(&rehearsal, &rehearsal.targets, &learning)?;
        Ok(Results {
            rehearsal,
            estimate,
            budget: options.budget,
            deny: options.deny.clone(),
        })
    }

    /// Prints the estimate and writes the files; a failure of one does not prevent the other.
    ///
    /// # Errors
    /// `Usage` when something cannot be written.
    pub fn publish(&self, format: Format, directory: &Path) -> Result<()> {
        let delivered = self.deliver(format, None);
        let saved = self.save(directory);
        delivered.and(saved)
    }

    /// As [`Results::publish`], but if `directory` cannot be written, the files go to the temporary directory: a full
    /// disk must not cost hours of measurements.
    ///
    /// # Errors
    /// `Usage` when something could not be written in its place, and where it is instead.
    pub fn publish_safely(&self, format: Format, directory: &Path) -> Result<()> {
        let delivered = self.deliver(format, None);
        let saved = output::or_in_refuge(directory, |directory| self.save(directory));
        delivered.and(saved)
    }

    /// Writes `estimate.json`, `report.html`, `report.md` and the CSV files into `directory`.
    ///
    /// # Errors
    /// `Usage` when a file cannot be written.
    pub fn save(&self, directory: &Path) -> Result<()> {
        let (rehearsal, estimate) = (&self.rehearsal, &self.estimate);
        let write = |name: &str, content: &[u8]| output::write_atomically(&directory.join(name), content);
        write(ESTIMATE_FILE, estimate.to_json().as_bytes())?;
        write("report.html", report::html(rehearsal, estimate).as_bytes())?;
        write("report.md", report::markdown(rehearsal, estimate).as_bytes())?;
        write("observations.csv", &report::observations_csv(rehearsal))?;
        write("steps.csv", &report::steps_csv(rehearsal, estimate))
    }

    /// Prints the estimate, or writes it to `file`.
    ///
    /// # Errors
    /// `Usage` when it cannot be written.
    pub fn deliver(&self, format: Format, file: Option<&Path>) -> Result<()> {
        let (rehearsal, estimate) = (&self.rehearsal, &self.estimate);
        if let Some(document) = format.document() {
            return output::deliver(document.render(&[self.verdict()]).as_bytes(), file);
        }
        let content = match format {
            Format::Json => estimate.to_json().into_bytes(),
            Format::Csv => report::steps_csv(rehearsal, estimate),
            Format::Markdown => report::markdown(rehearsal, estimate).into_bytes(),
            Format::Html => report::html(rehearsal, estimate).into_bytes(),
            _ => {
                let (width, colour) = output::terminal();
                report::terminal(rehearsal, estimate, width, colour && file.is_none()).into_bytes()
            }
        };
        output::deliver(&content, file)
    }

    /// Returns the verdict for reviewers and machines, including the findings of budget, disk and gates.
    pub fn verdict(&self) -> Verdict {
        let mut verdict = ci::of_rehearsal(&self.rehearsal, &self.estimate, &path_in_repository);
        let failed = [
            (Rule::OverBudget, self.check_time()),
            (Rule::DiskOverBudget, self.check_disk()),
        ];
        for (rule, outcome) in failed {
            if let Err(error) = outcome {
                let rule = match error.kind() {
                    ErrorKind::Gate => rule,
                    _ => Rule::CannotBeJudged,
                };
                let finding = Finding::of_migration(rule, verdict.migration.clone(), error.message());
                verdict.findings.push(finding);
            }
        }
        if self.estimate.provisional && self.budget.is_none() {
            let words = format!(
                "too little evidence to promise a duration: {}",
                self.estimate.too_thin.join("; ")
            );
            let mut finding = Finding::of_migration(Rule::CannotBeJudged, verdict.migration.clone(), words);
            if self.deny.is_empty() {
                // Without limits, nothing is judged: the estimate was requested as it is.
                finding.level = Level::Warning;
            }
            verdict.findings.push(finding);
        }
        gates::judge(&self.deny, &mut verdict);
        verdict
    }

    /// Compares lock hold times with the gates, and upper bounds with the budget and the free disk, where given.
    ///
    /// # Errors
    /// `MigrationFailed` when the migration failed in the rehearsal; `Gate` when a limit is exceeded;
    /// `TooLittleEvidence` when none is, but one could not be checked.
    pub fn check(&self) -> Result<()> {
        let gates = if self.deny.is_empty() {
            Ok(())
        } else {
            gates::enforce(&self.verdict())
        };
        let failed = self
            .rehearsal
            .ended
            .as_ref()
            .filter(|ended| ended.reason == EndReason::Failed);
        if let Some(ended) = failed {
            let message = format!("the migration failed in its rehearsal: {}", ended.message);
            return Err(Error::new(ErrorKind::MigrationFailed, message));
        }
        let outcomes = [self.check_time(), self.check_disk(), gates];
        let mut errors: Vec<Error> = outcomes.into_iter().filter_map(Result::err).collect();
        errors.sort_by_key(|error| error.kind() != ErrorKind::Gate);
        errors.into_iter().next().map_or(Ok(()), Err)
    }

    fn check_time(&self) -> Result<()> {
        let upper = Seconds(self.estimate.interval().upper_seconds);
        match self.budget {
            Some(budget) if upper <= budget && self.estimate.provisional => Err(Error::new(
                ErrorKind::TooLittleEvidence,
                format!(
                    "whether it keeps the budget of {budget} is not known: {}",
                    self.estimate.too_thin.join("; ")
                ),
            )
            .with_hint("a budget lets nothing pass that was not measured: rehearse more, or leave --budget out")),
            Some(budget) if upper > budget => Err(Error::new(
                ErrorKind::Gate,
                format!(
                    "over budget: up to {upper} at {:.0} %, the budget is {budget}",
                    self.estimate.level * 100.0
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Fails unless the migration is known to fit the free disk: a step that was not measured may need all of it.
    fn check_disk(&self) -> Result<()> {
        let Some(total) = self
            .estimate
            .storage
            .as_ref()
            .filter(|total| total.free_bytes.is_some() && !total.free_is_seen)
        else {
            return Ok(());
        };
        let verdict = report::fits(total).unwrap_or_default();
        match (total.fits, report::uncounted(total)) {
            (Some(false), _) => Err(Error::new(ErrorKind::Gate, format!("not enough disk: {verdict}"))),
            (_, Some(uncounted)) => Err(Error::new(
                ErrorKind::TooLittleEvidence,
                format!("whether it fits the free disk is not known. {uncounted}"),
            )
            .with_hint("rehearse the whole of it on a clone (--full)")),
            _ => Ok(()),
        }
    }
}

/// Returns the typed options of the model, without what is learned from outcomes.
///
/// # Errors
/// `Usage` for a day without a growth, for a growth that is beyond belief, and for probes that are not of two servers.
pub fn model_options(options: &Options) -> Result<EstimateOptions> {
    let growth = match (options.growth, options.on, today()) {
        (Some(rate), on, Some(today)) => Some(Growth::new(rate, today, on.unwrap_or(today))?),
        (None, Some(on), _) => {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("--on {on} says when, but not how fast the rows grow"),
            )
            .with_hint("add --growth, like --growth 2%/month"));
        }
        _ => None,
    };
    Ok(EstimateOptions {
        level: options.level,
        seed: options.seed,
        window: options.window,
        provisional: options.provisional,
        free_disk: options.free_disk,
        growth,
        hardware: hardware(&options.probes)?,
        transfer: None,
    })
}

/// Compares the servers in files of probes: the first is staging's, the second production's.
fn hardware(files: &[PathBuf]) -> Result<Option<Hardware>> {
    let mut servers = Vec::new();
    for file in files {
        servers.extend(Probe::from_json(&output::read_text(file)?, &file.display().to_string())?.servers);
    }
    match servers.as_slice() {
        [] if files.is_empty() => Ok(None),
        [staging, production] => Ok(Some(Hardware::compare(staging, production))),
        others => Err(Error::new(
            ErrorKind::Usage,
            format!(
                "--probes needs staging and production, and finds {}",
                counted(others.len(), "server", "servers")
            ),
        )
        .with_hint("probe both at once with migtime probe STAGING PRODUCTION, or name a file of each")),
    }
}
