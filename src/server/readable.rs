//! Anything that can be read in short transactions: production or a clone.

use super::production::Production;
use super::reader::Reader;
use super::staging::Staging;
use crate::error::Result;

/// A session that can be read. Results are processed after their transaction has ended, because production must not
/// keep a transaction open meanwhile.
pub trait Readable {
    /// Runs `work` in one read-only transaction.
    ///
    /// # Errors
    /// What `work` returns; `Connection` when the transaction cannot be started or ended; `Interrupted`.
    fn read<T>(&mut self, work: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T>;
}

impl Readable for Production {
    fn read<T>(&mut self, work: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T> {
        Production::read(self, work)
    }
}

impl Readable for Staging {
    fn read<T>(&mut self, work: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T> {
        Staging::read(self, work)
    }
}
