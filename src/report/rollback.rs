//! The rollback in words, for every format: does it restore the schema, how long does it take, what does it lock?

use crate::catalog::SchemaDifference;
use crate::model::estimate::{Estimate, RollbackEstimate, interval_at};
use crate::observation::{EndReason, RollbackVerdict};
use crate::report::text;
use crate::report::words;
use crate::units::Seconds;

/// Number of differences that are listed individually.
const MOST_DIFFERENCES: usize = 30;

/// The section as sentences; each format does its own layout.
pub(super) struct RollbackSection {
    /// The answer in one sentence.
    pub answer: String,
    /// The facts, the most important first.
    pub facts: Vec<Fact>,
    /// One line per step: number, duration, interval, locks, statement.
    pub steps: Vec<Vec<String>>,
}

/// A sentence, with the list that follows it.
pub(super) struct Fact {
    /// The sentence.
    pub sentence: String,
    /// The list after its colon; usually empty.
    pub items: Vec<String>,
}

impl Fact {
    fn listing(sentence: impl Into<String>, differences: &[SchemaDifference]) -> Fact {
        let shown = differences.iter().take(MOST_DIFFERENCES);
        let mut items: Vec<String> = shown.map(|difference| text::one_line(&difference.sentence)).collect();
        let more = differences.len().saturating_sub(MOST_DIFFERENCES);
        if more > 0 {
            items.push(format!("and {more} more, in estimate.json"));
        }
        Fact {
            sentence: sentence.into(),
            items,
        }
    }
}

impl From<String> for Fact {
    fn from(sentence: String) -> Fact {
        Fact {
            sentence,
            items: Vec::new(),
        }
    }
}

/// The header of the table [`RollbackSection::steps`].
pub(super) fn header(level: f64) -> [String; 5] {
    let interval = words::interval_head(level);
    ["#", "Statement", "Duration", &interval, "Locks"].map(str::to_string)
}

/// The index of the column with SQL in that table.
pub(super) const STATEMENT: usize = 1;

/// Number of characters of a statement that are shown.
const STATEMENT_LENGTH: usize = 60;

impl RollbackSection {
    /// Describes the rollback; `None` when it was not rehearsed.
    pub fn new(estimate: &Estimate) -> Option<RollbackSection> {
        let back = estimate.rollback.as_ref()?;
        Some(RollbackSection {
            answer: answer(back, estimate.level),
            facts: facts(back),
            steps: back
                .steps
                .iter()
                .map(|step| {
                    let locks: Vec<String> = step.locks.iter().map(words::lock).collect();
                    vec![
                        step.number.to_string(),
                        text::shortened(&step.statement, STATEMENT_LENGTH),
                        Seconds(step.point_seconds).to_string(),
                        words::interval(interval_at(&step.intervals, estimate.level)),
                        if locks.is_empty() {
                            "none seen".to_string()
                        } else {
                            locks.join("; ")
                        },
                    ]
                })
                .collect(),
        })
    }
}

fn answer(back: &RollbackEstimate, level: f64) -> String {
    let file = text::one_line(&back.file);
    let outcome = match back.verdict {
        RollbackVerdict::ComesBack => "brings the schema back as it was, and the migration applies again",
        RollbackVerdict::WithLosses => {
            "brings back what can come back of the schema, and the migration applies again; the losses are named below"
        }
        RollbackVerdict::Differs => "does not bring the schema back",
        RollbackVerdict::NotRepeatable => {
            "brings the schema back, but the migration does not apply a second time as it did"
        }
        RollbackVerdict::Unfinished => "was not rehearsed to its end",
        RollbackVerdict::Failed => "fails",
    };
    let duration = back.total.as_ref().map(|total| {
        let interval = interval_at(&total.intervals, level);
        let caution = if back.too_thin.is_empty() {
            ""
        } else {
            ", provisionally"
        };
        format!(
            "; it takes {}{caution}, with {} probability between {} and {}",
            Seconds(total.point_seconds),
            words::percent(interval.level),
            Seconds(interval.lower_seconds),
            Seconds(interval.upper_seconds)
        )
    });
    format!("The rollback, {file}, {outcome}{}.", duration.unwrap_or_default())
}

fn facts(back: &RollbackEstimate) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    if matches!(back.verdict, RollbackVerdict::Failed | RollbackVerdict::Unfinished) {
        let ended = back.ended.iter();
        facts.extend(ended.map(|ended| format!("It ended so: {}", text::one_line(ended)).into()));
    }
    facts.push(undone(back));
    let lost = back.irreversible.iter();
    facts.extend(lost.map(|lost| {
        format!(
            "Does not come back (line {}): {}.",
            lost.line,
            text::one_line(&lost.what)
        )
        .into()
    }));
    facts.push(reapplied(back));
    facts.extend(
        back.too_thin
            .iter()
            .map(|reason| format!("Provisional: {reason}.").into()),
    );
    facts.extend(back.assumptions.iter().cloned().map(Fact::from));
    facts
}

fn undone(back: &RollbackEstimate) -> Fact {
    let changes = match back.changes {
        1 => "the one change that the migration made to the schema".to_string(),
        changes => format!("the {changes} changes that the migration made to the schema"),
    };
    match &back.differences {
        None => "Nobody compared the schema afterwards.".to_string().into(),
        Some(_) if back.changes == 0 => "The migration changes no schema.".to_string().into(),
        Some(differences) if differences.is_empty() => format!("It undoes {changes}.").into(),
        Some(differences) => Fact::listing(
            format!("Of {changes} it undoes {}. Not as before:", back.undone),
            differences,
        ),
    }
}

fn reapplied(back: &RollbackEstimate) -> Fact {
    let Some(again) = &back.reapplied else {
        return "The migration was not applied again.".to_string().into();
    };
    let failed = matches!(
        again.ended.reason,
        EndReason::Failed | EndReason::ConnectionLost | EndReason::Interrupted
    );
    match &again.differences {
        _ if failed => format!(
            "Applied again, the migration ended so: {}",
            text::one_line(&again.ended.message)
        )
        .into(),
        None => "The migration applied again; nobody compared the schema."
            .to_string()
            .into(),
        Some(differences) if differences.is_empty() => {
            "The migration applied again and left the same schema as the first time."
                .to_string()
                .into()
        }
        Some(differences) => Fact::listing(
            "The migration applied again, but left another schema than the first time:",
            differences,
        ),
    }
}
