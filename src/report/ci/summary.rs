//! The job summary: Markdown that a reviewer reads in ten seconds, short enough for GitHub's limit.

use super::common::totals;
use super::{Finding, Level, Prediction, Rule, StatementVerdict, Verdict};
use crate::model::estimate::Interval;
use crate::report::markdown::{code, escaped, table};
use crate::report::{text, words};
use crate::units::{Bytes, Count, Seconds, counted};

/// GitHub accepts 1,024 KiB from everything that a step writes; the rest is left for other output.
pub const SUMMARY_LIMIT: usize = 1_000_000;

/// Characters of a statement that fit a table cell.
const STATEMENT_LENGTH: usize = 80;

/// Returns the summary of all migrations. If it has to be cut, `pointer` tells where the whole is, e.g. the name of an
/// artifact.
pub fn job_summary(verdicts: &[Verdict], pointer: &str) -> String {
    let mut text = format!("## {}\n\n", headline(verdicts));
    let several = verdicts.len() > 1;
    if several {
        let rows: Vec<Vec<String>> = verdicts.iter().map(overview).collect();
        text += &table(
            &["Migration", "Verdict", "Duration", "Interval", "Longest strong lock"],
            &rows,
        );
    }
    for verdict in verdicts {
        text += &section(verdict);
    }
    fitted(&text, SUMMARY_LIMIT, pointer)
}

fn headline(verdicts: &[Verdict]) -> String {
    let is_unjudged = |finding: &&Finding| finding.rule == Rule::NotJudged;
    let failed = verdicts.iter().filter(|verdict| verdict.failed()).count();
    let unjudged = verdicts
        .iter()
        .filter(|verdict| verdict.findings.iter().any(|finding| is_unjudged(&finding)))
        .count();
    let all = verdicts.iter().flat_map(|verdict| &verdict.findings);
    let nothing_else = all.filter(is_unjudged).count() == totals(verdicts).errors;
    let all = counted(verdicts.len(), "migration", "migrations");
    let stopped = counted(totals(verdicts).errors, "finding", "findings");
    match (failed, unjudged) {
        (0, _) => format!("migtime: {all}, no gate said no"),
        (_, 0) => format!("migtime: {failed} of {all} stopped by {stopped}"),
        _ if nothing_else => format!("migtime: {unjudged} of {all} could not be judged"),
        _ => format!("migtime: {failed} of {all} stopped by {stopped}; {unjudged} could not be judged"),
    }
}

fn overview(verdict: &Verdict) -> Vec<String> {
    let strongest = verdict
        .statements
        .iter()
        .filter_map(StatementVerdict::longest_hold)
        .max_by(|one, other| one.point_seconds.total_cmp(&other.point_seconds));
    vec![
        named(verdict),
        if verdict.failed() { "**fail**" } else { "pass" }.to_string(),
        point(verdict.total.as_ref()),
        interval(verdict.total.as_ref()),
        point(strongest.as_ref()),
    ]
}

/// Returns the migration's file, and which part of it is meant.
fn named(verdict: &Verdict) -> String {
    match &verdict.part {
        Some(part) => format!("{}, {}", code(&verdict.migration), code(part)),
        None => code(&verdict.migration),
    }
}

fn section(verdict: &Verdict) -> String {
    let mut text = format!("\n### {}\n\n", named(verdict));
    if let Some(total) = &verdict.total {
        text += &escaped(&format!(
            "About {}, with {} probability between {} and {} ({}).",
            Seconds(total.point_seconds),
            words::percent(total.level),
            Seconds(total.lower_seconds),
            Seconds(total.upper_seconds),
            words::basis_name(total.basis)
        ));
        text += "\n\n";
    }
    let mut findings: Vec<&Finding> = verdict.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    for (finding, more) in each_once(&findings) {
        let more = match more {
            0 => String::new(),
            more => format!(" (and {} more like it)", Count(more as f64)),
        };
        text += &format!("- {}{more}\n", finding_line(finding));
    }
    if !findings.is_empty() {
        text += "\n";
    }
    if verdict.statements.is_empty() {
        return text;
    }
    let rows: Vec<Vec<String>> = verdict.statements.iter().map(row).collect();
    let header = ["#", "Statement", "Kind", "Duration", "Interval", "Locks, held", "WAL"];
    text + &table(&header, &rows)
}

/// Returns the findings, of each trap only the first, with the number of others of its rule.
fn each_once<'a>(findings: &[&'a Finding]) -> Vec<(&'a Finding, usize)> {
    let mut shown: Vec<(&Finding, usize)> = Vec::new();
    for finding in findings {
        let same = |(other, _): &&mut (&Finding, usize)| {
            let is_trap = finding.level != Level::Error;
            is_trap && other.rule == finding.rule && other.level == finding.level && other.file == finding.file
        };
        match shown.iter_mut().find(same) {
            Some((_, more)) => *more += 1,
            None => shown.push((finding, 0)),
        }
    }
    shown
}

fn finding_line(finding: &Finding) -> String {
    let level = match finding.level {
        Level::Error => "**error**",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    let place = format!("{}:{}", finding.file, finding.line);
    format!(
        "{level} {} {}: {}",
        finding.rule.id(),
        code(&place),
        escaped(&finding.message)
    )
}

fn row(statement: &StatementVerdict) -> Vec<String> {
    let locks: Vec<String> = statement
        .locks
        .iter()
        .map(|lock| {
            let held = lock
                .held
                .map_or(String::new(), |held| format!(", {}", Seconds(held.point_seconds)));
            escaped(&format!("{} on {}{held}", words::lock_name(lock.mode), lock.relation))
        })
        .collect();
    let shown = |cell: String| if cell.is_empty() { "–".to_string() } else { cell };
    vec![
        statement.number.to_string(),
        code(&text::shortened(&statement.sql, STATEMENT_LENGTH)),
        match &statement.passed_over {
            Some(reason) => format!(
                "{}, not measured: {}",
                words::kind_name(statement.kind),
                escaped(reason)
            ),
            None => words::kind_name(statement.kind).to_string(),
        },
        point(statement.duration.as_ref()),
        interval(statement.duration.as_ref()),
        shown(locks.join("<br>")),
        shown(
            statement
                .wal_bytes
                .map_or(String::new(), |bytes| Bytes(bytes as u64).to_string()),
        ),
    ]
}

fn point(prediction: Option<&Prediction>) -> String {
    prediction.map_or("–".to_string(), |prediction| {
        Seconds(prediction.point_seconds).to_string()
    })
}

fn interval(prediction: Option<&Prediction>) -> String {
    prediction.map_or("–".to_string(), |prediction| {
        let interval = Interval {
            level: prediction.level,
            lower_seconds: prediction.lower_seconds,
            upper_seconds: prediction.upper_seconds,
        };
        format!("{} ({})", words::interval(interval), words::percent(prediction.level))
    })
}

/// Cuts text at a line break, so that it has at most `limit` bytes together with its pointer. Tables and lists stay
/// valid.
fn fitted(text: &str, limit: usize, pointer: &str) -> String {
    if text.len() <= limit {
        return text.to_string();
    }
    let ending = |left_out: usize| {
        format!(
            "\n**Cut here: {} left out. The whole is in {}.**\n",
            counted(left_out, "line is", "lines are"),
            code(pointer)
        )
    };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let room = limit.saturating_sub(ending(lines.len()).len());
    let mut kept = String::new();
    let mut count = 0;
    for line in &lines {
        if kept.len() + line.len() > room {
            break;
        }
        kept += line;
        count += 1;
    }
    kept + &ending(lines.len() - count)
}

impl StatementVerdict {
    /// Returns the hold time of the lock that blocks writes the longest; `None` when no lock blocks writes or no hold
    /// time is known.
    pub fn longest_hold(&self) -> Option<Prediction> {
        self.locks
            .iter()
            .filter(|lock| lock.mode >= crate::migration::LockMode::Share)
            .filter_map(|lock| lock.held)
            .max_by(|one, other| one.point_seconds.total_cmp(&other.point_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn a_long_summary_is_cut_between_lines_and_says_where_the_whole_is() {
        let mut verdict = example::verdict();
        let statement = verdict.statements[0].clone();
        verdict.statements = (1..=20_000)
            .map(|number| StatementVerdict {
                number,
                ..statement.clone()
            })
            .collect();
        let text = job_summary(&[verdict], "migtime-reports");
        assert!(
            text.len() <= SUMMARY_LIMIT && text.len() > SUMMARY_LIMIT - 1000,
            "{}",
            text.len()
        );
        let lines: Vec<&str> = text.lines().collect();
        let [.., row, empty, ending] = &lines[..] else {
            panic!("lines")
        };
        assert!(
            row.starts_with("| ") && row.ends_with(" |") && empty.is_empty(),
            "{row}"
        );
        assert!(
            ending.starts_with("**Cut here: ") && ending.ends_with("The whole is in `migtime-reports`.**"),
            "{ending}"
        );
    }

    #[test]
    fn a_short_one_is_whole() {
        let verdict = example::verdict();
        let text = job_summary(&[verdict.clone(), verdict], "out/");
        assert!(
            text.starts_with("## migtime: 2 of 2 migrations stopped by 4 findings\n"),
            "{text}"
        );
        assert!(!text.contains("Cut here"));
        assert!(
            text.contains("- **error** MT001 `migrations/0042 orders.sql:3`: "),
            "{text}"
        );
        assert_eq!(fitted("a\nb\n", 4, "x"), "a\nb\n");
    }
}
