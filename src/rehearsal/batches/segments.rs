//! Which batches of a walk are replayed: all of them where they fit into the time, else the beginning and then places.
//!
//! A replay begins as the real run does, at the first batch and without a gap, since the order of the batches changes
//! their cost. What does not fit is seen from short segments spread over the rest of the walk. Pure arithmetic over
//! batch numbers; knows no database and no estimate.

use std::fmt;

use crate::observation::{FEWEST_SEGMENTS, SHORTEST_SEGMENT, WARM_UP_BATCHES};
use crate::stats::random::{generator, uniform};
use crate::stats::sequence::spread_order;
use crate::units::Seconds;

/// Fewest and most strata that the rest of a walk is cut into.
const FEWEST_STRATA: f64 = 2.0;
const MOST_STRATA: f64 = 24.0;
/// Share of a replay that its beginning takes, where that reaches [`WORTHWHILE_BEGINNING`], and where it does not.
const LONG_BEGINNING: f64 = 0.4;
const SHORT_BEGINNING: f64 = 0.2;
/// Share of the walk after which the leaf pages of a freshly built index are full: before that, the order of the
/// batches makes no difference.
const WORTHWHILE_BEGINNING: f64 = 0.12;
/// How far a walk that can be replayed to its end may exceed the time limit, as a factor.
const TOLERANCE: f64 = 1.1;
/// Budgets of nearly all batches are replayed whole.
const NEARLY_ALL: f64 = 0.75;

/// How much of a walk is replayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// Every batch, in order.
    Whole,
    /// This many batches.
    Batches(u64),
    /// Every batch if they fit into the time limit, else as many as fit.
    WhatFits,
}

/// How a walk is replayed: its beginning in order, then places in the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayDesign {
    /// How much of it is replayed.
    pub amount: Amount,
    /// Batches of the whole walk.
    total_batches: f64,
    seed: u64,
}

/// How far the beginning of a replay has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beginning {
    /// Batches done.
    pub batches: u64,
    /// Seconds since the first of them, with look-ups and pauses.
    pub seconds: f64,
}

/// Whether a whole walk fits into the time limit, as far as its beginning shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// Whether it is replayed whole.
    pub whole: bool,
    /// Expected seconds of the whole walk.
    pub expected_seconds: f64,
    /// The time limit, in seconds.
    pub max_seconds: f64,
}

/// A run of consecutive batches at one place of the walk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Number in the order of execution, from 0; the beginning is 0.
    pub number: u32,
    /// Number of the stratum of the walk in which it lies, from 0.
    pub stratum: u32,
    /// Where it begins, as the fraction of the walk's work that lies before it, 0 to 1.
    pub position: f64,
    /// Where its stratum ends: it does not go further.
    pub end: f64,
    /// Most batches in the segment.
    pub batches: u64,
}

impl ReplayDesign {
    /// Lays out a replay of a walk of `total_batches`; budgets of nearly all batches are replayed whole.
    pub fn new(amount: Amount, total_batches: f64, seed: u64) -> ReplayDesign {
        let amount = match amount {
            Amount::Batches(batches) if batches as f64 > NEARLY_ALL * total_batches => Amount::Whole,
            amount => amount,
        };
        ReplayDesign {
            amount,
            total_batches,
            seed,
        }
    }

    /// Returns the beginning of the walk, from its first batch on.
    pub fn beginning(&self) -> Segment {
        let batches = match self.amount {
            Amount::Whole | Amount::WhatFits => u64::MAX,
            Amount::Batches(budget) => self.budget_of_beginning(budget),
        };
        Segment {
            number: 0,
            stratum: 0,
            position: 0.0,
            end: 1.0,
            batches,
        }
    }

    fn budget_of_beginning(&self, budget: u64) -> u64 {
        let share = share_of_beginning(budget as f64 / self.total_batches.max(1.0));
        ((budget as f64 * share) as u64).max(1)
    }

    /// Decides, after `so_far`, whether the walk is replayed whole; `None` if time does not matter, or if too little
    /// has been seen.
    pub fn decide(&self, so_far: Beginning, max_seconds: f64) -> Option<Decision> {
        let is_open = self.amount == Amount::WhatFits && max_seconds.is_finite();
        if !is_open || so_far.batches < SHORTEST_SEGMENT as u64 {
            return None;
        }
        let left = (self.total_batches - so_far.batches as f64).max(0.0);
        let expected_seconds = so_far.seconds + left * so_far.seconds / so_far.batches as f64;
        Some(Decision {
            whole: expected_seconds <= TOLERANCE * max_seconds,
            expected_seconds,
            max_seconds,
        })
    }

    /// Returns whether the beginning ends after `so_far`: the walk does not fit into the time limit, and the time meant
    /// for its beginning is over.
    pub fn leaves_the_beginning(&self, so_far: Beginning, max_seconds: f64) -> bool {
        self.decide(so_far, max_seconds).is_some_and(|decision| {
            let share = share_of_beginning(max_seconds / decision.expected_seconds);
            !decision.whole && so_far.seconds >= share * max_seconds
        })
    }

    /// Returns the places to visit after `beginning`, in the order of execution, if `seconds_left` seconds are left.
    ///
    /// The rest of the walk is cut into K = clamp(⌊m / 25⌋, 2, 24) strata of equal work for m batches. Each has one
    /// segment at a random offset; they are visited in van der Corput order, so that they are spread over the walk
    /// wherever the replay stops.
    pub fn places_after(&self, beginning: Beginning, seconds_left: f64) -> Vec<Segment> {
        let rest = self.total_batches - beginning.batches as f64;
        let budget = match self.amount {
            Amount::Whole => 0.0,
            Amount::Batches(budget) => budget.saturating_sub(beginning.batches) as f64,
            Amount::WhatFits => seconds_left * beginning.batches as f64 / beginning.seconds.max(1e-9),
        };
        let shortest = SHORTEST_SEGMENT as f64;
        let budget = budget.min(rest);
        if budget < 1.0 {
            return Vec::new();
        }
        let strata = (budget / shortest).floor().clamp(FEWEST_STRATA, MOST_STRATA);
        let batches = (budget / strata).floor().max(1.0) as u64;
        let range = Range {
            first: beginning.batches as f64,
            end: self.total_batches,
        };
        let mut places = spread(range, strata as u64, batches, self.seed);
        places.iter_mut().for_each(|place| place.number += 1);
        places
    }

    /// Returns how many batches at the start of each place are marked as warm-up.
    pub fn warm_up_batches(&self) -> u64 {
        WARM_UP_BATCHES as u64
    }

    /// Returns how many batches this design replays, as far as known after `so_far`.
    pub fn planned_batches(&self, so_far: Beginning, max_seconds: f64) -> f64 {
        match (self.amount, self.decide(so_far, max_seconds)) {
            (Amount::Batches(budget), _) => budget as f64,
            (_, Some(decision)) if !decision.whole => {
                self.total_batches * max_seconds / decision.expected_seconds.max(1e-9)
            }
            _ => self.total_batches,
        }
    }
}

/// Returns which share of a replay its beginning takes if all of it would reach `reach` (0 to 1) of the walk.
fn share_of_beginning(reach: f64) -> f64 {
    if LONG_BEGINNING * reach >= WORTHWHILE_BEGINNING {
        LONG_BEGINNING
    } else {
        SHORT_BEGINNING
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let (expected, limit) = (Seconds(self.expected_seconds), Seconds(self.max_seconds));
        if self.whole {
            write!(
                formatter,
                "all batches are replayed, in order: at their pace so far, about {expected} fit into {limit}"
            )
        } else {
            write!(
                formatter,
                "the beginning is replayed in order, then places in the rest: at their pace so far, all batches take \
                 about {expected} and do not fit into {limit}"
            )
        }
    }
}

/// Returns whether the stopping rule may look after `places` places: after 8, 11, 16, 22 … (× 1.4).
///
/// Looking after every place would stop at lucky moments: the interval contained the truth 82 % of the time instead of
/// 94 %.
pub fn may_look_after(places: u32) -> bool {
    let first = FEWEST_SEGMENTS as f64;
    let mut looks = (0..).map(|power| (first * 1.4f64.powi(power)).round() as u32);
    looks.find(|look| *look >= places) == Some(places)
}

/// A part of a walk, in batches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Batches before it.
    pub first: f64,
    /// Batches before its end. The walk ends here.
    pub end: f64,
}

/// Places one segment of at most `batches` batches at random in each of `strata` equal parts of `range`, in van der
/// Corput order.
pub fn spread(range: Range, strata: u64, batches: u64, seed: u64) -> Vec<Segment> {
    let stratum_batches = (range.end - range.first) / strata as f64;
    let mut generator = generator(seed);
    let offsets: Vec<f64> = (0..strata)
        .map(|_| uniform(&mut generator) * (stratum_batches - batches as f64).max(0.0))
        .collect();
    spread_order(strata as usize)
        .into_iter()
        .enumerate()
        .map(|(number, stratum)| Segment {
            number: number as u32,
            stratum: stratum as u32,
            position: (range.first + stratum as f64 * stratum_batches + offsets[stratum]) / range.end,
            end: (range.first + (stratum + 1) as f64 * stratum_batches) / range.end,
            batches,
        })
        .collect()
}

/// Returns how many batches a `fraction` (0 to 1) of `total_batches` is.
pub fn budget_of_fraction(total_batches: f64, fraction: f64) -> u64 {
    (total_batches * fraction).floor() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(batches: u64, seconds: f64) -> Beginning {
        Beginning { batches, seconds }
    }

    #[test]
    fn what_fits_is_replayed_whole() {
        let design = ReplayDesign::new(Amount::WhatFits, 1000.0, 1);
        assert_eq!(design.beginning().batches, u64::MAX);
        assert_eq!(design.decide(after(24, 2.0), 300.0), None);
        let decided = |batches, seconds| design.decide(after(batches, seconds), 300.0).expect("enough is seen");
        assert!(decided(25, 7.0).whole);
        assert!(!decided(25, 9.0).whole);
        assert!(!design.leaves_the_beginning(after(25, 9.0), 300.0));
        // 40 % of the time reach 13 % of the walk.
        assert!(!design.leaves_the_beginning(after(133, 119.0), 300.0));
        assert!(design.leaves_the_beginning(after(134, 120.5), 300.0));
        // If not even 12 % can be reached in order, places are worth more.
        assert!(design.leaves_the_beginning(after(30, 61.0), 300.0));
        // What turns out to be slower is left when that is seen.
        assert!(design.leaves_the_beginning(after(500, 170.0), 300.0));
        assert!(!design.leaves_the_beginning(after(990, 320.0), 300.0));
        let decision = decided(100, 120.0);
        assert!(decision.to_string().contains("about 20m"), "{decision}");
    }

    #[test]
    fn without_a_limit_everything_is_replayed() {
        let design = ReplayDesign::new(Amount::WhatFits, 1000.0, 1);
        assert_eq!(design.decide(after(500, 1e9), f64::INFINITY), None);
        for amount in [Amount::Whole, Amount::Batches(800)] {
            let design = ReplayDesign::new(amount, 1000.0, 1);
            assert_eq!((design.amount, design.beginning().batches), (Amount::Whole, u64::MAX));
            assert!(!design.leaves_the_beginning(after(500, 1e9), 1.0));
            assert!(design.places_after(after(1000, 1.0), 1e9).is_empty());
        }
    }

    fn check(total_batches: f64, budget: u64, beginning: u64, places: usize, batches: u64) {
        let design = ReplayDesign::new(Amount::Batches(budget), total_batches, 5);
        assert_eq!(design.beginning().batches, beginning);
        let visited = design.places_after(after(beginning, 1.0), f64::INFINITY);
        assert_eq!(visited.len(), places);
        assert!(visited.iter().all(|place| place.batches == batches));
        assert!(beginning + places as u64 * batches <= budget.max(3));
    }

    #[test]
    fn a_budget_is_never_exceeded_and_strata_follow_it() {
        check(1200.0, 180, 36, 5, 28);
        check(4000.0, 600, 120, 19, 25);
        check(4000.0, 1200, 480, 24, 30);
        check(1e6, 10_000, 2000, 24, 333);
        check(4000.0, 1, 1, 0, 0);
        check(4000.0, 60, 12, 2, 24);
    }

    #[test]
    fn each_place_lies_in_its_stratum_of_the_rest_and_any_start_is_spread() {
        let places = |seed| ReplayDesign::new(Amount::WhatFits, 4000.0, seed).places_after(after(1000, 100.0), 60.0);
        let visited = places(9);
        assert_eq!((visited.len(), visited[0].number, visited[0].batches), (24, 1, 25));
        for place in &visited {
            let stratum = 0.25 + 0.75 * f64::from(place.stratum) / 24.0;
            let end = place.position + 25.0 / 4000.0;
            assert!(
                place.position >= stratum && end <= stratum + 0.75 / 24.0 + 1e-12,
                "{place:?}"
            );
        }
        let mut first: Vec<u32> = visited[..4].iter().map(|place| place.stratum / 6).collect();
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2, 3]);
        assert_eq!(visited, places(9));
        assert_ne!(visited, places(10));
    }

    #[test]
    fn looks_are_geometric() {
        let looks: Vec<u32> = (1..=24).filter(|places| may_look_after(*places)).collect();
        assert_eq!(looks, [8, 11, 16, 22]);
        assert_eq!(budget_of_fraction(4000.0, 0.25), 1000);
    }
}
