//! What a rehearsal costs in addition to the migration itself, as ratios within one run on a throwaway server.
//!
//! A whole rehearsal and a plain client that sends exactly the same windows (BEGIN, UPDATE, COMMIT) take turns, each on
//! a fresh copy of the same database: a few batches of the one, then as many of the other, with alternating order
//! (A B B A). Other load changes the machine's speed within seconds; this way it affects both alike, and each batch is
//! compared with the same window a tenth of a second apart. The rehearsal's time outside its batches is added without
//! such a comparison. Only ratios are printed, because absolute times depend on the machine. `MIGTIME_BENCH_ROWS` and
//! `MIGTIME_BENCH_ROUNDS` set the size and the number of repeats (2,000,000 rows, once: the demo's), `MIGTIME_PG_BIN`
//! the server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use migtime::error::Result;
use migtime::migration::{self, BIG_TABLE_ROWS, BatchOptions, Batching, Step, WalkRange, Window, batches_sql};
use migtime::observation::{FORMAT_VERSION, Observation, Rehearsal, StepRecord};
use migtime::rehearsal::observer::{INTERVAL, Lookout};
use migtime::rehearsal::resume::{self, Beginning, RehearsalPlace, ResumeLog};
use migtime::rehearsal::saving::journal::Journal;
use migtime::rehearsal::scenario::Scenario;
use migtime::rehearsal::{Conditions, RehearsalMonitor, Workplace, rehearse};
use migtime::sampler;
use migtime::server::{ConnectionParameters, DatabaseIdentity, Sandbox, Staging, ThrowawayOptions, ThrowawayServer};
use postgres::{Client, SimpleQueryMessage};

/// Keeps checkpoints and autovacuum, which start at random times, out of the comparison.
const SETTINGS: [(&str, &str); 2] = [("max_wal_size", "16GB"), ("autovacuum", "off")];
/// Batches of one turn. A turn is short compared with the changes of other load. A look-up of windows begins together
/// with a turn (the server has them ready some batches later), so that it slows down the rehearsal and not the plain
/// client.
const BATCHES_IN_A_TURN: usize = 5;
/// Saving waits for a hundred times its own duration, and at least two seconds.
const SHORTEST_PAUSE: f64 = 2.0;

fn main() -> Result<()> {
    // `cargo test --benches` only checks that this compiles.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let rows = from_environment("MIGTIME_BENCH_ROWS", 2_000_000);
    let rounds = from_environment("MIGTIME_BENCH_ROUNDS", 1);
    let settings = SETTINGS.map(|(name, value)| (name.to_string(), value.to_string()));
    let server = ThrowawayServer::start(&ThrowawayOptions {
        pg_bin: std::env::var_os("MIGTIME_PG_BIN").map(PathBuf::from),
        settings: settings.to_vec(),
        kept: None,
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
    let mut measured = Vec::new();
    for _ in 0..rounds {
        measured.push(Duel::fight(&template, &work)?);
    }
    print(&measured);
    let share = seconds_a_look(&template)? / INTERVAL.as_secs_f64();
    println!("{:<66} {share:.5}", "an observer's look / time between two");
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
        let facts = staging.read(|reader| sampler::table(reader, &scenario.table))?;
        let options = BatchOptions {
            batch_size: Some(scenario.batch_size),
            big_table_rows: Some(BIG_TABLE_ROWS),
            ..BatchOptions::default()
        };
        let tables = BTreeMap::from([("orders".to_string(), facts)]);
        let step = migration::steps(&parsed, &tables, &options)?.pop().expect("a backfill");
        let version_num = staging.read(sampler::server_facts)?.version_num;
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
    let sql = batches_sql(batching, WalkRange::ALL, u64::from(u32::MAX));
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

/// A rehearsal and a plain client loop that take turns; all times are in seconds.
struct Duel<'a> {
    statements: &'a [String],
    rival: Client,
    began: Instant,
    /// When the rehearsal's first batch began, and when its current turn began.
    first_batch: Option<Instant>,
    resumed: Instant,
    /// Seconds of each batch of the plain loop, in the order of the walk.
    plain: Vec<f64>,
    /// The rehearsal's time since its first batch, without the turns of the plain client.
    walking: f64,
    /// Seconds of each batch of the rehearsal.
    rehearsed: Vec<f64>,
    /// The rehearsal's time before its first batch and after its last.
    around: f64,
    lookups: f64,
    save: f64,
}

impl Duel<'_> {
    fn fight<'a>(template: &ConnectionParameters, work: &'a Work) -> Result<Duel<'a>> {
        let (own, other) = (Sandbox::copy(template)?, Sandbox::copy(template)?);
        let mut clone = Staging::connect(own.parameters())?;
        let mut duel = Duel {
            statements: &work.statements,
            rival: other.parameters().connect()?,
            began: Instant::now(),
            first_batch: None,
            resumed: Instant::now(),
            plain: Vec::new(),
            walking: 0.0,
            rehearsed: Vec::new(),
            around: 0.0,
            lookups: 0.0,
            save: 0.0,
        };
        let mut rehearsal = empty_rehearsal();
        rehearsal.server.version_num = work.version_num;
        let directory = tempfile::tempdir().expect("temporary directory");
        let mut journal = Journal::new(Some(directory.path().join("rehearsal.json")));
        let steps = std::slice::from_ref(&work.step);
        journal.keep_log(begin_log(directory.path(), &mut clone, steps)?);
        duel.began = Instant::now();
        let workplace = Workplace {
            clone: &mut clone,
            conditions: &conditions(),
            rehearsal: &mut rehearsal,
            journal: &mut journal,
            monitor: &mut duel,
        };
        rehearse(workplace, steps, 0)?;
        duel.around += duel.resumed.elapsed().as_secs_f64();
        let begin = Instant::now();
        journal.begin(&rehearsal)?;
        duel.save = begin.elapsed().as_secs_f64();
        let step = &rehearsal.steps[0];
        duel.rehearsed = step.observations.iter().map(|batch| batch.seconds).collect();
        assert_eq!(duel.rehearsed.len(), duel.plain.len(), "both ran the same windows");
        duel.lookups = step.batching.as_ref().map_or(0.0, |batching| batching.lookup_seconds);
        Ok(duel)
    }

    /// Runs the windows of one turn with the plain client, with three round trips each, like a simple script.
    fn run_plainly(&mut self, turn: usize) {
        let statements = self.statements;
        for statement in statements.chunks(BATCHES_IN_A_TURN).nth(turn).unwrap_or_default() {
            let begin = Instant::now();
            for sql in ["BEGIN", statement, "COMMIT"] {
                self.rival.simple_query(sql).expect("the batch runs");
            }
            self.plain.push(begin.elapsed().as_secs_f64());
        }
    }

    /// Returns the time of each batch as a multiple of the time of the same window in the plain loop.
    fn ratios(&self) -> impl Iterator<Item = f64> {
        let pairs = self.rehearsed.iter().zip(&self.plain);
        pairs.map(|(rehearsed, plain)| rehearsed / plain)
    }
}

impl RehearsalMonitor for Duel<'_> {
    fn batch_done(&mut self, _step: &StepRecord, observations: &[Observation], _planned_batches: f64) {
        let (now, done) = (Instant::now(), observations.len());
        if self.first_batch.is_none() {
            let first_batch = now - Duration::from_secs_f64(observations[0].elapsed);
            self.around += first_batch.duration_since(self.began).as_secs_f64();
            (self.first_batch, self.resumed) = (Some(first_batch), first_batch);
        }
        if done % BATCHES_IN_A_TURN != 0 && done != self.statements.len() {
            return;
        }
        self.walking += now.duration_since(self.resumed).as_secs_f64();
        let turn = (done - 1) / BATCHES_IN_A_TURN;
        if turn.is_multiple_of(2) {
            self.run_plainly(turn);
            self.run_plainly(turn + 1);
        }
        self.resumed = Instant::now();
    }
}

fn print(duels: &[Duel]) {
    let sum = |of: &dyn Fn(&Duel) -> f64| duels.iter().map(of).sum::<f64>();
    let plain = sum(&|duel| duel.plain.iter().sum());
    let batches = sum(&|duel| duel.rehearsed.iter().sum());
    let between = sum(&|duel| duel.walking) - batches;
    let around = sum(&|duel| duel.around);
    let (ratio, least, greatest) = median_with_interval(duels.iter().flat_map(Duel::ratios).collect());
    let outside = (between + around) / plain;
    let row = |name: &str, value: f64| println!("{name:<66} {value:>8.4}");
    let row_with_interval = |name: &str, value: f64, (least, greatest): (f64, f64)| {
        println!("{name:<66} {value:>8.4}   {least:.4} – {greatest:.4}");
    };
    println!("{:<66} {:>8}   95 % confidence", "", "ratio");
    row_with_interval(
        "whole rehearsal / plain client loop (batches and all around them)",
        ratio + outside,
        (least + outside, greatest + outside),
    );
    row_with_interval(
        "one batch of the rehearsal / the same window plainly (median)",
        ratio,
        (least, greatest),
    );
    row(
        "between its batches: waits for windows, saves, log / plain client loop",
        between / plain,
    );
    row(
        "before and after them: planning, saves / plain client loop",
        around / plain,
    );
    row(
        "the same as sums, which bursts of other load move: whole / plain",
        (batches + between + around) / plain,
    );
    row(
        "look-ups, in a second session / batches",
        sum(&|duel| duel.lookups) / batches,
    );
    let save = sum(&|duel| duel.save) / duels.len() as f64;
    row(
        "one save of the journal / time between two",
        save / (100.0 * save).max(SHORTEST_PAUSE),
    );
}

/// Returns the median and its 95 % confidence interval by order statistics: ranks n/2 ∓ 0.98 √n (binomial, normal
/// approximation).
fn median_with_interval(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let (middle, reach) = (0.5 * values.len() as f64, 0.98 * (values.len() as f64).sqrt());
    let at = |rank: f64| values[(rank.max(0.0) as usize).min(values.len() - 1)];
    (at(middle), at((middle - reach).floor()), at((middle + reach).ceil()))
}

/// Returns the mean time of one query of the observer on an idle server, in seconds, so that no other work overlaps
/// with it.
fn seconds_a_look(parameters: &ConnectionParameters) -> Result<f64> {
    const LOOKS: u32 = 1000;
    let version_num = Staging::connect(parameters)?.read(sampler::server_facts)?.version_num;
    let mut lookout = Lookout::new(parameters.connect()?, version_num, 1).expect("a new server answers");
    let begin = Instant::now();
    for _ in 0..LOOKS {
        lookout.look().expect("a new server answers");
    }
    Ok(begin.elapsed().as_secs_f64() / f64::from(LOOKS))
}

/// Begins the log from which a rehearsal can be resumed, as the command does.
fn begin_log(directory: &Path, clone: &mut Staging, steps: &[Step]) -> Result<ResumeLog> {
    let beginning = Beginning {
        format_version: FORMAT_VERSION,
        place: RehearsalPlace {
            database: DatabaseIdentity::of(clone)?,
            is_copy: true,
        },
        tables: BTreeMap::new(),
        batching: BatchOptions::default(),
        conditions: conditions(),
        rehearsal: Rehearsal {
            steps: steps.iter().map(StepRecord::new).collect(),
            ..empty_rehearsal()
        },
    };
    let log = ResumeLog::begin(&directory.join(resume::FILE), beginning, |said| eprintln!("{said}"));
    assert!(log.is_on(), "the log can be written");
    Ok(log)
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
