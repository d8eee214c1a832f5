//! Where to replay: in short segments spread over the whole walk, not only at its beginning.
//!
//! The place of the replayed batches matters more than any formula applied afterwards: the first batches show only one
//! end of the key space. Pure arithmetic over batch numbers; knows no database and no estimate.

use crate::observation::{FEWEST_BATCHES, SHORTEST_SEGMENT, WARM_UP_BATCHES};
use crate::stats::random::{generator, uniform};
use crate::stats::sequence::spread_order;

/// Fewest and most strata that the walk is cut into.
const MOST_STRATA: u64 = 24;
/// Share of the batches replayed when nothing else is asked for.
const DEFAULT_FRACTION: f64 = 0.15;

/// The segments of a replay, in the order in which they are visited.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentDesign {
    /// The segments, in the order of execution.
    pub segments: Vec<Segment>,
    /// Batches at the start of each segment that are marked as warm-up; 0 for a whole walk.
    pub warm_up_batches: u64,
    /// Batches of the whole walk.
    total_batches: f64,
}

/// A run of consecutive batches at one place of the walk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Number in the order of execution, from 0.
    pub number: u32,
    /// Number of the stratum of the walk in which it lies, from 0.
    pub stratum: u32,
    /// Where it begins, as the fraction of the walk's work that lies before it, 0 to 1.
    pub position: f64,
    /// Batches in the segment; a whole walk ignores this and runs to its end.
    pub batches: u64,
}

impl SegmentDesign {
    /// Lays out a replay of at most `budget_batches` of a walk of `total_batches`.
    ///
    /// The walk is cut into K = clamp(⌊m / 25⌋, 2, 24) strata of equal work (the rules of evidence ask for 8). Each
    /// stratum gets one segment of ⌊m / K⌋ batches at a random offset. Segments are visited in van der Corput order, so
    /// that they are spread over the walk wherever the replay stops. If the walk is so short that segments would not
    /// save half of it, or the budget covers nearly all of it, the design is one segment: the whole walk.
    pub fn new(total_batches: f64, budget_batches: u64, seed: u64) -> SegmentDesign {
        let budget = budget_batches.max(1) as f64;
        if budget > 0.75 * total_batches {
            return SegmentDesign::whole_walk();
        }
        let strata = (budget_batches / SHORTEST_SEGMENT as u64).clamp(2, MOST_STRATA);
        let batches = (budget_batches / strata).max(1);
        let segments = spread(total_batches, strata, batches, seed);
        SegmentDesign {
            segments,
            warm_up_batches: WARM_UP_BATCHES as u64,
            total_batches,
        }
    }

    /// Returns the design that replays every batch from the first to the last.
    pub fn whole_walk() -> SegmentDesign {
        SegmentDesign {
            segments: vec![Segment {
                number: 0,
                stratum: 0,
                position: 0.0,
                batches: u64::MAX,
            }],
            warm_up_batches: 0,
            total_batches: f64::INFINITY,
        }
    }

    /// Returns further segments for when those of the design were not enough, until everything is replayed.
    ///
    /// Each stratum is cut into places of a segment's length around its first segment, so that no batch is replayed
    /// twice. Places are visited in van der Corput order, one from each stratum in turn; the shorter remainders at the
    /// ends of the strata come last.
    pub fn further(&self) -> Vec<Segment> {
        if self.is_whole_walk() {
            return Vec::new();
        }
        let stratum_batches = self.total_batches / self.segments.len() as f64;
        let places: Vec<Vec<Segment>> = self
            .segments
            .iter()
            .map(|first| places_around(first, self.total_batches, stratum_batches))
            .collect();
        let rounds = places.iter().map(Vec::len).max().unwrap_or(0);
        let by_turns = (0..rounds).flat_map(|round| places.iter().filter_map(move |places| places.get(round)));
        by_turns
            .enumerate()
            .map(|(index, place)| Segment {
                number: (self.segments.len() + index) as u32,
                ..*place
            })
            .collect()
    }

    /// Returns whether the design replays the whole walk.
    pub fn is_whole_walk(&self) -> bool {
        self.segments.len() == 1
    }

    /// Returns the numbers of segments after which the stopping rule may look: 8, 11, 16, 22 … (× 1.4), and after the
    /// last.
    ///
    /// Looking after every segment would stop at lucky moments: the interval contained the truth 82 % of the time
    /// instead of 94 %.
    pub fn looks(&self) -> Vec<u32> {
        let last = self.segments.len() as u32;
        let geometric = (0..).map(|power| (8.0 * 1.4f64.powi(power)).round() as u32);
        geometric.take_while(|look| *look < last).chain([last]).collect()
    }
}

/// Places one segment of `batches` batches at random in each of `strata` equal parts of a walk, in van der Corput
/// order.
pub fn spread(total_batches: f64, strata: u64, batches: u64, seed: u64) -> Vec<Segment> {
    let stratum_batches = total_batches / strata as f64;
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
            position: (stratum as f64 * stratum_batches + offsets[stratum]) / total_batches,
            batches,
        })
        .collect()
}

/// Returns the places in the stratum of `first` that `first` leaves free.
fn places_around(first: &Segment, total_batches: f64, stratum_batches: f64) -> Vec<Segment> {
    let length = first.batches as f64;
    let offset = first.position * total_batches - f64::from(first.stratum) * stratum_batches;
    let rest = stratum_batches - offset - length;
    let (before, behind) = ((offset / length) as i32, (rest / length) as i32);
    let place = |shift: f64, batches: f64| Segment {
        position: (first.position + shift / total_batches).max(0.0),
        batches: batches as u64,
        ..*first
    };
    let free: Vec<i32> = (-before..=behind).filter(|place| *place != 0).collect();
    let in_order = spread_order(free.len()).into_iter();
    let whole = in_order.map(|index| place(f64::from(free[index]) * length, length));
    let rests = [
        place(-offset, offset - f64::from(before) * length),
        place(f64::from(behind + 1) * length, rest - f64::from(behind) * length),
    ];
    whole.chain(rests).filter(|place| place.batches > 0).collect()
}

/// Returns how many of `total_batches` are replayed by default: 15 %, but at least what the rules of evidence need, and
/// all of them if segments would save less than half of the walk.
pub fn default_budget(total_batches: f64) -> u64 {
    if total_batches < 2.0 * FEWEST_BATCHES as f64 {
        return total_batches.ceil() as u64;
    }
    budget_of_fraction(total_batches, DEFAULT_FRACTION).max(FEWEST_BATCHES as u64)
}

/// Returns how many batches a `fraction` (0 to 1) of `total_batches` is.
pub fn budget_of_fraction(total_batches: f64, fraction: f64) -> u64 {
    (total_batches * fraction).floor() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(total_batches: f64, budget: u64, segments: usize, batches: u64) {
        let design = SegmentDesign::new(total_batches, budget, 5);
        assert_eq!(design.segments.len(), segments);
        assert!(design.segments.iter().all(|segment| segment.batches == batches));
    }

    #[test]
    fn strata_follow_the_budget() {
        check(1200.0, 180, 7, 25);
        check(1200.0, 200, 8, 25);
        check(1200.0, 300, 12, 25);
        check(4000.0, 600, 24, 25);
        check(1e6, 10_000, 24, 416);
    }

    #[test]
    fn budgets_of_nearly_all_are_replayed_whole() {
        for (total, budget) in [(399.0, default_budget(399.0)), (0.0, 0), (1000.0, 800)] {
            let design = SegmentDesign::new(total, budget, 1);
            assert!(design.is_whole_walk());
            assert_eq!((design.warm_up_batches, design.looks()), (0, vec![1]));
        }
    }

    #[test]
    fn a_budget_is_never_exceeded() {
        for budget in [1, 10, 60, 199, 200, 601] {
            let design = SegmentDesign::new(4000.0, budget, 1);
            let planned: u64 = design.segments.iter().map(|segment| segment.batches).sum();
            assert!(planned <= budget.max(2) && !design.is_whole_walk());
        }
    }

    #[test]
    fn each_segment_lies_within_its_stratum_and_any_start_is_spread() {
        let design = SegmentDesign::new(4000.0, 600, 9);
        for segment in &design.segments {
            let stratum = segment.stratum as f64 / 24.0;
            let end = segment.position + 25.0 / 4000.0;
            assert!(segment.position >= stratum && end <= stratum + 1.0 / 24.0 + 1e-12);
        }
        let mut first: Vec<u32> = design.segments[..4].iter().map(|segment| segment.stratum / 6).collect();
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2, 3]);
        assert_eq!(design, SegmentDesign::new(4000.0, 600, 9));
        assert_ne!(design, SegmentDesign::new(4000.0, 600, 10));
    }

    #[test]
    fn going_on_visits_every_place_once() {
        for (total, budget) in [(1000.0, 200), (4000.0, 600), (403.0, 200), (1e5, 10_000)] {
            let design = SegmentDesign::new(total, budget, 7);
            let further = design.further();
            let mut all: Vec<Segment> = design.segments.iter().chain(&further).copied().collect();
            assert!(
                all.iter()
                    .enumerate()
                    .all(|(index, segment)| segment.number == index as u32)
            );
            let first_round: Vec<u32> = further
                .iter()
                .take(design.segments.len())
                .map(|one| one.stratum)
                .collect();
            let strata: Vec<u32> = design.segments.iter().map(|one| one.stratum).collect();
            assert!(total < 500.0 || first_round == strata, "one in each stratum by turns");
            all.sort_by(|one, other| one.position.total_cmp(&other.position));
            assert!(all[0].position > -1e-9);
            let end = |segment: &Segment| segment.position * total + segment.batches as f64;
            for pair in all.windows(2) {
                assert!(end(&pair[0]) <= pair[1].position * total + 1e-6, "{pair:?}");
            }
            assert!(end(&all[all.len() - 1]) <= total + 1e-6);
            // If a stratum's length is not a whole number, remainders shorter than two batches are left over.
            let left = total - all.iter().map(|segment| segment.batches as f64).sum::<f64>();
            assert!(left < 2.0 * design.segments.len() as f64, "{left} of {total}");
        }
        assert!(SegmentDesign::whole_walk().further().is_empty());
    }

    #[test]
    fn looks_are_geometric() {
        assert_eq!(SegmentDesign::new(4000.0, 600, 1).looks(), [8, 11, 16, 22, 24]);
        assert_eq!(SegmentDesign::new(1200.0, 200, 1).looks(), [8]);
    }

    #[test]
    fn budget_is_15_percent_but_what_the_rules_need() {
        assert_eq!(default_budget(4000.0), 600);
        assert_eq!(default_budget(800.0), 200);
        assert_eq!(default_budget(300.0), 300);
        assert_eq!(budget_of_fraction(4000.0, 0.25), 1000);
    }
}
