//! What a comparison says: plain data, the same in memory and in its JSON file of kind `comparison`.

use serde::{Deserialize, Serialize};

use crate::migration::StepKind;

/// All verdicts of one call; as JSON the file of kind `comparison`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Always `comparison`.
    pub kind: String,
    /// Version of this format.
    pub format_version: u32,
    /// The gravest of the verdicts.
    pub verdict: ChangeVerdict,
    /// Slowdown that is still no regression, 0.05 for 5 %.
    pub margin: f64,
    /// Largest probability of any false regression among all judgements.
    pub alpha: f64,
    /// Probability with which a minimum detectable effect is called.
    pub power: f64,
    /// Level of the intervals, 0 to 1.
    pub level: f64,
    /// Seed of drawn permutations.
    pub seed: u64,
    /// The judgements, in the order of BASE.
    pub judgements: Vec<Judgement>,
    /// Names in BASE that NEW does not have.
    pub only_in_base: Vec<String>,
    /// Names in NEW that BASE does not have.
    pub only_in_new: Vec<String>,
}

/// What is said of one migration, or one of its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Name of the scenario or the migration.
    pub name: String,
    /// File name of NEW's migration, as given.
    pub migration: String,
    /// The step, when steps are judged one by one.
    pub step: Option<StepName>,
    /// The verdict.
    pub verdict: ChangeVerdict,
    /// Why there is no verdict on the speed, in words.
    pub reason: Option<String>,
    /// Whether its unit is a pair of segments run one after the other, not a run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_pairs: bool,
    /// What was measured in BASE.
    pub base: Side,
    /// What was measured in NEW.
    pub new: Side,
    /// How many times as long NEW takes; `None` where nothing can be said.
    pub ratio: Option<Ratio>,
    /// Standard deviation of one unit's duration, as a share of it.
    pub relative_sd: Option<f64>,
    /// The smallest ratio that would have been called a regression with the probability `power`.
    pub minimum_detectable: Option<f64>,
    /// One-sided p-value of "NEW is slower".
    pub p_value: Option<f64>,
    /// The same by Holm, over all judgements of the call.
    pub adjusted_p_value: Option<f64>,
    /// How each step changed, where the steps correspond; described, not tested.
    pub steps: Vec<StepChange>,
    /// What else than the migration differs.
    pub warnings: Vec<String>,
}

/// The verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeVerdict {
    /// NEW is faster than chance explains, and by more than the margin.
    Improvement,
    /// No difference was seen; how large one could have gone unseen is stated.
    NoDifferenceSeen,
    /// So few runs that no measurement whatever could have given a verdict.
    TooFewRuns,
    /// What was measured in BASE and NEW is not the same work.
    #[default]
    NotComparable,
    /// NEW is slower than chance explains, and by at least the margin.
    Regression,
}

/// One side of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Complete runs, or pairs.
    pub runs: usize,
    /// Their geometric mean, in seconds; 0 without any.
    pub mean_seconds: f64,
}

/// How many times as long NEW takes as BASE, with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// Ratio of the geometric means.
    pub point: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

/// Which step is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepName {
    /// Number in NEW, from 1.
    pub number: u32,
    /// What kind of work it is.
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
    /// The change with its interval, where it can be said.
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
