//! The plan of a migration for the terminal, as JSON and as Markdown: what each statement locks, blocks, rewrites and
//! scans.
//!
//! One struct and three formats; like the rest of this room, it prints nothing itself.

use serde::{Serialize, Serializer};

use crate::migration::{LockMode, StepKind, TransactionRule, Warning};
use crate::model::estimate::Prediction;
use crate::observation::FORMAT_VERSION;
use crate::report::ci::Rule;
use crate::report::markdown::{bullets, code, escaped, table as markdown_rows};
use crate::report::terminal::Page;
use crate::report::{text, words};
use crate::units::counted;

/// Number of characters of a statement that are shown in a table.
const STATEMENT_LENGTH: usize = 60;

/// What a migration will do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanReport {
    /// Kind of migration file, such as `plain-sql`.
    pub recognised_as: &'static str,
    /// Duration of the whole migration; missing if a statement could not be sized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Prediction>,
    /// Its statements, in order.
    pub statements: Vec<StatementReport>,
    /// Whose rules were followed, in words.
    #[serde(skip)]
    pub rules: String,
}

/// What one statement will do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StatementReport {
    /// Number from 1.
    pub number: u32,
    /// File that contains it.
    pub file: String,
    /// Line on which it starts, from 1.
    pub line: usize,
    /// The statement as written.
    pub statement: String,
    /// Kind of work.
    pub step_kind: StepKind,
    /// Its duration; missing if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Prediction>,
    /// The strongest lock on each relation.
    pub locks: Vec<PlannedLock>,
    /// Relations whose storage is replaced.
    pub rewritten: Vec<String>,
    /// Tables that are read from end to end.
    pub scanned: Vec<String>,
    /// Whether it may run in a transaction block.
    pub transaction: TransactionRule,
    /// SQL that undoes it, where that is obvious.
    pub rollback: Option<String>,
    /// A safer form, if this one is dangerous at this table size.
    pub safe_form: Option<String>,
    /// Warnings about surprising effects.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub warnings: Vec<Remark>,
    /// Whether it only begins or ends a transaction; such statements are not shown.
    #[serde(skip)]
    pub is_transaction_edge: bool,
}

/// A warning about a statement, with its rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// The rule.
    pub rule: Rule,
    /// The sentence, without a full stop.
    pub text: String,
}

impl From<Warning> for Remark {
    fn from(warning: Warning) -> Remark {
        Remark {
            rule: Rule::Trap(warning.trap),
            text: warning.text,
        }
    }
}

impl Serialize for Remark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// A lock that will be taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlannedLock {
    /// Qualified name when the catalog was read, otherwise as written.
    pub relation: String,
    /// Its mode.
    pub mode: LockMode,
    /// How long it is held, until COMMIT; missing if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Prediction>,
    /// Whether others use the relation: not when the migration itself has made it.
    #[serde(skip)]
    pub keeps_others_waiting: bool,
}

/// The contents of `plan.json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PlanDocument<'report> {
    /// Always `plan`.
    kind: &'static str,
    /// Version of this format.
    format_version: u32,
    #[serde(flatten)]
    report: &'report PlanReport,
}

/// Returns the plan as JSON of kind `plan`; the same plan gives the same bytes.
pub fn plan_json(report: &PlanReport) -> String {
    let file = PlanDocument {
        kind: "plan",
        format_version: FORMAT_VERSION,
        report,
    };
    let mut text = serde_json::to_string_pretty(&file).expect("a plan holds only what JSON can hold");
    text.push('\n');
    text
}

/// Returns the plan as text for a terminal of `width` columns; bold only when `colour`.
pub fn plan_terminal(report: &PlanReport, width: u16, colour: bool) -> String {
    let page = Page { width, colour };
    let mut text = page.bold(&headline(report));
    text += &page.wrapped(&report.rules, 0);
    // Rewritten and scanned relations are listed below the table, where there is space for long names.
    let narrow = [0, 2, 3, 4, 6];
    let header = narrow.map(|column| HEADER[column]);
    let rows: Vec<Vec<String>> = shown(report)
        .map(|statement| {
            let cells = row(statement);
            narrow.iter().map(|column| cells[*column].clone()).collect()
        })
        .collect();
    text += &format!("\n{}\n", page.table(&header, header.len(), &rows));
    for statement in told(report) {
        let place = format!("{}:{}", statement.file, statement.line);
        let sql = text::shortened(&statement.statement, 2 * STATEMENT_LENGTH);
        text += &format!("\n{}", page.bold(&format!("{}. {sql} ({place})", statement.number)));
        for (label, names) in [("rewrites", &statement.rewritten), ("scans", &statement.scanned)] {
            if !names.is_empty() {
                text += &page.wrapped(&format!("{label}: {}", names.join(", ")), 2);
            }
        }
        for (label, detail) in details(statement) {
            text += &match label {
                "warning" => page.labelled(label, &detail),
                _ => page.wrapped(&format!("{label}: {detail}"), 2),
            };
        }
    }
    text
}

/// Returns the plan as GitHub-flavoured Markdown.
pub fn plan_markdown(report: &PlanReport) -> String {
    let mut text = format!("**{}**\n\n{}\n\n", escaped(&headline(report)), escaped(&report.rules));
    let rows: Vec<Vec<String>> = shown(report)
        .map(|statement| {
            let cells = row(statement).into_iter().enumerate();
            cells
                .map(|(place, cell)| match place {
                    1 => code(&cell),
                    _ => cell.lines().map(escaped).collect::<Vec<_>>().join("<br>"),
                })
                .collect()
        })
        .collect();
    text += &markdown_rows(&HEADER, &rows);
    for statement in told(report).filter(|statement| !details(statement).is_empty()) {
        text += &format!(
            "\n{}. {}\n\n",
            statement.number,
            code(&text::shortened(&statement.statement, STATEMENT_LENGTH))
        );
        let lines: Vec<String> = details(statement)
            .into_iter()
            .map(|(label, detail)| format!("{label}: {detail}"))
            .collect();
        text += &bullets(&lines);
    }
    text
}

const HEADER: [&str; 7] = [
    "#",
    "Statement",
    "Kind",
    "Locks",
    "Blocks",
    "Rewrites, scans",
    "Transaction",
];

fn shown(report: &PlanReport) -> impl Iterator<Item = &StatementReport> {
    report
        .statements
        .iter()
        .filter(|statement| !statement.is_transaction_edge)
}

/// Returns the statements of which something is told: those shown, and what begins or ends a transaction where that
/// surprises.
fn told(report: &PlanReport) -> impl Iterator<Item = &StatementReport> {
    let told = |statement: &&StatementReport| !statement.is_transaction_edge || !statement.warnings.is_empty();
    report.statements.iter().filter(told)
}

fn headline(report: &PlanReport) -> String {
    let statements = shown(report).count();
    let strong = shown(report).filter(|statement| statement.safe_form.is_some()).count();
    let all = counted(statements, "statement", "statements");
    match strong {
        0 => format!("{all}; none is known to hold a strong lock for long."),
        strong => format!("{all}; {strong} may hold a strong lock for long."),
    }
}

fn row(statement: &StatementReport) -> Vec<String> {
    let lines = |cells: Vec<String>| {
        if cells.is_empty() {
            "–".to_string()
        } else {
            cells.join("\n")
        }
    };
    let locks = statement.locks.iter();
    let storage = statement
        .rewritten
        .iter()
        .map(|name| format!("rewrites {}", text::one_line(name)));
    let scanned = statement
        .scanned
        .iter()
        .filter(|name| !statement.rewritten.contains(name));
    let storage = storage.chain(scanned.map(|name| format!("scans {}", text::one_line(name))));
    vec![
        statement.number.to_string(),
        text::shortened(&statement.statement, STATEMENT_LENGTH),
        words::kind_name(statement.step_kind).to_string(),
        lines(
            locks
                .clone()
                .map(|lock| format!("{} on {}", words::lock_name(lock.mode), text::one_line(&lock.relation)))
                .collect(),
        ),
        lines(locks.map(|lock| blocks(lock.mode).to_string()).collect()),
        lines(storage.collect()),
        transaction(statement.transaction).to_string(),
    ]
}

fn details(statement: &StatementReport) -> Vec<(&'static str, String)> {
    let warnings = statement.warnings.iter().map(|remark| ("warning", remark.text.clone()));
    let rollback = statement.rollback.iter().map(|rollback| ("rollback", rollback.clone()));
    let safe_form = statement.safe_form.iter().map(|form| ("safe form", form.clone()));
    warnings.chain(safe_form).chain(rollback).collect()
}

/// Returns what a lock blocks; the weaker modes conflict only with the strongest DDL.
fn blocks(mode: LockMode) -> &'static str {
    match mode {
        LockMode::AccessExclusive => "reads, writes, vacuum, DDL",
        LockMode::Exclusive | LockMode::ShareRowExclusive | LockMode::Share => "writes, vacuum, DDL",
        LockMode::ShareUpdateExclusive => "vacuum, DDL",
        LockMode::RowExclusive | LockMode::RowShare | LockMode::AccessShare => "DDL",
    }
}

fn transaction(rule: TransactionRule) -> &'static str {
    match rule {
        TransactionRule::Required => "required",
        TransactionRule::Allowed => "allowed",
        TransactionRule::Forbidden => "forbidden",
    }
}
