//! The hall: one file a command; the only place where I/O and arithmetic meet.

use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    ExitCode::from(2)
}
