//! rehearsal.json.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use migtime_fuzz::{fuzzed_rehearsal, json, keep_inputs_that_overflow_the_stack};

fuzz_target!(init: keep_inputs_that_overflow_the_stack(), |data: &[u8]| fuzzed_rehearsal::run(data));

// Sometimes mutates the bytes instead: the text may also be damaged.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let changed = (seed % 8 != 0)
        .then(|| json::mutate(data, size, max_size, seed))
        .flatten();
    changed.unwrap_or_else(|| fuzzer_mutate(data, size, max_size))
});
