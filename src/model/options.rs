//! The options of an estimate.

use super::growth::Growth;
use super::hardware::Hardware;
use super::transfer::Transfer;
use crate::units::{Bytes, Seconds};

/// The options of an estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EstimateOptions {
    /// Level of the interval shown first, between 0 and 1.
    pub level: f64,
    /// Seed of the Monte Carlo sum.
    pub seed: u64,
    /// Time allowed for the migration.
    pub window: Option<Seconds>,
    /// Whether to return a marked estimate even where the evidence is too thin.
    pub provisional: bool,
    /// Disk that is free where the migration is planned for.
    pub free_disk: Option<Bytes>,
    /// What was learned from outcomes on production, if any were recorded.
    pub transfer: Option<Transfer>,
    /// How the tables grow until the migration runs.
    pub growth: Option<Growth>,
    /// How production's hardware differs from the clone's; `None` if it is alike.
    pub hardware: Option<Hardware>,
}

impl Default for EstimateOptions {
    fn default() -> Self {
        EstimateOptions {
            level: 0.95,
            seed: 1,
            window: None,
            provisional: false,
            free_disk: None,
            transfer: None,
            growth: None,
            hardware: None,
        }
    }
}
