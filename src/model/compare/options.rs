//! The options of a comparison, and its error probabilities.

/// Largest probability of reporting a regression that does not exist, over all comparisons of one call.
pub const ALPHA: f64 = 0.05;
/// Probability with which a slowdown of the minimum detectable size is reported.
pub const POWER: f64 = 0.8;
/// Slowdown that is tolerated unless the caller sets another margin.
pub const DEFAULT_MARGIN: f64 = 0.05;

/// The options of a comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompareOptions {
    /// Largest slowdown that is not yet a regression; 0.05 means 5 %.
    pub margin: f64,
    /// Level of the effect's interval, 0 to 1.
    pub level: f64,
    /// Seed for drawing permutations, where there are too many to enumerate.
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
