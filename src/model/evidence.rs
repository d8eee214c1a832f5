//! The rules of evidence: what must have been measured before a duration is promised.
//!
//! The result is a list of sentences, empty when all rules are met. The caller decides what to do about them.

use crate::observation::{FEWEST_BATCHES, FEWEST_SEGMENTS};

/// Smallest number of complete checkpoints during a measurement whose prediction will include as many; with fewer,
/// their cost is missing or counted too often.
pub const FEWEST_CHECKPOINTS: u64 = 2;
/// Smallest share of a walk whose beginning says anything about the rest.
const SMALLEST_BEGINNING: f64 = 0.05;
/// Largest factor over which a completely measured step is scaled without any rule of evidence.
const SAME_SIZE: f64 = 1.25;
/// Largest factor over which a measurement is scaled.
pub const LARGEST_RATIO: f64 = 16.0;

/// How much was measured of one batched step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Batches measured, warm-up included.
    pub batches: usize,
    /// Number of distinct places measured.
    pub places: usize,
    /// Share of the clone's whole walk that was measured, 0 to 1.
    pub share: f64,
    /// Complete checkpoints seen during the measurement, and expected during the predicted work; `None` when
    /// checkpoints were not observed.
    pub checkpoints: Option<Checkpoints>,
    /// What part of the walk was measured.
    pub extent: Extent,
    /// Predicted work as a multiple of the clone's whole walk.
    pub ratio: f64,
}

/// Checkpoints of a measurement and of what is predicted from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checkpoints {
    /// Complete ones during the measurement.
    pub seen: u64,
    /// How many are expected during the predicted run.
    pub expected: f64,
}

impl Checkpoints {
    /// Estimates the expected checkpoints from `seen`, the number seen while the given `share` of the predicted work
    /// was measured. That work lasts `cycles` checkpoint cycles by the server's settings (`None` when they are not
    /// known).
    ///
    /// The estimate is (c + ½) / share, the mean under Jeffreys' prior for a Poisson rate, limited to what the settings
    /// allow.
    pub fn new(seen: u64, share: f64, cycles: Option<f64>) -> Checkpoints {
        let at_this_rate = (seen as f64 + 0.5) / share.max(1e-9);
        Checkpoints {
            seen,
            expected: at_this_rate.min(cycles.unwrap_or(f64::INFINITY)),
        }
    }

    /// Returns how many must have been seen: two, or fewer if the whole work surely includes fewer.
    pub fn needed(&self) -> u64 {
        FEWEST_CHECKPOINTS.min(self.expected as u64)
    }

    /// Returns the expected number of checkpoints, at most one, whose cost is in no measurement.
    pub fn unseen(&self) -> f64 {
        match self.seen {
            0 => self.expected.min(1.0),
            _ => 0.0,
        }
    }
}

/// What part of a walk was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Its beginning, without a gap: a whole walk that was cut off, or a batch log.
    Beginning,
    /// Places spread over the walk.
    Places,
}

/// Returns each rule that is not met, as a sentence without a full stop.
pub fn unmet_rules(evidence: &Evidence) -> Vec<String> {
    let mut unmet = Vec::new();
    unmet.extend(ratio_rule(evidence.ratio));
    if evidence.extent == Extent::Whole && evidence.ratio <= SAME_SIZE {
        return unmet;
    }
    if evidence.batches < FEWEST_BATCHES {
        unmet.push(format!(
            "batches measured: {}, needed: at least {FEWEST_BATCHES}",
            evidence.batches
        ));
    }
    unmet.extend(evidence.checkpoints.and_then(checkpoint_rule));
    if evidence.extent == Extent::Places && evidence.places < FEWEST_SEGMENTS {
        unmet.push(format!(
            "places of the table visited: {}, needed: at least {FEWEST_SEGMENTS}",
            evidence.places
        ));
    }
    if evidence.extent == Extent::Beginning && evidence.share < SMALLEST_BEGINNING {
        unmet.push(format!(
            "share of the whole that was measured, from its beginning: {:.2} %, needed: at least {:.0} %",
            100.0 * evidence.share,
            100.0 * SMALLEST_BEGINNING
        ));
    }
    unmet
}

/// Returns, if it is not met, the rule that a measurement must include checkpoints if the whole work does.
pub fn checkpoint_rule(checkpoints: Checkpoints) -> Option<String> {
    let (seen, needed) = (checkpoints.seen, checkpoints.needed());
    (seen < needed).then(|| {
        format!(
            "complete checkpoints meanwhile: {seen}, needed: at least {needed} (the whole is expected to meet about \
             {:.0})",
            checkpoints.expected
        )
    })
}

/// Returns, if it is not met, the rule against scaling a measurement too far.
pub fn ratio_rule(ratio: f64) -> Option<String> {
    (ratio > LARGEST_RATIO).then(|| {
        format!(
            "the target is {ratio:.0} times as large as the clone; more than {LARGEST_RATIO:.0} times is not \
                 extrapolated"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENOUGH: Evidence = Evidence {
        batches: 200,
        places: 8,
        share: 0.1,
        checkpoints: Some(Checkpoints {
            seen: 2,
            expected: 12.0,
        }),
        extent: Extent::Places,
        ratio: 1.0,
    };
    const MISSED: Option<Checkpoints> = Some(Checkpoints { seen: 0, expected: 7.0 });

    fn check(evidence: Evidence, expected: &[&str]) {
        let unmet = unmet_rules(&evidence);
        assert_eq!(unmet.len(), expected.len(), "{unmet:?}");
        for (rule, part) in unmet.iter().zip(expected) {
            assert!(rule.contains(part), "{rule}");
        }
    }

    #[test]
    fn each_rule_is_told_when_it_is_not_met() {
        check(ENOUGH, &[]);
        check(Evidence { batches: 199, ..ENOUGH }, &["measured: 199"]);
        check(
            Evidence {
                checkpoints: MISSED,
                places: 7,
                ..ENOUGH
            },
            &[
                "meanwhile: 0, needed: at least 2 (the whole is expected to meet about 7)",
                "visited: 7",
            ],
        );
        check(Evidence { ratio: 40.0, ..ENOUGH }, &["40 times as large"]);
    }

    #[test]
    fn a_whole_walk_needs_nothing_and_unwatched_checkpoints_are_not_missed() {
        let nothing = Evidence {
            batches: 1,
            places: 1,
            share: 0.001,
            checkpoints: MISSED,
            ..ENOUGH
        };
        check(
            Evidence {
                extent: Extent::Whole,
                ..nothing
            },
            &[],
        );
        check(
            Evidence {
                extent: Extent::Whole,
                ratio: 2.0,
                ..nothing
            },
            &["measured: 1,", "meanwhile: 0"],
        );
        check(
            Evidence {
                extent: Extent::Beginning,
                checkpoints: None,
                places: 1,
                share: 0.05,
                ..ENOUGH
            },
            &[],
        );
        check(
            Evidence {
                extent: Extent::Beginning,
                share: 0.031,
                ..ENOUGH
            },
            &["from its beginning: 3.10 %, needed: at least 5 %"],
        );
    }

    // (c + 1/2) / share, limited to what the settings allow
    #[test]
    fn only_checkpoints_that_the_whole_meets_are_needed() {
        let check = |seen, share, cycles, expected: f64, needed| {
            let checkpoints = Checkpoints::new(seen, share, cycles);
            assert!((checkpoints.expected - expected).abs() < 1e-9, "{checkpoints:?}");
            assert_eq!(checkpoints.needed(), needed, "{checkpoints:?}");
        };
        check(0, 0.15, None, 0.5 / 0.15, 2);
        check(1, 0.15, None, 10.0, 2);
        check(1, 0.8, None, 1.875, 1);
        check(0, 0.15, Some(0.6), 0.6, 0);
        check(0, 0.15, Some(1.4), 1.4, 1);
        check(0, 0.9, Some(30.0), 0.5 / 0.9, 0);
        // Production is ten times as large as the clone.
        check(1, 0.08, Some(6.0), 6.0, 2);
    }

    #[test]
    fn one_checkpoint_at_most_is_unseen() {
        let unseen = |seen, cycles| Checkpoints::new(seen, 0.15, Some(cycles)).unseen();
        assert_eq!((unseen(0, 0.6), unseen(0, 3.0), unseen(1, 3.0)), (0.6, 1.0, 0.0));
    }
}
