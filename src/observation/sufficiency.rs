//! How much of a walk must be measured before a duration is promised: what the replay aims at, and what the rules of
//! evidence ask for afterwards.

/// Fewest places of the walk visited.
pub const FEWEST_SEGMENTS: usize = 8;

/// Fewest batches in a segment, so that enough are left after the warm-up.
pub const SHORTEST_SEGMENT: usize = 25;

/// Batches at the start of a segment during which caches are still cold.
///
/// On the real series of `tests/it/measured.rs`, leaving out 10, 3 or none gave errors of -9 -3 -3 -12, -5 -2 -2 -13
/// and -3 0 -2 -12 %: more than a few only waste measurements.
pub const WARM_UP_BATCHES: usize = 3;

/// Fewest batches measured.
pub const FEWEST_BATCHES: usize = FEWEST_SEGMENTS * SHORTEST_SEGMENT;
