//! The documents for machines, each made from the same verdicts.

use super::verdict::Verdict;
use super::{benchmark, github, gitlab, junit, openmetrics, sarif};
/// The machine-readable documents.
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

    /// Returns the usual name of its file.
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

    /// Returns the document for `verdicts`; the same verdicts give the same bytes.
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
