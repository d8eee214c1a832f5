//! The command: makes pairs until the time is over, and judges them.

use std::path::Path;
use std::time::{Duration, Instant};

use super::super::arguments::{BacktestArguments, BacktestFormat};
use super::super::output;
use super::ledger::{Agenda, Ledger};
use super::place::Place;
use crate::error::{Error, ErrorKind, Result};
use crate::model::backtest::{Family, Pair, families, judge, pairs_from_csv};
use crate::rehearsal::DirectoryLock;
use crate::report;
use crate::units::{Seconds, counted};

/// Minutes when neither time nor rounds are given.
const DEFAULT_MINUTES: f64 = 60.0;

/// Runs the command.
pub fn run(arguments: &BacktestArguments) -> Result<()> {
    if let Some(file) = &arguments.judge {
        let pairs = pairs_from_csv(&output::read_text(file)?, &file.display().to_string())?;
        return deliver(&pairs, arguments);
    }
    let families = selected(&arguments.family)?;
    if arguments.list {
        let (width, colour) = output::terminal();
        let list = report::backtest_families(&families, arguments.scale, width, colour);
        return output::deliver(list.as_bytes(), None);
    }
    let _claim = DirectoryLock::of(directory(&arguments.output))?;
    let mut ledger = Ledger::open(arguments.output.clone())?;
    let before = ledger.pairs.len();
    if before > 0 {
        let pairs = counted(before, "pair", "pairs");
        output::print_note(&format!("going on after the {pairs} in {}", arguments.output.display()));
    }
    let ended = make_pairs(&families, &mut ledger, arguments);
    if ledger.pairs.len() > before {
        output::print_note(&format!("saved {}", arguments.output.display()));
    }
    match ended? {
        Ended::Interrupted => {
            let message = format!(
                "interrupted after {}; the same command goes on from there",
                counted(ledger.pairs.len(), "pair", "pairs")
            );
            Err(Error::new(ErrorKind::TooLittleEvidence, message))
        }
        Ended::Complete => match deliver(&ledger.pairs, arguments) {
            // The pairs are what was asked for.
            Err(error) if error.kind() == ErrorKind::TooLittleEvidence => {
                output::print_note(&format!("not judged yet: {error}"));
                Ok(())
            }
            delivered => delivered,
        },
    }
}

/// Why no more pairs are made.
enum Ended {
    Complete,
    Interrupted,
}

fn make_pairs(families: &[Family], ledger: &mut Ledger, arguments: &BacktestArguments) -> Result<Ended> {
    let minutes = arguments
        .minutes
        .or(arguments.rounds.is_none().then_some(DEFAULT_MINUTES));
    let begin = Instant::now();
    let limit = minutes.map(|minutes| Duration::from_secs_f64(60.0 * minutes));
    let left = Agenda::new(families, arguments).left(ledger)?;
    let mut place = Place::new(arguments.pg_bin.clone());
    let mut longest = Duration::ZERO;
    for pair_run in left {
        if limit.is_some_and(|limit| begin.elapsed() + longest > limit) {
            output::print_note("the time is over; the same command goes on from here");
            break;
        }
        let started = Instant::now();
        let made = pair_run
            .make(&mut place)
            .map_err(|error| error.in_context(&pair_run.family.name))?;
        let Some(pair) = made else {
            return Ok(Ended::Interrupted);
        };
        longest = longest.max(started.elapsed());
        output::print_note(&told(&pair));
        ledger.add(pair)?;
    }
    Ok(Ended::Complete)
}

/// Returns the families of these names, or all.
fn selected(names: &[String]) -> Result<Vec<Family>> {
    let all = families();
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|family| family.name != **name)) {
        return Err(Error::new(ErrorKind::Usage, format!("there is no family {unknown}"))
            .with_hint("`migtime backtest --list` names them"));
    }
    let is_wanted = |family: &Family| names.is_empty() || names.contains(&family.name);
    Ok(all.into_iter().filter(is_wanted).collect())
}

fn directory(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Says in a line what a pair shows.
fn told(pair: &Pair) -> String {
    let predicted = match (pair.predicted, pair.lower_95.zip(pair.upper_95)) {
        (Some(point), Some((lower, upper))) => {
            format!(
                "predicted {} ({} to {})",
                Seconds(point),
                Seconds(lower),
                Seconds(upper)
            )
        }
        _ => "refused".to_string(),
    };
    let (family, design, run) = (&pair.family, pair.design.name(), pair.run);
    format!("{family}, {design}, {run}: {predicted}, took {}", Seconds(pair.actual))
}

fn deliver(pairs: &[Pair], arguments: &BacktestArguments) -> Result<()> {
    let judgement = judge(pairs, arguments.seed)?;
    let content = match arguments.format {
        BacktestFormat::Json => judgement.to_json().into_bytes(),
        BacktestFormat::Csv => report::backtest_csv(&judgement),
        BacktestFormat::Markdown => report::backtest_markdown(&judgement).into_bytes(),
        BacktestFormat::Terminal => {
            let (width, colour) = output::terminal();
            report::backtest_terminal(&judgement, width, colour).into_bytes()
        }
    };
    output::deliver(&content, None)
}
