//! What a command that estimates from a rehearsal leaves behind: files, text, and the verdict on the budget.

use std::path::Path;

use super::arguments::{EstimateOptions as Options, Format};
use super::output;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{self, EstimateOptions, estimate::Estimate};
use crate::observation::Rehearsal;
use crate::report;
use crate::units::Seconds;

/// A rehearsal with its estimate.
pub struct Results {
    /// What was measured.
    pub rehearsal: Rehearsal,
    /// What follows from it.
    pub estimate: Estimate,
}

impl Results {
    /// Estimates from `rehearsal` for production's size where that is known, else for the clone it was made on.
    ///
    /// # Errors
    /// `TooLittleEvidence` unless a provisional estimate is asked for.
    pub fn new(rehearsal: Rehearsal, options: &Options) -> Result<Results> {
        let estimate = model::estimate(&rehearsal, &rehearsal.targets, &model_options(options))?;
        Ok(Results { rehearsal, estimate })
    }

    /// Prints the estimate and writes the files; the one is done even when the other cannot be.
    ///
    /// # Errors
    /// `Usage` when something cannot be written.
    pub fn publish(&self, format: Format, directory: &Path) -> Result<()> {
        let delivered = self.deliver(format, None);
        let saved = self.save(directory);
        delivered.and(saved)
    }

    /// Writes `estimate.json`, `report.html`, `report.md` and the CSV files into `directory`.
    ///
    /// # Errors
    /// `Usage` when a file cannot be written.
    pub fn save(&self, directory: &Path) -> Result<()> {
        let (rehearsal, estimate) = (&self.rehearsal, &self.estimate);
        let write = |name: &str, content: &[u8]| output::write_atomically(&directory.join(name), content);
        write("estimate.json", estimate.to_json().as_bytes())?;
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
        let content = match format {
            Format::Terminal => {
                let (width, colour) = output::terminal();
                report::terminal(rehearsal, estimate, width, colour && file.is_none()).into_bytes()
            }
            Format::Json => estimate.to_json().into_bytes(),
            Format::Csv => report::steps_csv(rehearsal, estimate),
            Format::Markdown => report::markdown(rehearsal, estimate).into_bytes(),
            Format::Html => report::html(rehearsal, estimate).into_bytes(),
        };
        output::deliver(&content, file)
    }

    /// Compares the upper bounds with the budget and with the free disk, where they are told.
    ///
    /// # Errors
    /// `Gate` when a bound exceeds them; `TooLittleEvidence` when the disk of some step is not known.
    pub fn check_budget(&self, budget: Option<Seconds>) -> Result<()> {
        let upper = Seconds(self.estimate.interval().upper_seconds);
        match budget {
            Some(budget) if upper > budget => Err(Error::new(
                ErrorKind::Gate,
                format!(
                    "over budget: up to {upper} at {:.0} %, the budget is {budget}",
                    self.estimate.level * 100.0
                ),
            )),
            _ => self.check_disk(),
        }
    }

    /// What is not known to fit is not said to: a step that was not measured may need all of it.
    fn check_disk(&self) -> Result<()> {
        let Some(total) = self
            .estimate
            .storage
            .as_ref()
            .filter(|total| total.free_bytes.is_some())
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

/// Returns the options of the model that were typed.
pub fn model_options(options: &Options) -> EstimateOptions {
    EstimateOptions {
        level: options.level,
        seed: options.seed,
        window: options.window,
        provisional: options.provisional,
        free_disk: options.free_disk,
    }
}
