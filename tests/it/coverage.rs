//! 95 % intervals contain the true value 95 % of the time, on simulated tables whose true duration is known.

use migtime::error::ErrorKind;
use migtime::model::estimate::Estimate;
use migtime::model::{EstimateOptions, estimate};
use migtime::rehearsal::batches::backfill::Backfill;
use migtime::rehearsal::batches::segments::{Amount, ReplayDesign};
use migtime::rehearsal::batches::simulated::{SCENARIOS, SimulatedDatabase, SimulatedScenario};
use migtime::stats::distribution::two_sided_factor;
use migtime::stats::interval::Interval;

use crate::predictions::{LEVELS, Outcome, coverage, half_width, mean_score, outcome, print_row};
use crate::simulated_replay::{estimated, rehearsal, replayed};

/// Number of batches of a walk, and how many of them are replayed (10 %).
const BATCHES: usize = 4000;
const BUDGET: u64 = 400;
/// Number of series of each of the six classes.
const SERIES: u64 = 100;

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
    assert!(half_width(kriged) < 0.31, "half width {}", half_width(kriged));
    assert!(mean_score(kriged) < 0.75, "score {}", mean_score(kriged));
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
