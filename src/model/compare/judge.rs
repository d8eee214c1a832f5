//! Turns samples into verdicts: is the difference larger than chance, and large enough to matter?

use super::comparison::{ChangeVerdict, Ratio, Side};
use super::options::{ALPHA, CompareOptions, POWER};
use super::sample::Sample;
use crate::stats::difference::Difference;
use crate::stats::holm::holm_adjusted;
use crate::stats::permutation::{attainable_level, permutation_p_value, smallest_p_value};
use crate::stats::random::generator;
use crate::units::counted;

/// Fewest pairs from which their spread can be estimated.
const FEWEST_PAIRS: usize = 5;
/// Largest number of runs that a hint asks for.
const MOST_RUNS: usize = 100;

/// The judgement on one sample.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// The verdict.
    pub verdict: ChangeVerdict,
    /// Why the speed could not be judged.
    pub reason: Option<String>,
    /// What was measured in BASE.
    pub base: Side,
    /// What was measured in NEW.
    pub new: Side,
    /// Duration of NEW as a multiple of that of BASE.
    pub ratio: Option<Ratio>,
    /// Relative standard deviation of one unit.
    pub relative_sd: Option<f64>,
    /// The smallest ratio that would have been reported with probability [`POWER`].
    pub minimum_detectable: Option<f64>,
    /// One-sided p-value of "slower".
    pub p_value: Option<f64>,
    /// The p-value after Holm's correction.
    pub adjusted_p_value: Option<f64>,
}

/// Judges all samples of one call together. An entry without a sample keeps its reason and does not count for Holm.
///
/// A sample is too small when Holm's procedure could not reject it even if all p-values of the family were the smallest
/// possible for their numbers of runs.
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

/// Converts a difference of logarithms to a ratio with its interval.
pub fn ratio(difference: &Difference, level: f64) -> Ratio {
    let interval = difference.interval(level);
    Ratio {
        point: difference.point_estimate.exp(),
        lower: interval.lower_bound.exp(),
        upper: interval.upper_bound.exp(),
    }
}

/// The p-values of one sample, before Holm's correction.
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

/// Returns the strictest level that Holm's procedure may require and that the number of runs can reach.
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
