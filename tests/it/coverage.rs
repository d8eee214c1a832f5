//! 95 % intervals contain the true value 95 % of the time, on simulated tables whose true duration is known.

use migtime::catalog::facts::{IndexFacts, RowsSource, ServerFacts, TableFacts, TableKind};
use migtime::error::ErrorKind;
use migtime::migration::{RecognisedBy, StepKind, Walk};
use migtime::model::estimate::{Estimate, interval_at};
use migtime::model::stopping::{Precision, judge};
use migtime::model::{EstimateOptions, estimate};
use migtime::observation::{BatchingRecord, Event, EventKind, Observation, Rehearsal, StepRecord};
use migtime::rehearsal::batches::backfill::Backfill;
use migtime::rehearsal::batches::replay::{ReplayLimits, ReplayPlan, Scribe, replay};
use migtime::rehearsal::batches::segments::{Amount, ReplayDesign};
use migtime::rehearsal::batches::simulated::{SCENARIOS, SimulatedDatabase, SimulatedScenario};
use migtime::server::Interruption;
use migtime::stats::distribution::two_sided_factor;
use migtime::stats::interval::{Interval, interval_score, wilson_interval};

/// Number of batches of a walk, and how many of them are replayed (10 %).
const BATCHES: usize = 4000;
const BUDGET: u64 = 400;
/// Number of series of each of the six classes.
const SERIES: u64 = 100;
/// Levels at which the intervals are tested.
const LEVELS: [f64; 3] = [0.5, 0.8, 0.95];

/// The prediction of one method for one series, and the actual duration.
#[derive(Clone, Copy)]
struct Outcome {
    intervals: [Interval; 3],
    point: f64,
    actual: f64,
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let (kriged, naive): (Vec<_>, Vec<_>) = each_series(|scenario, seed| {
        let database = SimulatedDatabase::new(scenario, BATCHES, seed);
        let actual = database.full_run_seconds(seed + 1_000_000);
        (
            from_segments(database.clone(), seed, actual),
            from_prefix(database, actual),
        )
    })
    .into_iter()
    .unzip();
    let per_class = SERIES as usize;
    for (number, scenario) in SCENARIOS.iter().enumerate() {
        let class = number * per_class..(number + 1) * per_class;
        print_row(&format!("{scenario:?}, segments"), &kriged[class.clone()]);
        print_row(&format!("{scenario:?}, naive"), &naive[class]);
    }
    let (kriged, waves) = kriged.split_at(5 * per_class);
    let naive = &naive[..5 * per_class];
    print_row("first five, segments", kriged);
    print_row("first five, naive", naive);
    let covered = coverage(kriged, 2);
    assert!(
        (0.91..=0.98).contains(&covered),
        "95 % intervals held the truth in {covered} of the series"
    );
    assert!(
        (0.74..=0.90).contains(&coverage(kriged, 1)),
        "80 %: {}",
        coverage(kriged, 1)
    );
    let waves_covered = coverage(waves, 2);
    assert!(waves_covered >= 0.91, "with split waves {waves_covered} were covered");
    let naive_covered = coverage(naive, 2);
    assert!(
        naive_covered < 0.60,
        "the naive interval held the truth in {naive_covered} of the series"
    );
    assert!(mean_score(naive) > 3.0 * mean_score(kriged));
}

#[test]
fn stopping_early_keeps_the_promise() {
    let precision = 0.30;
    let outcomes = each_series(|scenario, seed| {
        let mut database = SimulatedDatabase::new(scenario, BATCHES, seed + 500_000);
        let actual = database.full_run_seconds(seed + 2_000_000);
        let design = ReplayDesign::new(Amount::Batches(1000), BATCHES as f64, seed);
        let step = replayed(&mut database, &design, Some(precision));
        let replayed = step.observations.len() as f64 / BATCHES as f64;
        (outcome(&estimated(step, &database), actual), replayed)
    });
    let replayed = outcomes.iter().map(|(_, replayed)| replayed).sum::<f64>() / outcomes.len() as f64;
    let outcomes: Vec<Outcome> = outcomes.into_iter().map(|(outcome, _)| outcome).collect();
    print_row(
        &format!("stopped at ±30 %, {:.1} % replayed", 100.0 * replayed),
        &outcomes,
    );
    let covered = coverage(&outcomes, 2);
    assert!((0.91..=0.98).contains(&covered), "at the stop {covered} were covered");
    assert!(replayed < 0.20, "{replayed} of the batches were replayed");
}

#[test]
fn too_little_evidence_is_refused_and_shown_only_when_asked_for() {
    let mut database = SimulatedDatabase::new(SimulatedScenario::Stationary, BATCHES, 1);
    let design = ReplayDesign::new(Amount::Batches(75), BATCHES as f64, 1);
    let step = replayed(&mut database, &design, None);
    let rehearsal = rehearsal(step, &database);
    let error = estimate(&rehearsal, &[], &EstimateOptions::default()).expect_err("75 batches are too few");
    assert_eq!(error.kind(), ErrorKind::TooLittleEvidence);
    let options = EstimateOptions {
        provisional: true,
        ..EstimateOptions::default()
    };
    let provisional = estimate(&rehearsal, &[], &options).expect("shown when asked for");
    assert!(provisional.provisional);
    assert_eq!(provisional.too_thin.len(), 3, "{:?}", provisional.too_thin);
}

#[test]
fn the_same_rehearsal_and_seed_give_the_same_bytes() {
    let estimated = || from_design(SimulatedDatabase::new(SimulatedScenario::Everything, BATCHES, 8), 8).to_json();
    assert_eq!(estimated(), estimated());
}

/// Runs every class and seed on two threads, and returns the results in order.
fn each_series<T: Send>(one: impl Fn(SimulatedScenario, u64) -> T + Sync) -> Vec<T> {
    let series: Vec<(SimulatedScenario, u64)> = SCENARIOS
        .iter()
        .enumerate()
        .flat_map(|(class, scenario)| (0..SERIES).map(move |seed| (*scenario, class as u64 * 10_000 + seed)))
        .collect();
    let (front, back) = series.split_at(series.len() / 2);
    let run = |part: &[(SimulatedScenario, u64)]| {
        part.iter()
            .map(|(scenario, seed)| one(*scenario, *seed))
            .collect::<Vec<T>>()
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| run(front));
        let second = run(back);
        let mut results = first.join().expect("no series panics");
        results.extend(second);
        results
    })
}

fn from_segments(database: SimulatedDatabase, seed: u64, actual: f64) -> Outcome {
    outcome(&from_design(database, seed), actual)
}

fn from_design(mut database: SimulatedDatabase, seed: u64) -> Estimate {
    let design = ReplayDesign::new(Amount::Batches(BUDGET), BATCHES as f64, seed);
    let step = replayed(&mut database, &design, None);
    estimated(step, &database)
}

/// Provisional estimates count as well, with the intervals that the program would show.
fn estimated(step: StepRecord, database: &SimulatedDatabase) -> Estimate {
    let options = EstimateOptions {
        provisional: true,
        ..EstimateOptions::default()
    };
    estimate(&rehearsal(step, database), &[], &options).expect("an estimate")
}

fn outcome(estimate: &Estimate, actual: f64) -> Outcome {
    let interval = |level| {
        let interval = interval_at(&estimate.total.intervals, level);
        Interval {
            lower_bound: interval.lower_seconds,
            upper_bound: interval.upper_seconds,
        }
    };
    Outcome {
        intervals: LEVELS.map(interval),
        point: estimate.total.point_seconds,
        actual,
    }
}

/// The naive method: the mean cost per unit of the first batches times all units, with an iid t-interval.
fn from_prefix(mut database: SimulatedDatabase, actual: f64) -> Outcome {
    database.seek(0.0, BUDGET).expect("a simulated database does not fail");
    let mut seconds = Vec::new();
    while let Some(batch) = database.run_next().expect("a simulated database does not fail") {
        seconds.push(batch.seconds);
    }
    let count = seconds.len() as f64;
    let sum: f64 = seconds.iter().sum();
    let variance = seconds.iter().map(|second| (second - sum / count).powi(2)).sum::<f64>() / (count - 1.0);
    let factor = database.total_batches() / count;
    let interval = |level| {
        let half_width = two_sided_factor(level, count - 1.0) * (variance * count).sqrt();
        Interval {
            lower_bound: factor * (sum - half_width),
            upper_bound: factor * (sum + half_width),
        }
    };
    Outcome {
        intervals: LEVELS.map(interval),
        point: factor * sum,
        actual,
    }
}

/// Stops a replay at a precision, as the program does.
struct Judge {
    step: StepRecord,
    precision: Option<f64>,
}

impl Scribe for Judge {
    fn batch_done(&mut self, _observations: &[Observation], _planned_batches: f64) {}

    fn is_enough(&mut self, observations: &[Observation], checkpoints: u64) -> bool {
        let Some(precision) = self.precision else { return false };
        self.step.observations = observations.to_vec();
        let verdict = judge(&Rehearsal::default(), &self.step, checkpoints, precision, 0.95);
        matches!(verdict, Precision::PreciseEnough { .. })
    }
}

fn replayed(database: &mut SimulatedDatabase, design: &ReplayDesign, precision: Option<f64>) -> StepRecord {
    let plan = ReplayPlan {
        design,
        limits: ReplayLimits {
            batch_delay: 0.0,
            max_seconds: f64::INFINITY,
        },
        run: 0,
        first_place: 0,
        interruption: Interruption::default(),
    };
    let step = step_record(database);
    let mut judge = Judge {
        step: step.clone(),
        precision,
    };
    let mut observations = Vec::new();
    replay(database, &plan, &mut observations, &mut judge).expect("a simulated database does not fail");
    StepRecord { observations, ..step }
}

fn step_record(database: &SimulatedDatabase) -> StepRecord {
    StepRecord {
        number: 1,
        kind: StepKind::Backfill,
        statement: "UPDATE orders SET customer_id = user_id".to_string(),
        line: 1,
        table: Some("public.orders".to_string()),
        total_rows: Some(database.total_rows()),
        total_rows_relative_sd: 0.0,
        batching: Some(BatchingRecord {
            walk: database.walk(),
            batch_size: 5000,
            total_batches: database.total_batches(),
            batch_delay_seconds: 0.0,
            key: if database.walk() == Walk::Blocks {
                Vec::new()
            } else {
                vec!["id".to_string()]
            },
            recognised_by: RecognisedBy::Placeholders,
            lookup_seconds: 0.0,
            lookup_batches: 0,
        }),
        ..StepRecord::default()
    }
}

fn table(database: &SimulatedDatabase) -> TableFacts {
    TableFacts {
        name: "public.orders".to_string(),
        kind: TableKind::Table,
        reltuples: database.total_rows(),
        relpages: 0,
        heap_bytes: 0,
        block_bytes: 8192,
        toast_bytes: 0,
        index_bytes: 0,
        indexes: vec![IndexFacts {
            name: "orders_key".to_string(),
            method: "btree".to_string(),
            columns: vec!["id".to_string()],
            used_columns: vec!["id".to_string()],
            unique: true,
            primary: true,
            valid: true,
            partial: false,
            bytes: 0,
            reltuples: database.total_rows(),
            correlation: Some(database.index_correlation()),
        }],
        estimated_rows: database.total_rows(),
        rows_relative_sd: 0.0,
        rows_source: RowsSource::Exact,
        dead_rows: 0,
        modified_since_analyze: 0,
        last_analyze: None,
        partitions: 0,
        foreign_partitions: 0,
        key: Vec::new(),
        columns: Vec::new(),
        triggers: Vec::new(),
        foreign_keys: Vec::new(),
        referenced_by: Vec::new(),
    }
}

fn rehearsal(step: StepRecord, database: &SimulatedDatabase) -> Rehearsal {
    let checkpoint = Event {
        run: 0,
        step: 1,
        elapsed: 0.0,
        event: EventKind::CheckpointComplete,
    };
    Rehearsal {
        started_at: "2025-01-01T00:00:00Z".to_string(),
        migration: "migration.sql".to_string(),
        server: ServerFacts {
            version_num: 150_018,
            ..ServerFacts::default()
        },
        tables: vec![table(database)],
        steps: vec![step],
        events: vec![checkpoint; database.checkpoints() as usize],
        ..Rehearsal::default()
    }
}

fn coverage(outcomes: &[Outcome], level: usize) -> f64 {
    let held = |outcome: &&Outcome| {
        let interval = outcome.intervals[level];
        (interval.lower_bound..=interval.upper_bound).contains(&outcome.actual)
    };
    outcomes.iter().filter(held).count() as f64 / outcomes.len() as f64
}

/// Mean interval score at 95 %, relative to the true duration.
fn mean_score(outcomes: &[Outcome]) -> f64 {
    let score = |outcome: &Outcome| interval_score(outcome.intervals[2], outcome.actual, 0.95) / outcome.actual;
    outcomes.iter().map(score).sum::<f64>() / outcomes.len() as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn print_row(name: &str, outcomes: &[Outcome]) {
    let half_widths = outcomes.iter().map(|outcome| {
        let interval = outcome.intervals[2];
        0.5 * (interval.upper_bound - interval.lower_bound) / outcome.point
    });
    let errors = outcomes
        .iter()
        .map(|outcome| (outcome.point / outcome.actual - 1.0).abs());
    let covered = LEVELS.iter().enumerate().map(|(level, _)| coverage(outcomes, level));
    let covered: Vec<String> = covered.map(|share| format!("{:4.0}", 100.0 * share)).collect();
    let hits = (coverage(outcomes, 2) * outcomes.len() as f64).round() as u64;
    let wilson = wilson_interval(hits, outcomes.len() as u64, 0.95);
    println!(
        "{name:38} n {:4}  covers 50/80/95: {} (95 %: {:.1}–{:.1})  ±{:3.0} %  MdAPE {:4.1} %  score {:.2}",
        outcomes.len(),
        covered.join("/"),
        100.0 * wilson.lower_bound,
        100.0 * wilson.upper_bound,
        100.0 * median(half_widths.collect()),
        100.0 * median(errors.collect()),
        mean_score(outcomes)
    );
}
