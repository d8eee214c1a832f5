//! `migtime bench`: runs of scenarios in random order, to be compared.

use std::time::{Duration, Instant};

use super::super::arguments::{BenchArguments, OutsideArguments};
use super::super::{output, outside_database};
use super::bench_server::BenchServer;
use super::entry::Entry;
use super::progress::BenchProgress;
use super::selection;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::Outlets;
use crate::rehearsal::DirectoryLock;
use crate::rehearsal::batches::schedule::schedule;
use crate::report::{self, BenchRow};
use crate::server::signals;

/// Runs the command.
pub fn run(arguments: &BenchArguments) -> Result<()> {
    let _claim = DirectoryLock::of(&arguments.output)?;
    let mut entries = selection::entries(arguments)?;
    let done: Vec<u32> = entries.iter().map(Entry::runs_done).collect();
    let order = schedule(&done, arguments.runs, arguments.seed);
    let before: u32 = done.iter().sum();
    if before > 0 {
        output::print_note(&format!("going on after {before} runs of an earlier bench"));
    }
    let ended = if order.is_empty() {
        Ok(Ended::Complete)
    } else {
        run_all(&mut entries, &order, arguments)
    };
    deliver(&entries)?;
    for entry in entries.iter().filter(|entry| entry.runs_done() > 0) {
        output::print_note(&format!("saved {}", entry.file.display()));
    }
    tell_end(ended?, &entries, arguments)
}

/// Why no more runs are made.
enum Ended {
    Complete,
    TimeOver,
    Interrupted,
}

fn run_all(entries: &mut [Entry], order: &[usize], arguments: &BenchArguments) -> Result<Ended> {
    let deadline = arguments
        .minutes
        .map(|minutes| Instant::now() + Duration::from_secs_f64(60.0 * minutes));
    let place = BenchServer::prepare(arguments)?;
    if !place.is_throwaway() {
        let migrations = entries.iter().map(Entry::migration);
        outside_database::refuse(
            place.is_beside_production,
            migrations,
            Outlets::default(),
            &OutsideArguments::default(),
        )?;
    }
    let mut progress = BenchProgress::new(order.len(), "run");
    for (place_in_order, index) in order.iter().enumerate() {
        if signals::interruption().is_asked() {
            return Ok(Ended::Interrupted);
        }
        let expected = Duration::from_secs_f64(entries[*index].expected_seconds());
        if deadline.is_some_and(|deadline| Instant::now() + expected > deadline) {
            return Ok(Ended::TimeOver);
        }
        let left: f64 = order[place_in_order..]
            .iter()
            .map(|index| entries[*index].expected_seconds())
            .sum();
        let entry = &mut entries[*index];
        progress.run_begins(&entry.label, left);
        let outcome = entry.run_once(&place, &mut progress);
        let complete = outcome.map_err(|error| error.in_context(&entry.label))?;
        if !complete {
            return Ok(Ended::Interrupted);
        }
        if !order[place_in_order + 1..].contains(index) {
            entries[*index].drop_template();
        }
        progress.run_done();
    }
    Ok(Ended::Complete)
}

fn deliver(entries: &[Entry]) -> Result<()> {
    let rows: Vec<BenchRow> = entries.iter().filter_map(Entry::row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let (width, colour) = output::terminal();
    output::deliver(report::bench_terminal(&rows, width, colour).as_bytes(), None)
}

fn tell_end(ended: Ended, entries: &[Entry], arguments: &BenchArguments) -> Result<()> {
    let done: u32 = entries.iter().map(Entry::runs_done).sum();
    let so_far = format!(
        "after {done} of {} runs; the same command goes on from there",
        arguments.runs as usize * entries.len()
    );
    match ended {
        Ended::Complete => Ok(()),
        Ended::TimeOver => {
            output::print_note(&format!("the time is over {so_far}"));
            Ok(())
        }
        Ended::Interrupted => Err(Error::new(
            ErrorKind::TooLittleEvidence,
            format!("interrupted {so_far}"),
        )),
    }
}
