//! From the staging clone to production: what recorded outcomes say of how much longer a migration takes there.
//!
//! z = ln(actual/predicted) of each outcome, where `predicted` is what the rehearsal alone said. The next z follows a
//! Student t distribution, from a normal-inverse-gamma model with a prior that is wide: without any outcome, a factor
//! of 4.7 either way. A kind of step with enough outcomes has a distribution of its own, drawn towards the others'.
//! From 19 outcomes on, the width is blended with what a conformal prediction says, which assumes no distribution.
//!
//! Older outcomes count less, and so do those of another major version of the server. Which values were chosen by
//! simulation, and their coverage, is tested in `tests/it/transfer_coverage.rs`.

use super::outcome::Outcome;
use crate::migration::StepKind;
use crate::stats::conformal::conformal_score;
use crate::stats::distribution::two_sided_factor;
use crate::stats::normal_inverse_gamma::{NormalInverseGamma, Weighted};

/// What is believed before any outcome: production is about as fast as the clone, within a factor of 4.7 at 95 %.
const PRIOR: NormalInverseGamma = NormalInverseGamma {
    mean: 0.0,
    weight: 0.25,
    standard_deviation: 0.25,
    degrees_of_freedom: 4.0,
};
/// Outcomes of one kind of step from which on it has a mean of its own.
const FEWEST_OF_A_KIND: usize = 8;
/// Number of outcomes that the other kinds are worth for the mean of one kind: kinds differ by about 0.7 as much as
/// outcomes of one kind do.
const WORTH_OF_OTHER_KINDS: f64 = 2.0;
/// Level at which the width is blended, and the fewest outcomes that conformal prediction can do it with.
const LEVEL: f64 = 0.95;
const FEWEST_FOR_CONFORMAL: usize = 19;
/// Outcomes at which Student's and the conformal width count alike.
const BLEND: f64 = 20.0;
/// Weight of an outcome with each one that was recorded after it.
const FADING: f64 = 0.97;
/// Weight of an outcome on another major version of the server.
const OTHER_VERSION: f64 = 0.5;
/// The newest outcomes that count; the weight of older ones is below 0.0001.
const MOST_OUTCOMES: usize = 300;
/// Variance of the logarithm of a usual prediction on the clone, where no outcome states its own: ±26 %, the least that
/// a replay in part can have.
const USUAL_VARIANCE: f64 = 0.13 * 0.13;
/// Kinds of steps.
const KINDS: usize = 7;

/// How much longer than on the clone a migration takes on production: Student's t on the logarithmic scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// Centre of the logarithm of the factor.
    pub mean: f64,
    /// Scale of the logarithm, for one migration.
    pub standard_deviation: f64,
    /// Its degrees of freedom.
    pub degrees_of_freedom: f64,
    /// Standard error of the centre.
    pub standard_error: f64,
}

/// What is known of the way from the clone to production.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transfer {
    outcomes: usize,
    common: Shift,
    kinds: [Option<Shift>; KINDS],
    usual_variance: f64,
}

impl Transfer {
    /// Learns from `outcomes`, in the order in which they were recorded, for a server of `version_num`; `None` where
    /// nothing counts.
    pub fn learn(outcomes: &[Outcome], version_num: u32) -> Option<Transfer> {
        let counted: Vec<&Outcome> = outcomes
            .iter()
            .filter(|outcome| outcome.why_not_counted().is_none())
            .collect();
        let newest = &counted[counted.len().saturating_sub(MOST_OUTCOMES)..];
        if newest.is_empty() {
            return None;
        }
        let pairs = Pairs::new(newest, version_num);
        let conformal = pairs.conformal_score();
        let shift = |kind| pairs.shift(kind, conformal);
        let kinds = newest.iter().filter_map(|outcome| outcome.main_kind());
        let mut transfer = Transfer {
            outcomes: newest.len(),
            common: shift(None),
            kinds: [None; KINDS],
            usual_variance: pairs.usual_variance(),
        };
        for kind in kinds {
            transfer.kinds[kind as usize] = Some(shift(Some(kind)));
        }
        Some(transfer)
    }

    /// Returns the number of outcomes that it rests on.
    pub fn outcomes(&self) -> usize {
        self.outcomes
    }

    /// Returns the factor for steps of a kind; of all kinds where it has no outcomes, or for `None`.
    pub fn shift(&self, kind: Option<StepKind>) -> Shift {
        kind.and_then(|kind| self.kinds[kind as usize]).unwrap_or(self.common)
    }

    /// Returns the part of a prediction's variance that the outcomes do not hold already. They hold the errors of the
    /// rehearsals before them; what this one is less certain than those comes on top.
    pub fn excess(&self, log_variance: f64) -> f64 {
        (log_variance - self.usual_variance).max(0.0)
    }
}

impl Shift {
    /// Returns the factor by which its interval at `level` reaches up and down from its centre.
    pub fn factor_at(&self, level: f64) -> f64 {
        (two_sided_factor(level, self.degrees_of_freedom) * self.standard_deviation).exp()
    }
}

/// Returns the factor within which production's duration is expected before any outcome was recorded.
pub fn prior_factor(level: f64) -> f64 {
    unblended(&PRIOR).factor_at(level)
}

/// Outcomes as numbers.
struct Pairs {
    ratios: Vec<Weighted>,
    kinds: Vec<Option<StepKind>>,
    variances: Vec<Option<f64>>,
}

impl Pairs {
    fn new(outcomes: &[&Outcome], version_num: u32) -> Pairs {
        let major = version_num / 10_000;
        let is_other = |number: u32| major > 0 && number / 10_000 != major;
        let weighted = |(age, outcome): (usize, &&Outcome)| Weighted {
            value: outcome.log_ratio(),
            weight: FADING.powi(age as i32)
                * if outcome.server_version_num.is_some_and(is_other) {
                    OTHER_VERSION
                } else {
                    1.0
                },
        };
        let mut ratios: Vec<Weighted> = outcomes.iter().rev().enumerate().map(weighted).collect();
        ratios.reverse();
        Pairs {
            ratios,
            kinds: outcomes.iter().map(|outcome| outcome.main_kind()).collect(),
            variances: outcomes
                .iter()
                .map(|outcome| outcome.by_rehearsal().log_variance())
                .collect(),
        }
    }

    /// Returns what the outcomes say of a kind, or of all for `None`; the outcome at `left_out` is not looked at.
    fn belief(&self, kind: Option<StepKind>, left_out: Option<usize>) -> NormalInverseGamma {
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for (index, ratio) in self.ratios.iter().enumerate() {
            if Some(index) == left_out {
                continue;
            }
            match self.kinds[index] {
                Some(known) if Some(known) == kind => own.push(*ratio),
                _ => others.push(*ratio),
            }
        }
        if own.len() < FEWEST_OF_A_KIND {
            others.extend(own);
            return PRIOR.updated(&others);
        }
        let centre = PRIOR.updated(&others);
        let drawn_to = NormalInverseGamma {
            weight: centre.weight.min(WORTH_OF_OTHER_KINDS),
            degrees_of_freedom: PRIOR.degrees_of_freedom,
            ..centre
        };
        drawn_to.updated(&own)
    }

    /// Returns the 95 % quantile of |z − m|/s over all outcomes, each measured by what the others say; `None` while
    /// they are too few.
    fn conformal_score(&self) -> Option<f64> {
        if self.ratios.len() < FEWEST_FOR_CONFORMAL {
            return None;
        }
        let score = |(index, ratio): (usize, &Weighted)| {
            let others = self.belief(self.kinds[index], Some(index));
            Weighted {
                value: (ratio.value - others.mean).abs() / others.prediction_error(),
                weight: ratio.weight,
            }
        };
        let scores: Vec<Weighted> = self.ratios.iter().enumerate().map(score).collect();
        conformal_score(&scores, LEVEL)
    }

    fn shift(&self, kind: Option<StepKind>, conformal: Option<f64>) -> Shift {
        let plain = unblended(&self.belief(kind, None));
        let student = two_sided_factor(LEVEL, plain.degrees_of_freedom);
        let count = self.ratios.len() as f64;
        let weight = count / (count + BLEND);
        let blended = conformal.map_or(student, |score| {
            weight * score.max(student / 2.0) + (1.0 - weight) * student
        });
        Shift {
            standard_deviation: plain.standard_deviation * blended / student,
            ..plain
        }
    }

    /// Returns the mean variance of the predictions on the clone.
    fn usual_variance(&self) -> f64 {
        let known = self.variances.iter().zip(&self.ratios);
        let (sum, weights) = known.fold((0.0, 0.0), |(sum, weights), (variance, ratio)| {
            let variance = variance.unwrap_or(USUAL_VARIANCE);
            (sum + ratio.weight * variance, weights + ratio.weight)
        });
        sum / weights
    }
}

fn unblended(belief: &NormalInverseGamma) -> Shift {
    Shift {
        mean: belief.mean,
        standard_deviation: belief.prediction_error(),
        degrees_of_freedom: belief.degrees_of_freedom,
        standard_error: belief.standard_error(),
    }
}

#[cfg(test)]
mod tests;
