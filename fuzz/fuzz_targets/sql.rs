//! Migrations of plain SQL.
#![no_main]

use libfuzzer_sys::fuzz_target;
use migtime_fuzz::{fuzzed_sql, keep_inputs_that_overflow_the_stack};

fuzz_target!(init: keep_inputs_that_overflow_the_stack(), |data: &[u8]| fuzzed_sql::run(data));
