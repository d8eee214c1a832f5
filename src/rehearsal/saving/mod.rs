//! Keeps the measurements: a directory reserved for one run, a file that is saved repeatedly, and a fallback for a full
//! disk.

pub mod directory_lock;
pub mod earlier_results;
pub mod fallback_directory;
pub mod journal;
mod torn_files;
