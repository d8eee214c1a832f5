//! How each pair is made: with which data, how it is predicted, and which half comes first.

use serde::{Deserialize, Serialize};

use crate::stats::random::{generator, uniform};

/// How a migration is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Design {
    /// As `migtime rehearse` does it when nothing is said.
    Whole,
    /// With 15 or 30 % of the batches.
    Partial,
    /// On a clone with a quarter of the rows.
    Quarter,
}

/// What is drawn for one pair. It depends only on what the pair is, so that a run that goes on makes the same pairs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairPlan {
    /// Seed of its data and of its rehearsal.
    pub seed: u64,
    /// Whether the whole run comes before the rehearsal.
    pub whole_run_first: bool,
    /// Share of the batches that are replayed; `None` for the default.
    pub fraction: Option<f64>,
}

impl Design {
    /// Returns its name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Design::Whole => "whole",
            Design::Partial => "partial",
            Design::Quarter => "quarter",
        }
    }
}

impl PairPlan {
    /// Draws the plan of the pair number `run`, from 1, of a family and design.
    pub fn of(seed: u64, family: &str, design: Design, run: u32) -> PairPlan {
        let mut generator = generator(hash(&format!("{seed} {family} {} {run}", design.name())));
        let mut draw = || uniform(&mut generator);
        let data = (draw() * f64::from(u32::MAX >> 1)) as u64 + 1;
        let whole_run_first = draw() < 0.5;
        let share = if draw() < 0.5 { 0.15 } else { 0.3 };
        PairPlan {
            seed: data,
            whole_run_first,
            fraction: (design == Design::Partial).then_some(share),
        }
    }
}

/// Returns the FNV-1a hash of a text. Source: Fowler, Noll & Vo, draft-eastlake-fnv.
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The test vectors of the draft: FNV-1a of "" and "foobar", 64 bits.
    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn plans_repeat_and_differ() {
        let plan = |run| PairPlan::of(1, "update", Design::Partial, run);
        assert_eq!(plan(1), plan(1));
        let plans: Vec<PairPlan> = (1..=200).map(plan).collect();
        let first = plans.iter().filter(|plan| plan.whole_run_first).count();
        let larger = plans.iter().filter(|plan| plan.fraction == Some(0.3)).count();
        // Binomial(200, 1/2): scipy.stats.binom.interval(0.9999, 200, 0.5) = 73, 127
        assert!(
            (73..=127).contains(&first) && (73..=127).contains(&larger),
            "{first}, {larger}"
        );
        let seeds: std::collections::BTreeSet<u64> = plans.iter().map(|plan| plan.seed).collect();
        assert_eq!(seeds.len(), 200);
        assert_eq!(PairPlan::of(1, "update", Design::Whole, 1).fraction, None);
    }
}
