//! Storage parameters, by the lock under which they are set.

/// Storage parameters that are set under the strongest lock (`src/backend/access/common/reloptions.c`); all others are
/// under `ShareUpdateExclusiveLock`.
pub(super) const STRONG_OPTIONS: &[&str] = &[
    "autosummarize",
    "buffering",
    "check_option",
    "fastupdate",
    "gin_pending_list_limit",
    "pages_per_range",
    "security_barrier",
    "security_invoker",
    "user_catalog_table",
];
