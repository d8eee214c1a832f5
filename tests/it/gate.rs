//! How often `compare` gives a false alarm, and what it detects, on real runs of the same work in
//! `reports/aa/runs.csv`.
//!
//! 120 whole runs of five short scenarios, 24 each, in random order on one machine that was busy with other work. Every
//! regression that `compare` reports between two groups of them is a false alarm. The groups are drawn at random; 2,000
//! draws from 120 runs are not 2,000 independent comparisons. That the exact test keeps its level under random draws is
//! a theorem. This test shows that `compare` as a whole does, and how tests whose unit is the batch perform on the same
//! runs. `cargo test --test it gate:: -- --nocapture` prints the figures of docs/accuracy.md.

use std::collections::BTreeMap;
use std::path::Path;

use migtime::migration::StepKind;
use migtime::model::batch_log;
use migtime::model::compare::{
    ALPHA, ChangeVerdict, CompareOptions, DEFAULT_MARGIN, Judgement, NamedRehearsal, compare,
};
use migtime::observation::{Benchmark, Rehearsal, RunRecord};
use migtime::stats::interval::wilson_interval;
use migtime::stats::random::{generator, uniform};
use migtime::stats::rank_sum::{rank_sum_p_value, welch_p_value};

/// Number of comparisons.
const DRAWS: usize = 2_000;
/// Number of runs of BASE and of NEW in each comparison.
const SIZES: (usize, usize) = (5, 3);

/// One real run.
struct Run {
    started_at: String,
    seconds: f64,
    batch_seconds: Vec<f64>,
}

/// Returns the runs of each scenario, in the order of execution.
fn real_runs() -> BTreeMap<String, Vec<Run>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/aa/runs.csv");
    let text = std::fs::read_to_string(file).expect("the runs are committed");
    let mut runs: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let run = Run {
            started_at: cells[2].to_string(),
            seconds: number(cells[3]),
            batch_seconds: cells[4].split(' ').map(|text| number(text) / 1e3).collect(),
        };
        runs.entry(cells[0].to_string()).or_default().push(run);
    }
    runs
}

/// Returns the file that a benchmark of `runs` would have saved, with every run slower by `factor`.
fn bench(runs: &[&Run], factor: f64) -> NamedRehearsal {
    let mut rehearsal: Rehearsal = batch_log::read("rows,seconds\n100,1\n", "runs.csv", 100.0).expect("a batch log");
    let step = &mut rehearsal.steps[0];
    (step.kind, step.batching) = (StepKind::Dml, None);
    let one = step.observations[0].clone();
    let observations = runs.iter().enumerate().map(|(number, run)| {
        let mut observation = one.clone();
        (observation.run, observation.seconds) = (number as u32, factor * run.seconds);
        observation
    });
    step.observations = observations.collect();
    let records = runs.iter().enumerate().map(|(number, run)| RunRecord {
        number: number as u32,
        started_at: run.started_at.clone(),
    });
    rehearsal.benchmark = Some(Benchmark {
        runs: records.collect(),
        ..Benchmark::default()
    });
    NamedRehearsal {
        name: "run".to_string(),
        rehearsal,
    }
}

fn judged(base: &[&Run], new: &[&Run], factor: f64) -> Judgement {
    let comparison = compare(&[bench(base, 1.0)], &[bench(new, factor)], &CompareOptions::default());
    comparison.expect("one of each").judgements.remove(0)
}

/// Draws disjoint groups of one scenario's runs, in random order.
fn draws(runs: &BTreeMap<String, Vec<Run>>) -> Vec<(Vec<&Run>, Vec<&Run>)> {
    let mut generator = generator(1);
    let scenarios: Vec<&Vec<Run>> = runs.values().collect();
    (0..DRAWS)
        .map(|draw| {
            let mut left: Vec<&Run> = scenarios[draw % scenarios.len()].iter().collect();
            let mut take = |count: usize| -> Vec<&Run> {
                (0..count)
                    .map(|_| left.swap_remove((uniform(&mut generator) * left.len() as f64) as usize))
                    .collect()
            };
            (take(SIZES.0), take(SIZES.1))
        })
        .collect()
}

fn batches(runs: &[&Run]) -> Vec<f64> {
    runs.iter().flat_map(|run| run.batch_seconds.iter().copied()).collect()
}

/// Prints a share with its Wilson interval; returns it with the interval's upper end.
fn told(what: &str, hits: usize, trials: usize) -> (f64, f64) {
    let interval = wilson_interval(hits as u64, trials as u64, 0.95);
    let share = hits as f64 / trials as f64;
    println!(
        "{what}: {hits} of {trials}, {:.1} % ({:.1} to {:.1} %)",
        100.0 * share,
        100.0 * interval.lower_bound,
        100.0 * interval.upper_bound
    );
    (share, interval.upper_bound)
}

#[test]
fn there_are_enough_real_runs() {
    let runs = real_runs();
    let count: usize = runs.values().map(Vec::len).sum();
    assert!(
        runs.len() >= 3 && count >= 60,
        "{count} runs of {} scenarios",
        runs.len()
    );
    for (scenario, runs) in &runs {
        let mut starts: Vec<&String> = runs.iter().map(|run| &run.started_at).collect();
        assert!(starts.is_sorted(), "{scenario}");
        starts.dedup();
        assert_eq!(starts.len(), runs.len(), "{scenario}: no run is there twice");
        let spread: Vec<f64> = runs.iter().map(|run| run.seconds.ln()).collect();
        let mean = spread.iter().sum::<f64>() / spread.len() as f64;
        let variance = spread.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (spread.len() - 1) as f64;
        println!(
            "{scenario}: {} runs, mean {:.1} s, standard deviation {:.0} %, {} batches each",
            runs.len(),
            mean.exp(),
            100.0 * variance.sqrt(),
            runs[0].batch_seconds.len()
        );
    }
}

#[test]
fn false_alarms_are_at_most_one_in_twenty_where_batches_give_one_in_three() {
    let runs = real_runs();
    let (mut alarms, mut ranks, mut welch, mut held) = (0, 0, 0, 0);
    for (base, new) in draws(&runs) {
        let judgement = judged(&base, &new, 1.0);
        alarms += usize::from(judgement.verdict == ChangeVerdict::Regression);
        let ratio = judgement.ratio.expect("a ratio");
        held += usize::from(ratio.lower <= 1.0 && 1.0 <= ratio.upper);
        let (base, new) = (batches(&base), batches(&new));
        ranks += usize::from(rank_sum_p_value(&base, &new) <= ALPHA);
        welch += usize::from(welch_p_value(&base, &new) <= ALPHA);
    }
    let (_, upper) = told("compare, 5 runs against 3", alarms, DRAWS);
    let (naive, _) = told("rank-sum test on their batches", ranks, DRAWS);
    told("Welch's t on their batches", welch, DRAWS);
    let (coverage, _) = told("95 % interval of the effect holds 0", held, DRAWS);
    assert!(alarms > 0, "a test that never calls anything is not this one");
    assert!(upper <= ALPHA, "up to {upper} of false alarms");
    assert!(naive > 4.0 * ALPHA, "the runs would not show why the unit is the run");
    assert!((0.90..=0.99).contains(&coverage), "{coverage}");
}

/// The case of a stored base: the order was not random, and changes of the machine in between affect the result.
#[test]
fn runs_made_one_after_the_other_are_told_apart() {
    let runs = real_runs();
    let size = SIZES.0 + SIZES.1;
    let windows = runs.values().flat_map(|runs| runs.windows(size));
    let (mut alarms, mut count) = (0, 0);
    for window in windows {
        let all: Vec<&Run> = window.iter().collect();
        let (base, new) = all.split_at(SIZES.0);
        let judgement = judged(base, new, 1.0);
        assert!(
            judgement.warnings[0].contains("one after the other"),
            "{:?}",
            judgement.warnings
        );
        alarms += usize::from(judgement.verdict == ChangeVerdict::Regression);
        count += 1;
    }
    told("compare, 5 runs and then 3 (overlapping windows)", alarms, count);
}

#[test]
fn what_is_slower_is_seen_as_often_as_said() {
    let runs = real_runs();
    let drawn = draws(&runs);
    let drawn = &drawn[..1000];
    let seen = |factor_of: &dyn Fn(&[&Run], &[&Run]) -> f64| {
        let called = drawn.iter().filter(|(base, new)| {
            let factor = factor_of(base, new);
            judged(base, new, factor).verdict == ChangeVerdict::Regression
        });
        called.count()
    };
    let mut before = 0.0;
    for factor in [1.1, 1.2, 1.3, 1.5, 2.0, 4.0] {
        let (share, _) = told(
            &format!("slower by {:.0} %", 100.0 * (factor - 1.0)),
            seen(&|_, _| factor),
            1000,
        );
        assert!(share > before, "more is seen no more often");
        before = share;
    }
    // The minimum detectable effect assumes normal logarithms of runs; on a machine with bursts of load, their tails
    // are heavier.
    let unseen = |base: &[&Run], new: &[&Run]| judged(base, new, 1.0).minimum_detectable.expect("stated");
    let (share, _) = told("slower by what is said to be seen with 80 %", seen(&unseen), 1000);
    assert!((0.65..=0.9).contains(&share), "{share}");
    let mut smallest: Vec<f64> = drawn.iter().map(|(base, new)| unseen(base, new)).collect();
    smallest.sort_by(f64::total_cmp);
    println!("median of what is said: {:+.0} %", 100.0 * (smallest[500] - 1.0));
}

/// The same with simulated quiet runs: what `compare` detects when runs vary by 3 %.
#[test]
fn on_a_quiet_machine_ten_per_cent_are_seen() {
    let mut generator = generator(9);
    let mut sample = |count: usize| -> Vec<Run> {
        let draw = |_| Run {
            started_at: String::new(),
            seconds: 10.0 * (0.03 * migtime::stats::random::standard_normal(&mut generator)).exp(),
            batch_seconds: Vec::new(),
        };
        (0..count).map(draw).collect()
    };
    let mut called = |factor: f64| {
        let hits = (0..500).filter(|_| {
            let (base, new) = (sample(5), sample(5));
            let (base, new): (Vec<&Run>, Vec<&Run>) = (base.iter().collect(), new.iter().collect());
            judged(&base, &new, factor).verdict == ChangeVerdict::Regression
        });
        hits.count()
    };
    let margin = 1.0 + DEFAULT_MARGIN;
    let (false_alarms, _) = told("simulated, run to run 3 %, no difference", called(1.0), 500);
    let (at_margin, _) = told("simulated, run to run 3 %, slower by the margin", called(margin), 500);
    let (seen, _) = told("simulated, run to run 3 %, slower by 10 %", called(1.1), 500);
    assert!(
        false_alarms < 0.02 && at_margin < 0.6 && seen > 0.9,
        "{false_alarms} {at_margin} {seen}"
    );
}
