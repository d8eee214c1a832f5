//! Arithmetic that knows nothing of migrations: distributions, intervals, scores, small linear algebra, seeded draws.
//!
//! Imports nothing from the rest of the crate. Every statistic is tested against a value from NumPy or SciPy, with the
//! call that computed it in a comment. Random numbers come from a generator that is passed in.

pub mod cholesky;
pub mod cluster_bootstrap;
pub mod conformal;
pub mod difference;
pub mod distribution;
pub mod holm;
pub mod interval;
pub mod log_mixture;
pub mod lognormal_sum;
pub mod normal_inverse_gamma;
pub mod permutation;
pub mod quantile;
pub mod random;
pub mod rank_sum;
pub mod sequence;
pub mod trend;
