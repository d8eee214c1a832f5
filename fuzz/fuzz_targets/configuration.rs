//! migtime.toml.
#![no_main]

use libfuzzer_sys::fuzz_target;
use migtime_fuzz::{fuzzed_configuration, keep_inputs_that_overflow_the_stack};

fuzz_target!(init: keep_inputs_that_overflow_the_stack(), |data: &[u8]| fuzzed_configuration::run(data));
