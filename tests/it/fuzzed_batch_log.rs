//! Any text as a batch log is either refused with a one-line error and its position, or gives a valid rehearsal.

use std::str::from_utf8;

use migtime::model::batch_log;

use crate::fuzzed::shown;
use crate::fuzzed_rehearsal;

/// Reads a batch log; if the first line is a number, it is the number of rows of the whole backfill, as with `--rows`.
pub fn run(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let (total_rows, log) = match text.split_once('\n') {
        Some((first, rest)) => first
            .trim()
            .parse::<u64>()
            .map_or((1_000_000, text), |rows| (rows, rest)),
        None => (1_000_000, text),
    };
    match batch_log::read(log, "log.csv", total_rows as f64) {
        Ok(rehearsal) => fuzzed_rehearsal::check(&rehearsal),
        Err(error) => _ = shown(&error),
    }
}
