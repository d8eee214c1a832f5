//! Shared by the fuzz targets: the checks, which the tests use too, and what libFuzzer lacks.

use std::mem::MaybeUninit;
use std::ptr::null_mut;

#[path = "../../tests/it/fuzzed.rs"]
pub mod fuzzed;
#[path = "../../tests/it/fuzzed_batch_log.rs"]
pub mod fuzzed_batch_log;
#[path = "../../tests/it/fuzzed_configuration.rs"]
pub mod fuzzed_configuration;
#[path = "../../tests/it/fuzzed_connections.rs"]
pub mod fuzzed_connections;
#[path = "../../tests/it/fuzzed_migration_files.rs"]
pub mod fuzzed_migration_files;
#[path = "../../tests/it/fuzzed_rehearsal.rs"]
pub mod fuzzed_rehearsal;
#[path = "../../tests/it/fuzzed_sql.rs"]
pub mod fuzzed_sql;
pub mod json;

/// More bytes than libFuzzer needs to write down an input.
const STACK_BYTES: usize = 1 << 20;

/// Gives signal handlers a separate stack: otherwise an input cannot be written down after a stack overflow.
///
/// libFuzzer installs its own handler where there is none, and keeps the flag for the separate stack.
pub fn keep_inputs_that_overflow_the_stack() {
    let memory = Box::leak(vec![0_u8; STACK_BYTES].into_boxed_slice());
    let stack = libc::stack_t {
        ss_sp: memory.as_mut_ptr().cast(),
        ss_flags: 0,
        ss_size: STACK_BYTES,
    };
    // SAFETY: the memory is never freed, and a zeroed action is one that does the default on the ordinary stack.
    unsafe {
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = libc::SIG_DFL;
        action.sa_flags = libc::SA_ONSTACK;
        assert_eq!(libc::sigaltstack(&stack, null_mut()), 0);
        assert_eq!(libc::sigaction(libc::SIGSEGV, &action, null_mut()), 0);
    }
}
