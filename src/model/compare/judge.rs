//! Samples → verdicts: more than chance, and large enough to matter.

use super::comparison::{ChangeVerdict, Ratio, Side};
use super::options::{ALPHA, CompareOptions, POWER};
use super::sample::Sample;
use crate::stats::difference::Difference;
use crate::stats::holm::holm_adjusted;
use crate::stats::permutation::{attainable_level, permutation_p_value, smallest_p_value};
use crate::stats::random::generator;
use crate::units::counted;

/// Fewer pairs than this do not show their own spread.
const FEWEST_PAIRS: usize = 5;
/// Runs beyond which nobody is sent for more.
const MOST_RUNS: usize = 100;

/// What is said of one sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// The verdict.
    pub verdict: ChangeVerdict,
    /// Why there is none on the speed.
    pub reason: Option<String>,
    /// What was measured in BASE.
    pub base: Side,
    /// What was measured in NEW.
    pub new: Side,
    /// How many times as long NEW takes.
    pub ratio: Option<Ratio>,
    /// Standard deviation of one unit.
    pub relative_sd: Option<f64>,
    /// The smallest ratio that would have been called with probability [`POWER`].
    pub minimum_detectable: Option<f64>,
    /// One-sided p-value of "slower".
    pub p_value: Option<f64>,
    /// The same by Holm.
    pub adjusted_p_value: Option<f64>,
}

/// Judges all samples of one call together; what could not be sampled keeps its reason and does not count for Holm.
///
/// A sample is too small when Holm's procedure could not call it even if every p-value of the family were the smallest that
/// its number of runs allows.
pub fn judge(samples: &[Result<&Sample, &str>], options: &CompareOptions) -> Vec<Judged> {
    let tests: Vec<Test> = samples
        .iter()
        .filter_map(|sample| sample.ok())
        .map(|sample| Test::new(sample, options.seed))
        .collect();
    let adjusted = |p_of: fn(&Test) -> f64| holm_adjusted(&tests.iter().map(p_of).collect::<Vec<_>>());
    let (slower, faster) = (adjusted(|test| test.slower), adjusted(|test| test.faster));
    let smallest = adjusted(|test| test.smallest);
    let mut next = 0;
    samples
        .iter()
        .map(|sample| match sample {
            Ok(sample) => {
                let index = next;
                next += 1;
                let adjusted = Adjusted {
                    slower: slower[index],
                    faster: faster[index],
                    possible: smallest[index] <= ALPHA,
                    family: tests.len(),
                };
                verdict(sample, &tests[index], adjusted, options)
            }
            Err(reason) => Judged {
                reason: Some(reason.to_string()),
                ..Judged::default()
            },
        })
        .collect()
}

/// Returns the ratio that a difference of logarithms stands for, with its interval.
pub fn ratio(difference: &Difference, level: f64) -> Ratio {
    let interval = difference.interval(level);
    Ratio {
        point: difference.point_estimate.exp(),
        lower: interval.lower_bound.exp(),
        upper: interval.upper_bound.exp(),
    }
}

/// The p-values of one sample, before the others are known.
struct Test {
    slower: f64,
    faster: f64,
    smallest: f64,
}

impl Test {
    fn new(sample: &Sample, seed: u64) -> Test {
        match sample {
            Sample::Runs { base, new } => {
                let (base, new) = (logarithms(base), logarithms(new));
                let p_value =
                    |one: &[f64], other: &[f64]| permutation_p_value(one, other, &mut generator(seed)).unwrap_or(1.0);
                Test {
                    slower: p_value(&base, &new),
                    faster: p_value(&new, &base),
                    smallest: smallest_p_value(base.len(), new.len()),
                }
            }
            Sample::Pairs { .. } => {
                let slower = sample.difference().map_or(1.0, |difference| difference.p_value());
                Test {
                    slower,
                    faster: 1.0 - slower,
                    smallest: f64::from(u8::from(sample.sides().0.runs < FEWEST_PAIRS)),
                }
            }
        }
    }
}

/// What Holm's procedure makes of one test of a family.
struct Adjusted {
    /// p-value of "slower".
    slower: f64,
    /// p-value of "faster".
    faster: f64,
    /// Whether it could have been called at all.
    possible: bool,
    /// How many tests are judged together.
    family: usize,
}

fn verdict(sample: &Sample, test: &Test, adjusted: Adjusted, options: &CompareOptions) -> Judged {
    let Adjusted {
        slower,
        faster,
        possible,
        family,
    } = adjusted;
    let (base, new) = sample.sides();
    let margin = options.margin.ln_1p();
    let difference = sample.difference();
    let effect = difference.map_or(0.0, |difference| difference.point_estimate);
    let verdict = if !possible {
        ChangeVerdict::TooFewRuns
    } else if slower <= ALPHA && effect >= margin {
        ChangeVerdict::Regression
    } else if faster <= ALPHA && effect <= -margin {
        ChangeVerdict::Improvement
    } else {
        ChangeVerdict::NoDifferenceSeen
    };
    let alpha = strictest_level(sample, family);
    Judged {
        verdict,
        reason: (!possible).then(|| too_few(sample, family)),
        base,
        new,
        ratio: difference.map(|difference| ratio(&difference, options.level)),
        relative_sd: difference.map(|difference| difference.standard_deviation.exp_m1()),
        minimum_detectable: difference
            .filter(|_| possible)
            .map(|difference| difference.minimum_detectable(alpha, POWER, margin).exp()),
        p_value: difference.map(|_| test.slower),
        adjusted_p_value: difference.map(|_| slower),
    }
}

/// Returns the strictest level that Holm's procedure may ask for, as far as the number of runs can meet it.
fn strictest_level(sample: &Sample, family: usize) -> f64 {
    let alpha = ALPHA / family.max(1) as f64;
    match sample {
        Sample::Runs { base, new } => {
            attainable_level(alpha, base.len(), new.len()).max(smallest_p_value(base.len(), new.len()))
        }
        Sample::Pairs { .. } => alpha,
    }
}

fn too_few(sample: &Sample, family: usize) -> String {
    let (base, new) = sample.sides();
    if matches!(sample, Sample::Pairs { .. }) {
        return format!(
            "{} pairs are too few to show their spread, {FEWEST_PAIRS} are needed",
            base.runs
        );
    }
    let among = match family {
        1 => String::new(),
        family => format!(" among {family} comparisons"),
    };
    let enough = (1..MOST_RUNS).find(|runs| family as f64 * smallest_p_value(*runs, *runs) <= ALPHA);
    let advice = enough.map_or(String::new(), |runs| format!("; {runs} of each could"));
    format!(
        "{} of BASE and {} of NEW cannot show a difference{among}, however large{advice}",
        counted(base.runs, "run", "runs"),
        counted(new.runs, "run", "runs")
    )
}

fn logarithms(seconds: &[f64]) -> Vec<f64> {
    seconds
        .iter()
        .map(|seconds| crate::model::runs::logarithm(*seconds))
        .collect()
}
