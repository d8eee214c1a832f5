//! Output for GitHub Actions: annotations as workflow commands, and outputs for the following steps.

use std::fmt::Write;

use super::common::{self, totals};
use super::name::hash;
use super::{Finding, Level, Verdict};
use crate::report::text;

/// Returns one annotation per finding, the most severe first, because GitHub shows only about ten of each kind.
pub fn annotations(verdicts: &[Verdict]) -> String {
    let mut findings: Vec<&Finding> = verdicts.iter().flat_map(|verdict| &verdict.findings).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    findings.into_iter().fold(String::new(), |mut text, finding| {
        let command = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "notice",
        };
        let title = format!("migtime {} {}", finding.rule.id(), finding.rule.name());
        writeln!(
            text,
            "::{command} file={},line={},title={}::{}",
            property(&finding.file),
            finding.line,
            property(&title),
            message(&finding.message)
        )
        .expect(common::STRING);
        text
    })
}

/// Returns the lines to append to the file that `GITHUB_OUTPUT` names.
pub fn outputs(verdicts: &[Verdict]) -> String {
    let totals = totals(verdicts);
    let mut text = format!(
        "verdict={}\nmigrations={}\nerrors={}\nwarnings={}\n",
        if totals.errors > 0 { "fail" } else { "pass" },
        verdicts.len(),
        totals.errors,
        totals.warnings
    );
    // Upper bounds cannot be added up, so there is a total only for a single migration.
    if let [Verdict { total: Some(total), .. }] = verdicts {
        write!(
            text,
            "point-seconds={:.3}\nlower-seconds={:.3}\nupper-seconds={:.3}\n",
            total.point_seconds, total.lower_seconds, total.upper_seconds
        )
        .expect(common::STRING);
    }
    let violations: Vec<String> = verdicts
        .iter()
        .flat_map(|verdict| &verdict.findings)
        .filter(|finding| finding.level == Level::Error)
        .map(|finding| text::one_line(&common::line_of(finding)))
        .collect();
    text + &several_lines("violations", &violations.join("\n"))
}

/// Returns an output of several lines. The value may contain anything: the delimiter is chosen so that no line of it
/// equals it.
fn several_lines(name: &str, value: &str) -> String {
    let mut delimiter = format!("migtime-{:016x}", hash(value));
    while value.contains(&delimiter) {
        delimiter = format!("migtime-{:016x}", hash(&delimiter));
    }
    format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
}

/// Escapes a message like the runner's own toolkit, and removes characters that would control the terminal showing the
/// log.
fn message(words: &str) -> String {
    text::printable(words)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes a property, in which colons and commas are separators.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn annotations_are_escaped_and_the_gravest_come_first() {
        let mut verdict = example::verdict();
        verdict.findings[0].message = "100 %\r\n::error::no".to_string();
        verdict.findings[0].file = "a,b:c\n.sql".to_string();
        let text = annotations(&[verdict]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[0].starts_with("::error "), "{text}");
        assert!(lines[3].starts_with("::notice "), "{text}");
        assert!(text.contains("::100 %25 %0A\\u{3a}:error::no\n"), "{text}");
        assert!(text.contains("file=a%2Cb%3Ac%0A.sql,line="), "{text}");
    }

    #[test]
    fn outputs_cannot_be_broken_out_of() {
        let value = "a\nmigtime-0000\nverdict=pass";
        let text = several_lines("violations", value);
        let lines: Vec<&str> = text.lines().collect();
        let delimiter = lines[0].strip_prefix("violations<<").expect("a delimiter");
        assert_eq!(lines.iter().filter(|line| **line == delimiter).count(), 1);
        assert_eq!(lines.last(), Some(&delimiter));
        assert!(outputs(&[example::verdict()]).starts_with("verdict=fail\nmigrations=1\nerrors=2\nwarnings=1\n"));
    }
}
