//! The file of pairs, and which pairs come next.

use std::path::PathBuf;

use super::super::arguments::BacktestArguments;
use super::super::output;
use super::pair_run::PairRun;
use crate::error::{Error, ErrorKind, Result};
use crate::model::backtest::{Design, Family, Pair, PairPlan, pairs_from_csv, pairs_to_csv};
use crate::rehearsal::batches::schedule::schedule;

/// Rounds when only the time is limited: more than any has.
const MOST_ROUNDS: u32 = 1000;

/// The pairs that were made, and where they are saved.
pub struct Ledger {
    /// All pairs in the file, in the order they were made.
    pub pairs: Vec<Pair>,
    file: PathBuf,
}

/// The kinds of pairs that a backtest makes, and their order.
pub struct Agenda<'a> {
    kinds: Vec<(&'a Family, Design)>,
    scale: f64,
    seed: u64,
    rounds: u32,
}

impl Ledger {
    /// Opens the file, which may not exist yet.
    ///
    /// # Errors
    /// `Usage` when it cannot be read, or holds something else than pairs.
    pub fn open(file: PathBuf) -> Result<Ledger> {
        let pairs = if file.exists() {
            pairs_from_csv(&output::read_text(&file)?, &file.display().to_string())?
        } else {
            Vec::new()
        };
        Ok(Ledger { pairs, file })
    }

    /// Adds a pair and saves the file.
    ///
    /// # Errors
    /// `Usage` when it cannot be written, and where the pairs are instead.
    pub fn add(&mut self, pair: Pair) -> Result<()> {
        self.pairs.push(pair);
        output::write_measured(&self.file, &pairs_to_csv(&self.pairs))
    }
}

impl<'a> Agenda<'a> {
    /// Returns what the arguments ask for.
    pub fn new(families: &'a [Family], arguments: &BacktestArguments) -> Agenda<'a> {
        let kinds = families
            .iter()
            .flat_map(|family| family.designs().iter().map(move |design| (family, *design)));
        Agenda {
            kinds: kinds.collect(),
            scale: arguments.scale,
            seed: arguments.seed,
            rounds: arguments.rounds.unwrap_or(MOST_ROUNDS),
        }
    }

    /// Returns the pairs that are still to be made, in order.
    ///
    /// # Errors
    /// `Usage` when the ledger has pairs of these families that this command would not have made.
    pub fn left(&self, ledger: &Ledger) -> Result<Vec<PairRun<'a>>> {
        for pair in &ledger.pairs {
            self.refuse_other(pair, ledger)?;
        }
        let is_of = |pair: &Pair, (family, design): &(&Family, Design)| {
            (pair.family.as_str(), pair.design) == (family.name.as_str(), *design)
        };
        let done = |kind| ledger.pairs.iter().filter(|pair| is_of(pair, kind)).count() as u32;
        let mut done: Vec<u32> = self.kinds.iter().map(done).collect();
        let order = schedule(&done, self.rounds, self.seed);
        let runs = order.into_iter().map(|index| {
            done[index] += 1;
            let (family, design) = self.kinds[index];
            self.pair_run(family, design, done[index])
        });
        Ok(runs.collect())
    }

    fn pair_run(&self, family: &'a Family, design: Design, run: u32) -> PairRun<'a> {
        PairRun {
            family,
            design,
            run,
            rows: family.rows_at(self.scale),
            plan: PairPlan::of(self.seed, &family.name, design, run),
        }
    }

    fn refuse_other(&self, pair: &Pair, ledger: &Ledger) -> Result<()> {
        let Some((family, design)) = self
            .kinds
            .iter()
            .find(|(family, design)| (family.name.as_str(), *design) == (pair.family.as_str(), pair.design))
        else {
            return Ok(());
        };
        let expected = self.pair_run(family, *design, pair.run);
        let what = if pair.rows != expected.rows {
            "with another --scale"
        } else if pair.seed != expected.plan.seed {
            "with another --seed"
        } else {
            return Ok(());
        };
        let message = format!("{} holds pairs that were made {what}", ledger.file.display());
        Err(Error::new(ErrorKind::Usage, message).with_hint("say the same again, or name another file with -o"))
    }
}
