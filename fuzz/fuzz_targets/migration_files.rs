//! Directories of migration tools.
#![no_main]

use libfuzzer_sys::fuzz_target;
use migtime_fuzz::{fuzzed_migration_files, keep_inputs_that_overflow_the_stack};

fuzz_target!(init: keep_inputs_that_overflow_the_stack(), |data: &[u8]| fuzzed_migration_files::run(data));
