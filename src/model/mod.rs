//! Computes the estimate from the observations: pure arithmetic, seeded, bit-identical.
//!
//! Uses no database, file, clock or terminal; facts about production are passed in as plain numbers. The order of the
//! computation: [`blocks`] condenses the batches, [`kriging`] extrapolates them over the walk (or [`repeated`] uses
//! whole runs directly), [`evidence`] decides whether the result may be promised, and seeded Monte Carlo adds up the
//! steps.

mod assemble;
mod backfill;
pub mod backtest;
pub mod batch_log;
pub mod blocks;
mod bundle;
pub mod compare;
pub mod estimate;
pub mod evidence;
pub mod forecast;
mod growth;
pub mod hardware;
pub mod history;
pub mod kriging;
pub mod ladder;
mod learned;
mod lock_holds;
mod measured;
mod options;
mod order;
pub mod outcome;
pub mod outcome_csv;
mod pace;
pub mod planned;
pub mod preflight;
pub mod priors;
mod regimes;
mod rehearsed;
mod relation_growth;
mod remarks;
pub mod repeated;
mod rollback;
pub mod rule_of_thumb;
pub mod run_deviation;
pub mod runs;
mod saved;
mod scale;
mod split_wave;
mod stalls;
mod statement;
mod step_size;
mod step_words;
pub mod stopping;
mod storage;
pub mod stretches;
pub mod target;
mod thin_clone;
mod total;
pub mod transfer;
mod unlike_production;
mod waits;
mod whole;

pub use crate::observation::Target;
pub use growth::{Growth, GrowthRate};
pub use options::EstimateOptions;
pub use whole::{estimate, measured_seconds};
