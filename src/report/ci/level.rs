//! How much a finding matters.

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// May surprise.
    Warning,
    /// A gate said no.
    Error,
}
