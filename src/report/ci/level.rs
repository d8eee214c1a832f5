//! The severity of a finding.

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// May be a surprise.
    Warning,
    /// A gate failed.
    Error,
}
