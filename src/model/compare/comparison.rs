//! The result of a comparison: plain data, the same in memory and in its JSON file of kind `comparison`.

use serde::{Deserialize, Serialize};

use crate::migration::StepKind;

/// All verdicts of one call; its JSON form is the file of kind `comparison`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Always `comparison`.
    pub kind: String,
    /// Version of this format.
    pub format_version: u32,
    /// The worst of the verdicts.
    pub verdict: ChangeVerdict,
    /// Largest slowdown that is not yet a regression; 0.05 means 5 %.
    pub margin: f64,
    /// Largest probability of one or more false regressions among all judgements.
    pub alpha: f64,
    /// Probability with which a slowdown of the minimum detectable size is reported.
    pub power: f64,
    /// Level of the intervals, 0 to 1.
    pub level: f64,
    /// Seed for drawing permutations.
    pub seed: u64,
    /// The judgements, in the order of the files in BASE.
    pub judgements: Vec<Judgement>,
    /// Names that are only in BASE.
    pub only_in_base: Vec<String>,
    /// Names that are only in NEW.
    pub only_in_new: Vec<String>,
}

/// The judgement on one migration, or on one of its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Name of the scenario or the migration.
    pub name: String,
    /// File name of NEW's migration, as given.
    pub migration: String,
    /// The step, when steps are judged individually.
    pub step: Option<StepName>,
    /// The verdict.
    pub verdict: ChangeVerdict,
    /// Why the speed could not be judged, in words.
    pub reason: Option<String>,
    /// Whether the unit of measurement is a pair of segments run one after the other, instead of a run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_pairs: bool,
    /// What was measured in BASE.
    pub base: Side,
    /// What was measured in NEW.
    pub new: Side,
    /// Duration of NEW as a multiple of that of BASE; `None` where it is not known.
    pub ratio: Option<Ratio>,
    /// Relative standard deviation of one unit's duration.
    pub relative_sd: Option<f64>,
    /// The smallest ratio that would have been reported as a regression with probability `power`.
    pub minimum_detectable: Option<f64>,
    /// One-sided p-value of "NEW is slower".
    pub p_value: Option<f64>,
    /// The p-value after Holm's correction over all judgements of the call.
    pub adjusted_p_value: Option<f64>,
    /// How each step changed, where the steps correspond; informative only, not tested.
    pub steps: Vec<StepChange>,
    /// Differences other than the migration itself.
    pub warnings: Vec<String>,
}

/// The verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeVerdict {
    /// NEW is faster by more than chance explains, and by more than the margin.
    Improvement,
    /// No difference was found; the minimum detectable size is stated.
    NoDifferenceSeen,
    /// Too few runs for any verdict, whatever they had measured.
    TooFewRuns,
    /// BASE and NEW did not measure the same work.
    #[default]
    NotComparable,
    /// NEW is slower by more than chance explains, and by at least the margin.
    Regression,
}

/// One side of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Number of complete runs, or of pairs.
    pub runs: usize,
    /// Their geometric mean, in seconds; 0 if there are none.
    pub mean_seconds: f64,
}

/// Duration of NEW as a multiple of that of BASE, with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Ratio of the geometric means.
    pub point: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

/// Identifies a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepName {
    /// Number in NEW, from 1.
    pub number: u32,
    /// Kind of work.
    pub kind: StepKind,
    /// The statement in NEW, as written.
    pub statement: String,
}

/// How one step changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepChange {
    /// The step.
    pub step: StepName,
    /// Its mean in BASE, in seconds.
    pub base_seconds: f64,
    /// Its mean in NEW, in seconds.
    pub new_seconds: f64,
    /// The change with its interval, where it is known.
    pub ratio: Option<Ratio>,
}

impl Comparison {
    /// Returns the comparison as JSON; the same comparison gives the same bytes.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a comparison holds only what JSON can hold");
        text.push('\n');
        text
    }

    /// Returns the judgements with this verdict.
    pub fn with(&self, verdict: ChangeVerdict) -> impl Iterator<Item = &Judgement> {
        self.judgements
            .iter()
            .filter(move |judgement| judgement.verdict == verdict)
    }
}
