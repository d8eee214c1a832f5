//! What reviewers and machines read: one small input, one file a format, every one of them text that the caller writes.
//!
//! The input is a [`Verdict`] a migration: its statements with what is predicted of them, and its [`Finding`]s. Who made it, a
//! plan, a rehearsal or a comparison, is of no matter to a format. Names in it are stable from run to run: they hold no line
//! number and no row count, so that services which keep a history find the same series again.

mod benchmark;
mod budget;
#[cfg(test)]
mod example;
mod from_plan;
mod from_rehearsal;
mod gate;
mod github;
mod gitlab;
mod junit;
mod name;
mod openmetrics;
mod rule;
mod sarif;
mod summary;

pub use budget::{Budget, Size, Storage};
pub use from_plan::of_plan;
pub use from_rehearsal::of_rehearsal;
pub use gate::Gate;
pub use rule::Rule;
pub use summary::{SUMMARY_LIMIT, job_summary};

use serde::Serialize;

use crate::migration::{LockMode, StepKind};
pub use crate::model::estimate::Prediction;

/// The documents a machine reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Document {
    /// Workflow commands that GitHub shows as annotations.
    GithubAnnotations,
    /// Lines for the file that `GITHUB_OUTPUT` names.
    GithubOutputs,
    /// GitLab's code quality report.
    GitlabCodeQuality,
    /// JUnit XML.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
    /// github-action-benchmark, `customSmallerIsBetter`.
    Benchmark,
    /// Bencher Metric Format.
    Bencher,
    /// OpenMetrics text: GitLab's metrics, Prometheus' node exporter.
    OpenMetrics,
}

impl Document {
    /// Every document.
    pub const ALL: [Document; 8] = [
        Document::GithubAnnotations,
        Document::GithubOutputs,
        Document::GitlabCodeQuality,
        Document::Junit,
        Document::Sarif,
        Document::Benchmark,
        Document::Bencher,
        Document::OpenMetrics,
    ];

    /// Returns the name of the file it is usually kept in.
    pub fn file_name(self) -> &'static str {
        match self {
            Document::GithubAnnotations => "github-annotations.txt",
            Document::GithubOutputs => "github-outputs.txt",
            Document::GitlabCodeQuality => "gl-code-quality-report.json",
            Document::Junit => "junit.xml",
            Document::Sarif => "migtime.sarif",
            Document::Benchmark => "benchmark.json",
            Document::Bencher => "bencher.json",
            Document::OpenMetrics => "metrics.txt",
        }
    }

    /// Returns the document about `verdicts`; the same verdicts give the same bytes.
    pub fn render(self, verdicts: &[Verdict]) -> String {
        match self {
            Document::GithubAnnotations => github::annotations(verdicts),
            Document::GithubOutputs => github::outputs(verdicts),
            Document::GitlabCodeQuality => gitlab::code_quality(verdicts),
            Document::Junit => junit::junit(verdicts),
            Document::Sarif => sarif::sarif(verdicts),
            Document::Benchmark => benchmark::benchmark_json(verdicts),
            Document::Bencher => benchmark::bencher(verdicts),
            Document::OpenMetrics => openmetrics::openmetrics(verdicts),
        }
    }
}

/// All that is told of one migration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Its path from the root of the repository, with `/`; the name of every series.
    pub migration: String,
    /// Its statements, in order.
    pub statements: Vec<StatementVerdict>,
    /// How long the whole takes, where that is known.
    pub total: Option<Prediction>,
    /// What was found, in the order of the statements.
    pub findings: Vec<Finding>,
}

/// All that is told of one statement, but for what was found.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementVerdict {
    /// Number in the migration, from 1.
    pub number: u32,
    /// Its file, as [`Verdict::migration`]; another one where that includes it.
    pub file: String,
    /// Line on which it starts, from 1.
    pub line: usize,
    /// The statement as written.
    pub sql: String,
    /// What kind of work it is.
    pub kind: StepKind,
    /// How long it takes, where that is known.
    pub duration: Option<Prediction>,
    /// The locks it takes.
    pub locks: Vec<HeldLock>,
    /// WAL it writes, in bytes, where that is known.
    pub wal_bytes: Option<f64>,
    /// Why nothing was measured, when it was passed over.
    pub passed_over: Option<String>,
}

/// A lock, and how long it is held from its acquisition to the commit.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldLock {
    /// Qualified name when the catalog was read, otherwise as written.
    pub relation: String,
    /// Its mode.
    pub mode: LockMode,
    /// How long it is held, where that is known.
    pub held: Option<Prediction>,
}

/// Something a reviewer should look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule it falls under.
    pub rule: Rule,
    /// How much it matters; an error is what makes a job fail.
    pub level: Level,
    /// Number of the statement, as [`StatementVerdict::number`]; `None` for the migration as a whole.
    pub statement: Option<u32>,
    /// File from the root of the repository, with `/`.
    pub file: String,
    /// Line of the statement, from 1; 1 for the migration as a whole.
    pub line: usize,
    /// The sentence, without a full stop.
    pub message: String,
}

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

impl Finding {
    /// Creates a finding about a migration as a whole, at its rule's own level.
    pub fn of_migration(rule: Rule, migration: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding {
            rule,
            level: rule.level(),
            statement: None,
            file: migration.into(),
            line: 1,
            message: message.into(),
        }
    }

    /// Creates a finding about a statement, at its rule's own level.
    pub fn of_statement(rule: Rule, statement: &StatementVerdict, message: impl Into<String>) -> Finding {
        Finding {
            rule,
            level: rule.level(),
            statement: Some(statement.number),
            file: statement.file.clone(),
            line: statement.line,
            message: message.into(),
        }
    }
}

impl Verdict {
    /// Tells whether a job is to fail.
    pub fn failed(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }

    /// Returns what was found in the statement of this number; `None` asks for the migration as a whole.
    pub fn findings_of(&self, statement: Option<u32>) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.statement == statement)
    }
}

const STRING: &str = "writing to a string does not fail";

/// How many findings there are of the levels that people act on.
struct Totals {
    errors: usize,
    warnings: usize,
}

fn totals(verdicts: &[Verdict]) -> Totals {
    let count = |level: Level| {
        let findings = verdicts.iter().flat_map(|verdict| &verdict.findings);
        findings.filter(|finding| finding.level == level).count()
    };
    Totals {
        errors: count(Level::Error),
        warnings: count(Level::Warning),
    }
}

/// Returns a finding on one line: `MT001 m.sql:3: …`.
fn line_of(finding: &Finding) -> String {
    format!(
        "{} {}:{}: {}",
        finding.rule.id(),
        finding.file,
        finding.line,
        finding.message
    )
}

fn json_text(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a document holds only what JSON can hold");
    text.push('\n');
    text
}
