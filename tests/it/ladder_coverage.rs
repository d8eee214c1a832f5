//! On simulated statements with a known duration, the ladder's intervals contain it, and naive ones do not.
//!
//! Each statement runs twice on 1/32, 1/16, 1/8 and 1/4 of its table and once, with the noise of another run, on all of
//! it. Its cost per row may jump where a sort no longer fits its memory and, for three in ten statements, where a cache
//! becomes too small. The model knows both sizes to ±25 %, but not whether anything happens there. With `--nocapture`
//! it prints: coverage of the 95 % interval, half width, median and 90th percentile of the error, mean interval score
//! divided by the true duration.

use migtime::model::ladder::{Growth, Ladder, LadderRun};
use migtime::stats::distribution::two_sided_factor;
use migtime::stats::interval::{Interval, interval_score, wilson_interval};
use migtime::stats::random::{between, generator, standard_normal, uniform};
use rand::Rng;

const SERIES: u64 = 1000;
const LEVEL: f64 = 0.95;
const RUNGS: [f64; 4] = [1.0 / 32.0, 1.0 / 16.0, 1.0 / 8.0, 1.0 / 4.0];

/// A statement with a known cost at every size.
struct Statement {
    full_seconds: f64,
    /// Position and height of the sort's cliff; `None` where the memory is scaled with the rung.
    sort: Option<(f64, f64)>,
    cache: (f64, f64),
    noise: f64,
}

impl Statement {
    fn draw(generator: &mut impl Rng, memory_is_scaled: bool) -> Statement {
        let place = |generator: &mut _| between(generator, (1f64 / 64.0).ln(), 2f64.ln()).exp();
        let height = |generator: &mut _| between(generator, 0.1, 0.6).ln_1p();
        let sort = (place(generator), height(generator));
        let has_cache_cliff = uniform(generator) < 0.3;
        Statement {
            full_seconds: between(generator, 600f64.ln(), 7200f64.ln()).exp(),
            sort: (!memory_is_scaled).then_some(sort),
            cache: (place(generator), if has_cache_cliff { height(generator) } else { 0.0 }),
            noise: between(generator, 0.015, 0.06),
        }
    }

    /// Seconds of one run on a fraction of the table: n log n of a table of 10⁸ rows, times the cliffs below that size,
    /// times noise.
    fn run(&self, generator: &mut impl Rng, fraction: f64) -> f64 {
        let rows: f64 = 1e8;
        let sorted = fraction * (rows * fraction).ln() / rows.ln();
        let cliffs = self.sort.into_iter().chain([self.cache]);
        let height: f64 = cliffs
            .filter(|(place, _)| fraction > *place)
            .map(|(_, height)| height)
            .sum();
        let full: f64 = self
            .sort
            .into_iter()
            .chain([self.cache])
            .filter(|(place, _)| 1.0 > *place)
            .map(|(_, height)| height)
            .sum();
        self.full_seconds * sorted * (height - full + self.noise * standard_normal(generator)).exp()
    }

    /// Sizes at which the cost may change, as precisely as the model can know them.
    fn thresholds(&self, generator: &mut impl Rng) -> Vec<f64> {
        let places = self.sort.into_iter().chain([self.cache]).map(|(place, _)| place);
        places
            .map(|place| place * (0.25 * standard_normal(generator)).exp())
            .collect()
    }
}

/// The prediction of one method, and the actual duration.
struct Outcome {
    interval: Interval,
    point: f64,
    actual: f64,
}

struct Figures {
    hits: u64,
    half_width: f64,
    median_error: f64,
    ninetieth_error: f64,
    score: f64,
}

fn figures(name: &str, outcomes: &[Outcome]) -> Figures {
    let sorted = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values
    };
    let errors = sorted(
        outcomes
            .iter()
            .map(|one| (one.point / one.actual - 1.0).abs())
            .collect(),
    );
    let widths = outcomes
        .iter()
        .map(|one| 0.5 * (one.interval.upper_bound - one.interval.lower_bound) / one.point);
    let widths = sorted(widths.collect());
    let inside = |one: &&Outcome| (one.interval.lower_bound..=one.interval.upper_bound).contains(&one.actual);
    let scores = outcomes
        .iter()
        .map(|one| interval_score(one.interval, one.actual, LEVEL) / one.actual);
    let figures = Figures {
        hits: outcomes.iter().filter(inside).count() as u64,
        half_width: widths[widths.len() / 2],
        median_error: errors[errors.len() / 2],
        ninetieth_error: errors[errors.len() * 9 / 10],
        score: scores.sum::<f64>() / outcomes.len() as f64,
    };
    let coverage = wilson_interval(figures.hits, outcomes.len() as u64, 0.95);
    println!(
        "{name:32} covers {:.1} % ({:.1}-{:.1}), half width {:.0} %, error: median {:.1} %, p90 {:.0} %; score {:.2}",
        100.0 * figures.hits as f64 / outcomes.len() as f64,
        100.0 * coverage.lower_bound,
        100.0 * coverage.upper_bound,
        100.0 * figures.half_width,
        100.0 * figures.median_error,
        100.0 * figures.ninetieth_error,
        figures.score
    );
    figures
}

/// Simulates `SERIES` statements; returns the predictions of the ladder and of the naive methods for each.
fn play(memory_is_scaled: bool) -> [Vec<Outcome>; 3] {
    let mut outcomes = [Vec::new(), Vec::new(), Vec::new()];
    for seed in 0..SERIES {
        let mut generator = generator(seed);
        let statement = Statement::draw(&mut generator, memory_is_scaled);
        let mut runs = Vec::new();
        for fraction in RUNGS.into_iter().chain(RUNGS) {
            let seconds = statement.run(&mut generator, fraction);
            runs.push(LadderRun { fraction, seconds });
        }
        let thresholds = statement.thresholds(&mut generator);
        let actual = statement.run(&mut generator, 1.0);
        let ways = [from_ladder(&runs, thresholds), from_top(&runs), from_line(&runs)];
        for (outcomes, (interval, point)) in outcomes.iter_mut().zip(ways) {
            outcomes.push(Outcome {
                interval,
                point,
                actual,
            });
        }
    }
    outcomes
}

fn from_ladder(runs: &[LadderRun], thresholds: Vec<f64>) -> (Interval, f64) {
    let ladder = Ladder {
        runs: runs.to_vec(),
        empty_seconds: 0.0,
        thresholds,
        growth: Growth {
            sd_per_e_fold: 0.04,
            ..Growth::default()
        },
        ..Ladder::default()
    };
    let climbed = ladder.climb().expect("runs");
    (
        climbed.prediction.central_interval(LEVEL),
        climbed.prediction.quantile(0.5),
    )
}

/// The first naive method: the largest rung times the missing factor, with the t interval of its two runs.
fn from_top(runs: &[LadderRun]) -> (Interval, f64) {
    let top: Vec<f64> = runs
        .iter()
        .filter(|run| run.fraction == 0.25)
        .map(|run| (run.seconds / run.fraction).ln())
        .collect();
    let mean = top.iter().sum::<f64>() / 2.0;
    let deviation = top.iter().map(|value| (value - mean).powi(2)).sum::<f64>().sqrt();
    let half_width = two_sided_factor(LEVEL, 1.0) * deviation * 1.5f64.sqrt();
    (exponential(mean, half_width), mean.exp())
}

/// The second naive method: a straight line through the logarithms of all rungs, with its prediction interval.
fn from_line(runs: &[LadderRun]) -> (Interval, f64) {
    let points: Vec<(f64, f64)> = runs.iter().map(|run| (run.fraction.ln(), run.seconds.ln())).collect();
    let n = points.len() as f64;
    let (x, y) = points
        .iter()
        .fold((0.0, 0.0), |(x, y), point| (x + point.0 / n, y + point.1 / n));
    let sxx: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let slope = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / sxx;
    let residual: f64 = points
        .iter()
        .map(|point| (point.1 - y - slope * (point.0 - x)).powi(2))
        .sum();
    let mean = y - slope * x;
    let deviation = (residual / (n - 2.0) * (1.0 + 1.0 / n + x * x / sxx)).sqrt();
    (
        exponential(mean, two_sided_factor(LEVEL, n - 2.0) * deviation),
        mean.exp(),
    )
}

fn exponential(mean: f64, half_width: f64) -> Interval {
    Interval {
        lower_bound: (mean - half_width).exp(),
        upper_bound: (mean + half_width).exp(),
    }
}

/// Smallest number of hits in 1000 that a true coverage of 93 % gives with probability 0.999:
/// scipy.stats.binom.ppf(0.001, 1000, 0.93).
const FEWEST_HITS: u64 = 904;

#[test]
fn the_ladder_holds_the_truth_with_memory_scaled() {
    let [ladder, top, line] = play(true);
    let (ladder, top, line) = (
        figures("scaled memory: ladder", &ladder),
        figures("scaled memory: proportional, t", &top),
        figures("scaled memory: log-log line", &line),
    );
    assert!(ladder.hits >= FEWEST_HITS, "{}", ladder.hits);
    assert!(ladder.median_error < 0.08 && ladder.ninetieth_error < 0.20 && ladder.half_width < 0.35);
    assert!(2.0 * ladder.score < top.score && ladder.score < line.score);
    assert!(line.hits < ladder.hits);
}

#[test]
fn the_ladder_holds_the_truth_with_memory_as_it_is() {
    let [ladder, top, line] = play(false);
    let (ladder, top, line) = (
        figures("fixed memory: ladder", &ladder),
        figures("fixed memory: proportional, t", &top),
        figures("fixed memory: log-log line", &line),
    );
    assert!(ladder.hits >= FEWEST_HITS, "{}", ladder.hits);
    assert!(2.0 * ladder.score < top.score && 2.0 * ladder.score < line.score);
    assert!(line.hits < ladder.hits);
}

/// If all assumptions of the model hold, the interval is exactly as wide as it should be.
#[test]
fn a_single_run_says_what_is_known_of_runs() {
    let ladder = Ladder {
        runs: vec![LadderRun {
            fraction: 1.0,
            seconds: 1e5,
        }],
        ..Ladder::default()
    };
    let interval = ladder.climb().expect("a run").prediction.central_interval(LEVEL);
    let half_width = 0.5 * (interval.upper_bound / interval.lower_bound).ln();
    // As in src/model/run_deviation.rs, without any history.
    assert!((half_width / 0.188901 - 1.0).abs() < 2e-3, "{half_width}");
}
