//! Makes one pair: predicts on one fresh copy, and does the whole work on another.

use std::time::Instant;

use clap::Parser;

use super::super::arguments::{Arguments, Command, RehearseArguments};
use super::super::job::{Job, ProductionFacts, Resumable};
use super::super::migration_file::MigrationFile;
use super::super::results::model_options;
use super::super::{machine, rehearse, targets};
use super::place::{GROWTH, Place, Tables};
use super::plain_loop::{self, WholeRun};
use crate::error::{Error, ErrorKind, Result};
use crate::model;
use crate::model::backtest::{Design, Family, Pair, PairPlan, Status, extrapolated, mean_of_segments, share_replayed};
use crate::model::estimate::{Estimate, interval_at};
use crate::observation::Rehearsal;
use crate::rehearsal::saving::journal::Journal;
use crate::server::{CancelOnInterrupt, signals};

/// What is to be made.
pub struct PairRun<'a> {
    /// The family.
    pub family: &'a Family,
    /// How it is predicted.
    pub design: Design,
    /// Number of the pair in its family and design, from 1.
    pub run: u32,
    /// Rows of its table in production.
    pub rows: u64,
    /// What was drawn for it.
    pub plan: PairPlan,
}

/// A rehearsal and what follows from it.
struct Prediction {
    /// `None` if even the rehearsal was refused.
    rehearsal: Option<Rehearsal>,
    /// The estimate, or why there is none.
    estimate: Result<Estimate, String>,
    seconds: f64,
}

impl PairRun<'_> {
    /// Makes the pair; `None` if the person interrupts it.
    ///
    /// # Errors
    /// Those of a rehearsal, except for too little evidence and a failed statement, which are results.
    pub fn make(&self, place: &mut Place) -> Result<Option<Pair>> {
        match self.make_uninterrupted(place) {
            _ if signals::interruption().is_asked() => Ok(None),
            made => made.map(Some),
        }
    }

    fn make_uninterrupted(&self, place: &mut Place) -> Result<Pair> {
        let tables = place.tables(self.family, self.rows, self.plan.seed)?;
        // Filling is work of this program: what else runs shows before it and after.
        let load_before = machine::load_average();
        let (prediction, whole) = if self.plan.whole_run_first {
            let whole = self.whole_run(&tables)?;
            (self.predict(&tables)?, whole)
        } else {
            let prediction = self.predict(&tables)?;
            (prediction, self.whole_run(&tables)?)
        };
        Ok(self.pair(&prediction, &whole, load_before))
    }

    /// Does the whole work on a fresh copy.
    fn whole_run(&self, tables: &Tables) -> Result<WholeRun> {
        // Copying files ends with a checkpoint, so both halves begin after one.
        let site = tables.production.site()?;
        signals::interruption().refuse()?;
        let mut client = site.parameters().connect()?;
        let watch = CancelOnInterrupt::watch(site.parameters(), client.cancel_token());
        let whole = plain_loop::run(&mut client, self.family);
        watch.end();
        whole
    }

    /// Rehearses on a fresh copy and estimates, as `migtime rehearse` does with the same arguments.
    fn predict(&self, tables: &Tables) -> Result<Prediction> {
        signals::interruption().refuse()?;
        let arguments = self.arguments()?;
        let migration = MigrationFile::of_text(&self.family.migration(), &self.family.name)?;
        let production = tables.facts(&migration)?;
        let job = Job {
            migration: &migration,
            rollback: None,
            batching: &arguments.batching,
            conditions: rehearse::conditions(&arguments),
            precision: arguments.precision,
            runs: arguments.runs,
            throwaway: true,
            production: ProductionFacts::of_tables(production.clone()),
            resumable: Resumable::default(),
        };
        let begin = Instant::now();
        let rehearsed = job.run(tables.rehearsed(), &mut Journal::new(None));
        let seconds = begin.elapsed().as_secs_f64();
        let mut rehearsal = match rehearsed {
            Err(error) => return refused(error, None, seconds),
            Ok(rehearsal) => rehearsal,
        };
        if tables.clone.is_some() {
            let mut staged = tables.production.staged()?;
            rehearsal.targets = staged.read(|reader| targets::of(reader, &rehearsal, &production))?;
        }
        match model::estimate(&rehearsal, &rehearsal.targets, &model_options(&arguments.options)?) {
            Err(error) => refused(error, Some(rehearsal), seconds),
            Ok(estimate) => Ok(Prediction {
                rehearsal: Some(rehearsal),
                estimate: Ok(estimate),
                seconds,
            }),
        }
    }

    /// Returns what a person would type to rehearse it.
    fn arguments(&self) -> Result<RehearseArguments> {
        let mut typed: Vec<String> = [
            "migtime",
            "rehearse",
            "migration.sql",
            "--provisional",
            "--no-rollback",
            "--seed",
        ]
        .map(str::to_string)
        .to_vec();
        typed.push(self.plan.seed.to_string());
        if let Some(fraction) = self.plan.fraction {
            typed.extend(["--fraction".to_string(), format!("{}%", 100.0 * fraction)]);
        }
        match Arguments::try_parse_from(&typed).map(|arguments| arguments.command) {
            Ok(Command::Rehearse(arguments)) => Ok(arguments),
            _ => Err(Error::new(
                ErrorKind::Usage,
                format!("`{}` is no longer understood", typed.join(" ")),
            )),
        }
    }

    fn pair(&self, prediction: &Prediction, whole: &WholeRun, load_before: Option<f64>) -> Pair {
        let growth = if self.design == Design::Quarter {
            GROWTH as f64
        } else {
            1.0
        };
        let rehearsal = prediction.rehearsal.as_ref();
        let segment_mean = rehearsal.and_then(|rehearsal| mean_of_segments(rehearsal, growth));
        let lines = extrapolated(&whole.batches);
        let estimate = prediction.estimate.as_ref().ok();
        let bounds = |level: f64| {
            let interval = estimate.map(|estimate| interval_at(&estimate.total.intervals, level));
            (
                interval.map(|interval| rounded(interval.lower_seconds)),
                interval.map(|interval| rounded(interval.upper_seconds)),
            )
        };
        let [(lower_50, upper_50), (lower_80, upper_80), (lower_95, upper_95)] = [0.5, 0.8, 0.95].map(bounds);
        Pair {
            family: self.family.name.clone(),
            judging: self.family.judges,
            design: self.design,
            run: self.run,
            seed: self.plan.seed,
            rows: self.rows,
            version: env!("CARGO_PKG_VERSION").to_string(),
            server: rehearsal.map_or(0, |rehearsal| rehearsal.server.version_num),
            whole_run_first: self.plan.whole_run_first,
            load_before,
            share_replayed: rehearsal.map(|rehearsal| rounded(share_replayed(rehearsal, growth))),
            replay_seconds: rounded(prediction.seconds),
            status: match estimate {
                None => Status::Refused,
                Some(estimate) if estimate.provisional => Status::Provisional,
                Some(_) => Status::Promised,
            },
            reason: match &prediction.estimate {
                Ok(estimate) => estimate.too_thin.join("; "),
                Err(reason) => reason.clone(),
            },
            predicted: estimate.map(|estimate| rounded(estimate.total.point_seconds)),
            lower_50,
            upper_50,
            lower_80,
            upper_80,
            lower_95,
            upper_95,
            actual: rounded(whole.seconds),
            segment_mean: segment_mean.map(rounded),
            linear: lines.map(|lines| rounded(lines.linear)),
            linear_error: lines.map(|lines| rounded(lines.linear_error)),
            linear_degrees: lines.map(|lines| lines.linear_degrees),
            last_rate: lines.map(|lines| rounded(lines.last_rate)),
        }
    }
}

/// That there is too little evidence, or that the rehearsal failed where the whole work does not, is a result; every
/// other error ends the backtest.
fn refused(error: Error, rehearsal: Option<Rehearsal>, seconds: f64) -> Result<Prediction> {
    match error.kind() {
        ErrorKind::TooLittleEvidence | ErrorKind::MigrationFailed => Ok(Prediction {
            rehearsal,
            estimate: Err(error.message().to_string()),
            seconds,
        }),
        _ => Err(error),
    }
}

/// Microseconds are finer than anything that repeats.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
