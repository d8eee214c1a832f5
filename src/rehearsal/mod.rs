//! Walks the steps of a migration on a staging clone and writes down what it measures.
//!
//! Knows servers and steps; nothing of estimates or reports. Whether the evidence is enough is asked through a closure,
//! progress is told through a trait, so that nothing here prints or fits.

pub mod backfill;
pub mod scenario;
pub mod segments;
pub mod simulated;
