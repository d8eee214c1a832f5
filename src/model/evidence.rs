//! The rules of evidence: what must have been measured before a duration is promised.
//!
//! The result is a list of sentences, empty when all is well. What to do about them is the caller's decision.

/// Fewest batches measured.
pub const FEWEST_BATCHES: usize = 200;
/// Fewest complete checkpoints during the measurement: with less, their cost is missing or counted too often.
pub const FEWEST_CHECKPOINTS: u64 = 2;
/// Fewest places of the walk visited.
pub const FEWEST_SEGMENTS: usize = 8;
/// Largest step from what was measured whole to what is predicted without any rule to meet.
const SAME_SIZE: f64 = 1.25;
/// Largest factor over which a measurement is scaled.
const LARGEST_RATIO: f64 = 16.0;

/// How much was measured of one batched step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Batches measured, warm-up included.
    pub batches: usize,
    /// Places visited.
    pub segments: usize,
    /// Complete checkpoints seen meanwhile; `None` when nobody watched.
    pub checkpoints: Option<u64>,
    /// What part of the walk was measured.
    pub extent: Extent,
    /// Predicted work as a multiple of the clone's whole walk.
    pub ratio: f64,
}

/// What part of a walk was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Its beginning, without a gap: a whole walk cut off, or a batch log.
    Beginning,
    /// Places spread over it.
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
    if let Some(checkpoints) = evidence.checkpoints.filter(|count| *count < FEWEST_CHECKPOINTS) {
        unmet.push(format!(
            "complete checkpoints meanwhile: {checkpoints}, needed: at least {FEWEST_CHECKPOINTS}"
        ));
    }
    if evidence.extent == Extent::Places && evidence.segments < FEWEST_SEGMENTS {
        unmet.push(format!(
            "places of the table visited: {}, needed: at least {FEWEST_SEGMENTS}",
            evidence.segments
        ));
    }
    unmet
}

/// Returns the rule against scaling a measurement too far, if it is not met.
pub fn ratio_rule(ratio: f64) -> Option<String> {
    (ratio > LARGEST_RATIO).then(|| {
        format!("the target is {ratio:.0} times as large as the clone; more than {LARGEST_RATIO:.0} times is not extrapolated")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENOUGH: Evidence = Evidence {
        batches: 200,
        segments: 8,
        checkpoints: Some(2),
        extent: Extent::Places,
        ratio: 1.0,
    };

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
                checkpoints: Some(1),
                segments: 7,
                ..ENOUGH
            },
            &["meanwhile: 1", "visited: 7"],
        );
        check(Evidence { ratio: 40.0, ..ENOUGH }, &["40 times as large"]);
    }

    #[test]
    fn a_whole_walk_needs_nothing_and_unwatched_checkpoints_are_not_missed() {
        let nothing = Evidence {
            batches: 1,
            segments: 1,
            checkpoints: Some(0),
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
                segments: 1,
                ..ENOUGH
            },
            &[],
        );
    }
}
