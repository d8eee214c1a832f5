//! What rehearsing costs on top of the migration itself, as ratios of one run on a throwaway server.
//!
//! A whole rehearsal is set against a plain client that sends the very same windows (BEGIN, UPDATE, COMMIT), each on a
//! fresh copy of one database, in an order that changes from round to round. Only ratios are printed: absolute times are
//! the machine's. `MIGTIME_BENCH_ROWS` and `MIGTIME_BENCH_ROUNDS` choose size and repeats, `MIGTIME_PG_BIN` the server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use migtime::catalog;
use migtime::error::Result;
use migtime::migration::{self, BatchOptions, Batching, Step, WalkFrom, Window, batches_sql};
use migtime::observation::{Observation, Rehearsal, StepRecord};
use migtime::rehearsal::journal::Journal;
use migtime::rehearsal::observer::{INTERVAL, Lookout, Observer};
use migtime::rehearsal::scenario::Scenario;
use migtime::rehearsal::{Conditions, RehearsalMonitor, rehearse};
use migtime::server::{ConnectionParameters, Sandbox, Staging, ThrowawayOptions, ThrowawayServer};
use postgres::{Client, SimpleQueryMessage};

/// Keeps checkpoints and autovacuum, which come when they like, out of the comparison.
const SETTINGS: [(&str, &str); 2] = [("max_wal_size", "16GB"), ("autovacuum", "off")];
/// Long enough for an observer to look several times, and short enough for the pace to stay.
const BATCHES_IN_A_TURN: usize = 15;
/// An observer's first look takes some milliseconds, the others some tenths of one.
const FIRST_LOOK: Duration = Duration::from_millis(100);
/// A save waits for a hundred times its own duration, and for two seconds at least.
const SHORTEST_PAUSE: f64 = 2.0;

fn main() -> Result<()> {
    // `cargo test --benches` only wants to know that this builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let rows = from_environment("MIGTIME_BENCH_ROWS", 400_000);
    let rounds = from_environment("MIGTIME_BENCH_ROUNDS", 5);
    let settings = SETTINGS.map(|(name, value)| (name.to_string(), value.to_string()));
    let server = ThrowawayServer::start(&ThrowawayOptions {
        pg_bin: std::env::var_os("MIGTIME_PG_BIN").map(PathBuf::from),
        settings: settings.to_vec(),
    })?;
    let mut maintenance = server.parameters("postgres").connect()?;
    maintenance
        .batch_execute("CREATE DATABASE template_of_runs")
        .expect("a new server makes databases");
    let template = server.parameters("template_of_runs");
    let scenario = Scenario::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/simple-backfill"))?;
    scenario.fill(&mut template.connect()?, rows, 1)?;
    let work = Work::read(&template, &scenario)?;

    println!("{rows} rows, {} batches, {rounds} rounds", work.statements.len());
    let mut rounds_measured = Vec::new();
    for round in 0..rounds {
        rounds_measured.push(Round::measure(&template, &work, round as usize)?);
    }
    print(&rounds_measured);
    let share = seconds_a_look(&template)? / INTERVAL.as_secs_f64();
    println!("{:<44} {share:.5}", "an observer's look / time between two");
    Ok(())
}

fn from_environment(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The scenario's backfill, ready to run.
struct Work {
    step: Step,
    /// The statement of each batch of the walk, in order.
    statements: Vec<String>,
    version_num: u32,
}

impl Work {
    fn read(template: &ConnectionParameters, scenario: &Scenario) -> Result<Work> {
        let mut staging = Staging::connect(template)?;
        let text = std::fs::read_to_string(scenario.migration()).expect("the scenario has a migration");
        let parsed = migration::parse(&text, "migration.sql")?;
        let facts = staging.read(|reader| catalog::table(reader, &scenario.table))?;
        let options = BatchOptions {
            batch_size: Some(scenario.batch_size),
            ..BatchOptions::default()
        };
        let tables = BTreeMap::from([("orders".to_string(), facts)]);
        let step = migration::steps(&parsed, &tables, &options)?.pop().expect("a backfill");
        let version_num = staging.read(catalog::server_facts)?.version_num;
        let batching = step.batching.as_ref().expect("a backfill is batched");
        let windows = windows(staging.client(), batching);
        let statements = windows
            .iter()
            .map(|window| batching.template.render(batching, window, version_num))
            .collect();
        Ok(Work {
            step,
            statements,
            version_num,
        })
    }
}

fn windows(client: &mut Client, batching: &Batching) -> Vec<Window> {
    let sql = batches_sql(batching, WalkFrom::Beginning, u64::from(u32::MAX));
    let messages = client.simple_query(&sql).expect("the look-up is understood");
    let window = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => Some(Window {
            start: vec![row.get(1).expect("a first key").to_string()],
            end: vec![row.get(2).expect("a last key").to_string()],
        }),
        _ => None,
    };
    messages.iter().filter_map(window).collect()
}

/// Seconds of one round, each part on a copy of its own.
#[derive(Default)]
struct Round {
    client_loop: f64,
    /// Seconds of each batch of that loop, and of the rehearsal.
    plain_batches: Vec<f64>,
    rehearsed_batches: Vec<f64>,
    rehearsal: f64,
    /// The walk with an observer and without, from two client loops that had it by turns.
    observed: f64,
    unobserved: f64,
    /// Parts of the rehearsal: its batches, looking up their windows, and one save of the whole of it.
    batches: f64,
    lookups: f64,
    save: f64,
}

impl Round {
    fn measure(template: &ConnectionParameters, work: &Work, number: usize) -> Result<Round> {
        let mut round = Round::default();
        let mut parts = [0, 1, 2, 3];
        if number % 2 == 1 {
            parts.swap(0, 1);
            parts.swap(2, 3);
        }
        for part in parts {
            let copy = Sandbox::copy(template)?;
            match part {
                0 => {
                    round.plain_batches = run_plainly(&mut copy.parameters().connect()?, &work.statements);
                    round.client_loop = round.plain_batches.iter().sum();
                }
                1 => round.rehearse(copy.parameters(), work)?,
                loop_number => round.run_observed_by_turns(copy.parameters(), work, loop_number % 2)?,
            }
        }
        Ok(round)
    }

    /// The machine's pace changes more within seconds than an observer costs, so stretches of the same loop are compared;
    /// batches differ too, so that the next loop has the observer in the other stretches.
    fn run_observed_by_turns(&mut self, copy: &ConnectionParameters, work: &Work, observed: usize) -> Result<()> {
        let mut client = copy.connect()?;
        let pid = client
            .query_one("SELECT pg_backend_pid()", &[])
            .expect("the server answers")
            .get(0);
        for (turn, statements) in work.statements.chunks(BATCHES_IN_A_TURN).enumerate() {
            if turn % 2 == observed {
                let observer = Observer::start(copy.connect()?, work.version_num, pid);
                // A rehearsal has one observer for hours: the look that fills its caches is not what it costs.
                std::thread::sleep(FIRST_LOOK);
                self.observed += run_plainly(&mut client, statements).iter().sum::<f64>();
                drop(observer);
            } else {
                self.unobserved += run_plainly(&mut client, statements).iter().sum::<f64>();
            }
        }
        Ok(())
    }

    /// Returns the middle of the batches' ratios, window by window: a burst of other load weighs on few of them.
    fn ratio_of_a_batch(&self) -> f64 {
        let pairs = self.rehearsed_batches.iter().zip(&self.plain_batches);
        median(pairs.map(|(rehearsed, plain)| rehearsed / plain).collect())
    }

    fn rehearse(&mut self, copy: &ConnectionParameters, work: &Work) -> Result<()> {
        let mut clone = Staging::connect(copy)?;
        let mut rehearsal = empty_rehearsal();
        rehearsal.server.version_num = work.version_num;
        let directory = tempfile::tempdir().expect("temporary directory");
        let mut journal = Journal::new(Some(directory.path().join("rehearsal.json")));
        let steps = std::slice::from_ref(&work.step);
        let begin = Instant::now();
        rehearse(
            &mut clone,
            steps,
            0,
            &conditions(),
            &mut rehearsal,
            &mut journal,
            &mut Patient,
        )?;
        self.rehearsal = begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        journal.save(&rehearsal)?;
        self.save = begin.elapsed().as_secs_f64();
        let step = &rehearsal.steps[0];
        assert_eq!(
            step.observations.len(),
            work.statements.len(),
            "both ran the same windows"
        );
        self.rehearsed_batches = step
            .observations
            .iter()
            .map(|observation| observation.seconds)
            .collect();
        self.batches = self.rehearsed_batches.iter().sum();
        self.lookups = step.batching.as_ref().map_or(0.0, |batching| batching.lookup_seconds);
        Ok(())
    }
}

/// Runs the batches as a simple script does, three round trips each, and returns the seconds of each.
fn run_plainly(client: &mut Client, statements: &[String]) -> Vec<f64> {
    let mut run = |statement: &String| {
        let begin = Instant::now();
        for sql in ["BEGIN", statement, "COMMIT"] {
            client.simple_query(sql).expect("the batch runs");
        }
        begin.elapsed().as_secs_f64()
    };
    statements.iter().map(&mut run).collect()
}

fn print(rounds: &[Round]) {
    println!("{:<55} {:>8}   of single rounds", "", "ratio");
    let row = |name: &str, above: &dyn Fn(&Round) -> f64, below: &dyn Fn(&Round) -> f64| {
        let all = |value: &dyn Fn(&Round) -> f64| median(rounds.iter().map(value).collect());
        let ratios: Vec<f64> = rounds.iter().map(|round| above(round) / below(round)).collect();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = ratios.iter().copied().fold(0.0, f64::max);
        println!(
            "{name:<55} {:>8.4}   {least:.4} – {greatest:.4}",
            all(above) / all(below)
        );
    };
    row(
        "whole rehearsal / plain client loop",
        &|round| round.rehearsal,
        &|round| round.client_loop,
    );
    row(
        "one batch of the rehearsal / the same window plainly",
        &Round::ratio_of_a_batch,
        &|_| 1.0,
    );
    row(
        "batches of the rehearsal / plain client loop",
        &|round| round.batches,
        &|round| round.client_loop,
    );
    row(
        "client loop with observer / without",
        &|round| round.observed,
        &|round| round.unobserved,
    );
    row("look-ups / batches", &|round| round.lookups, &|round| round.batches);
    row(
        "planning the walk and all else / batches",
        &|round| round.rehearsal - round.batches - round.lookups,
        &|round| round.batches,
    );
    row(
        "one save of the journal / time between two",
        &|round| round.save,
        &|round| (100.0 * round.save).max(SHORTEST_PAUSE),
    );
}

/// Returns the mean time of a look of the observer at a quiet server, in seconds: nothing that runs can hide in it.
fn seconds_a_look(parameters: &ConnectionParameters) -> Result<f64> {
    const LOOKS: u32 = 1000;
    let version_num = Staging::connect(parameters)?.read(catalog::server_facts)?.version_num;
    let mut lookout = Lookout::new(parameters.connect()?, version_num, 1).expect("a new server answers");
    let begin = Instant::now();
    for _ in 0..LOOKS {
        lookout.look().expect("a new server answers");
    }
    Ok(begin.elapsed().as_secs_f64() / f64::from(LOOKS))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => 0.5 * (values[middle - 1] + values[middle]),
        _ => values[middle],
    }
}

/// Lets a rehearsal run to its end.
struct Patient;

impl RehearsalMonitor for Patient {
    fn step_begins(&mut self, _step: &StepRecord) {}

    fn batch_done(&mut self, _step: &StepRecord, _observations: &[Observation], _planned_batches: f64) {}

    fn is_enough(&mut self, _so_far: &Rehearsal, _step: &StepRecord, _checkpoints: u64) -> bool {
        false
    }

    fn is_interrupted(&self) -> bool {
        false
    }
}

fn conditions() -> Conditions {
    Conditions {
        full: true,
        ..Conditions::default()
    }
}

fn empty_rehearsal() -> Rehearsal {
    Rehearsal {
        migration: "migration.sql".to_string(),
        throwaway: true,
        ..Rehearsal::default()
    }
}
