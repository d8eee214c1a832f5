//! What a comparison is asked for, and the probabilities it keeps to.

/// Largest probability with which a gate may call a regression that is not there, over all comparisons of one call.
pub const ALPHA: f64 = 0.05;
/// Probability with which the stated minimum detectable effect is called.
pub const POWER: f64 = 0.8;
/// Slowdown below which nobody is disturbed, unless asked otherwise.
pub const DEFAULT_MARGIN: f64 = 0.05;

/// What a comparison is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompareOptions {
    /// Slowdown that is still no regression, 0.05 for 5 %.
    pub margin: f64,
    /// Level of the effect's interval, 0 to 1.
    pub level: f64,
    /// Seed of the permutations that are drawn where there are too many to go through.
    pub seed: u64,
    /// Whether to judge each step instead of each migration as a whole.
    pub each_step: bool,
}

impl Default for CompareOptions {
    fn default() -> Self {
        CompareOptions {
            margin: DEFAULT_MARGIN,
            level: 0.95,
            seed: 1,
            each_step: false,
        }
    }
}
