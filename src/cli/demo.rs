//! `migtime demo`: the whole workflow on a throwaway server, with the true duration next to the prediction.

use super::arguments::{BatchArguments, DemoArguments, EstimateFlags as Options, Format, HistoryFlags};
use super::demo_clone::{self, SmallerClone};
use super::job::{Job, ProductionFacts, REHEARSAL_FILE, Resumable, is_interrupted, tell_saved};
use super::migration_file::MigrationFile;
use super::output;
use super::progress::Progress;
use super::results::Results;
use super::staging_area::StagingArea;
use crate::error::{Error, ErrorKind, Result};
use crate::model;
use crate::observation::Rehearsal;
use crate::rehearsal::saving::journal::Journal;
use crate::rehearsal::scenario::Scenario;
use crate::rehearsal::{Conditions, DirectoryLock};
use crate::report;
use crate::units::Count;

/// With these settings, the demo's minute has as many checkpoints as an hour with the usual ones.
const SETTINGS: [(&str, &str); 2] = [("max_wal_size", "64MB"), ("min_wal_size", "48MB")];

/// Time limit of the demo's rehearsal, short enough that most scenarios are not replayed whole.
const REHEARSAL_SECONDS: f64 = 15.0;

/// Runs the command.
pub fn run(arguments: &DemoArguments) -> Result<()> {
    let scenario = Scenario::load(&arguments.scenario)?;
    let migration = MigrationFile::read(&scenario.migration())?;
    let _claim = DirectoryLock::of(&arguments.output)?;
    let staging_area = fill(&scenario, arguments)?;
    let batching = BatchArguments {
        batch_size: Some(scenario.batch_size),
        ..BatchArguments::default()
    };
    let rows = arguments.rows.unwrap_or(scenario.rows);
    let clone = demo_clone::is_needed(&scenario)
        .then(|| SmallerClone::fill(&staging_area, &scenario, &migration, rows, arguments.seed))
        .transpose()?;
    let production = clone.as_ref().map(|clone| clone.whole.clone()).unwrap_or_default();
    let run = |full, staging_area: &StagingArea, name| {
        let job = Job {
            migration: &migration,
            rollback: None,
            batching: &batching,
            conditions: conditions(arguments.seed, full),
            precision: None,
            runs: 1,
            throwaway: true,
            production: ProductionFacts::of_tables(if full { Vec::new() } else { production.clone() }),
            resumable: Resumable::default(),
        };
        let file = arguments.output.join(name);
        let mut journal = Journal::new(Some(file.clone())).telling(output::print_note);
        job.run(staging_area, &mut journal)
            .and_then(|rehearsal| journal.is_saved().map(|()| rehearsal))
            .inspect_err(|_| tell_saved(&journal, &file))
    };
    let rehearsal = match &clone {
        None => {
            output::print_note("rehearsing as much of it as fits into 15 s, on a copy");
            run(false, &staging_area, REHEARSAL_FILE)?
        }
        Some(clone) => {
            output::print_note("rehearsing it on the clone, which has a quarter of the rows");
            let mut rehearsal = run(false, &clone.staging_area, REHEARSAL_FILE)?;
            clone.aim(&staging_area, &mut rehearsal)?;
            output::write_measured(&arguments.output.join(REHEARSAL_FILE), rehearsal.to_json().as_bytes())?;
            rehearsal
        }
    };
    let again = || run(true, &staging_area, REHEARSAL_FILE);
    let mut results = enough(rehearsal, arguments.seed, clone.is_none().then_some(&again))?;
    results.publish_safely(Format::Terminal, &arguments.output)?;
    refuse_if_interrupted(&results.rehearsal)?;

    output::print_note("running the whole of it on another copy, to see whether that was true");
    let actual = run(true, &staging_area, "actual.json")?;
    refuse_if_interrupted(&actual)?;
    results.estimate.actual_seconds = Some(model::measured_seconds(&actual));
    results.save(&arguments.output)?;
    let outcome = report::outcome(&results.estimate).unwrap_or_default() + "\n";
    output::deliver(outcome.as_bytes(), None)?;
    output::print_note(&format!("saved {}", arguments.output.join("report.html").display()));
    Ok(())
}

/// Estimates from the rehearsal, or from a whole one by `again` where the machine's pace changed so much meanwhile that
/// a part of it promises nothing.
fn enough(rehearsal: Rehearsal, seed: u64, again: Option<&dyn Fn() -> Result<Rehearsal>>) -> Result<Results> {
    let was_interrupted = is_interrupted(&rehearsal);
    match (Results::new(rehearsal, &options(seed), &[]), again) {
        (Err(error), Some(again)) if error.kind() == ErrorKind::TooLittleEvidence && !was_interrupted => {
            output::print_note(&format!("{error}: rehearsing all of it, on another copy"));
            Results::new(again()?, &options(seed), &[])
        }
        (results, _) => results,
    }
}

/// Starts the server, fills it, and prints what its catalog says.
fn fill(scenario: &Scenario, arguments: &DemoArguments) -> Result<StagingArea> {
    let rows = arguments.rows.unwrap_or(scenario.rows);
    let staging_area = StagingArea::empty(arguments.pg_bin.clone(), &SETTINGS)?;
    let progress = Progress::spinner(format!("filling {} with {} rows", scenario.table, Count(rows as f64)));
    staging_area.fill(|client| scenario.fill(client, rows, arguments.seed))?;
    progress.finish();
    output::print_note(&format!("{}: {}", scenario.name(), scenario.title));
    Ok(staging_area)
}

fn conditions(seed: u64, full: bool) -> Conditions {
    Conditions {
        seed,
        full,
        max_seconds: if full { f64::INFINITY } else { REHEARSAL_SECONDS },
        ..Conditions::default()
    }
}

fn options(seed: u64) -> Options {
    Options {
        window: None,
        budget: None,
        deny: Vec::new(),
        free_disk: None,
        growth: None,
        on: None,
        probes: Vec::new(),
        level: 0.95,
        seed,
        provisional: false,
        history: HistoryFlags::default(),
    }
}

fn refuse_if_interrupted(rehearsal: &Rehearsal) -> Result<()> {
    if is_interrupted(rehearsal) {
        Err(Error::new(
            ErrorKind::TooLittleEvidence,
            "interrupted before the whole of it had run: there is nothing to compare the prediction with",
        ))
    } else {
        Ok(())
    }
}
