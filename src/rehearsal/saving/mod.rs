//! What is measured is kept: the directory that belongs to one run, the file that grows, and what stands in when the disk is full.

pub mod directory_lock;
pub mod earlier_results;
pub mod fallback_directory;
pub mod journal;
mod torn_files;
