//! What a batched backfill must offer to be replayed, so that real and simulated databases can be treated alike.

use super::segments::Segment;
use crate::error::Result;

/// What one batch cost.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredBatch {
    /// Rows affected.
    pub rows: u64,
    /// Seconds from sending to commit.
    pub seconds: f64,
    /// How many of those seconds it waited for locks of other sessions; `None` where no wait was seen.
    pub waited_seconds: Option<f64>,
    /// WAL inserted during the batch, in bytes, if known.
    pub wal_bytes: Option<u64>,
    /// The server's running count of full-page images when the batch began, if the server reports it.
    pub full_page_images_before: Option<u64>,
    /// Fraction of the walk's work that lies before this batch, 0 to 1.
    pub position: f64,
}

/// A backfill that can be replayed batch by batch, from any place of its key space.
pub trait Backfill {
    /// Returns the best known number of batches in the whole walk.
    fn total_batches(&self) -> f64;

    /// Called before [`seek`](Self::seek) with the next place.
    fn reach(&mut self, _place: &Segment) {}

    /// Goes to `position` (0 to 1); the next batches run from there.
    fn seek(&mut self, position: f64, batches: u64) -> Result<()>;

    /// Runs the next batch in one transaction; `None` at the end of the walk.
    fn run_next(&mut self) -> Result<Option<MeasuredBatch>>;

    /// Returns the server's current running count of full-page images, if the server reports it.
    fn full_page_images(&mut self) -> Option<u64> {
        None
    }

    /// Returns the time elapsed on this database's clock, in seconds.
    fn clock(&self) -> f64;

    /// Waits between two batches.
    fn pause(&mut self, seconds: f64);

    /// Returns how many checkpoints have completed since the first batch.
    fn checkpoints(&self) -> u64;
}
