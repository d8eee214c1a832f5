//! What can be read from in short transactions, whether it is production or a clone.

use super::production::Production;
use super::reader::Reader;
use super::staging::Staging;
use crate::error::Result;

/// A session that can be read from. What is worked out from an answer is worked out after its transaction has ended: production
/// must not keep one open meanwhile.
pub trait Readable {
    /// Lets `work` read in one read-only transaction.
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
