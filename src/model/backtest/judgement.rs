//! What a backtest shows, as plain data shared with `report`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How often the estimates were right, how wide and how wrong they were, beside simpler predictions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Always `backtest`.
    pub kind: String,
    /// Version of this format.
    pub format_version: u32,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Versions of migtime that predicted, each with its number of pairs.
    pub versions: BTreeMap<String, usize>,
    /// All pairs, also those of families that do not judge.
    pub pairs: usize,
    /// Pairs of families that judge; everything below is about these, except where something else is said.
    pub judging_pairs: usize,
    /// Number of these for which migtime gave no number at all.
    pub refused: usize,
    /// Number of these for which it gave one that it does not promise.
    pub provisional: usize,
    /// The fixed factor of the 95 % interval around the mean of the segments, which is the best for the families that
    /// do not judge; `None` if there are none.
    pub fixed_factor: Option<f64>,
    /// Number of pairs from which it was fitted.
    pub fitted_pairs: usize,
    /// migtime as a whole and by design, then the simpler predictions.
    pub subjects: Vec<Subject>,
    /// Each family, those that do not judge too.
    pub families: Vec<FamilyResult>,
    /// How the outcomes are spread over migtime's predicted distributions.
    pub pit: Vec<PitBin>,
}

/// A way to predict, and how good it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// What predicted.
    pub name: String,
    /// Pairs for which it gave a number.
    pub pairs: usize,
    /// Families of these.
    pub families: usize,
    /// How often the intervals held the outcome, at 50, 80 and 95 %.
    pub held: Vec<Held>,
    /// Median half width of the 95 % interval, as a share of the prediction.
    pub half_width: f64,
    /// Median error, as a share of the outcome.
    pub median_error: f64,
    /// Error that nine in ten stayed below, as a share of the outcome.
    pub ninth_error: f64,
    /// Mean interval score at 80 %, in units of the outcome; lower is better.
    pub score_80: f64,
    /// Mean interval score at 95 %, in units of the outcome; lower is better.
    pub score_95: f64,
}

/// How often intervals of one level held the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// Level of the intervals, 0 to 1.
    pub level: f64,
    /// Number of intervals that held.
    pub count: usize,
    /// Their share, 0 to 1.
    pub share: f64,
    /// Lower end of Wilson's 95 % interval of that share, as if pairs were independent.
    pub wilson_lower: f64,
    /// Upper end of it.
    pub wilson_upper: f64,
    /// Lower end of the share's 95 % interval by the bootstrap over families; `None` for a single family.
    pub families_lower: Option<f64>,
    /// Upper end of it.
    pub families_upper: Option<f64>,
}

/// How good migtime was on one family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FamilyResult {
    /// Its name.
    pub name: String,
    /// Whether it judges.
    pub judging: bool,
    /// Its pairs.
    pub pairs: usize,
    /// Number of these for which migtime gave no number.
    pub refused: usize,
    /// Number of 95 % intervals that held.
    pub held: usize,
    /// Geometric mean of predicted / actual, less 1: above 0 where predictions are too high; `None` if all were
    /// refused.
    pub bias: Option<f64>,
    /// Median half width of the 95 % interval, as a share of the prediction.
    pub half_width: Option<f64>,
}

/// A bin of the probability integral transform: a range of the predicted distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PitBin {
    /// Predicted probability below the bin, 0 to 1.
    pub from: f64,
    /// Predicted probability up to its end.
    pub to: f64,
    /// Number of outcomes that fell into it.
    pub count: usize,
    /// Share of all outcomes; `to - from` where predictions are calibrated.
    pub share: f64,
}

impl Judgement {
    /// Returns its JSON text; the same pairs and seed give the same bytes.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a judgement holds only what JSON can hold");
        text.push('\n');
        text
    }
}
