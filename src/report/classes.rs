//! How long each class of change to a table takes: estimated from rehearsals if there are any, else by rule of thumb.

use super::table::ClassEstimate;
use super::words::probability;
use crate::catalog::facts::{RowsSource, TableFacts};
use crate::migration::StepKind;
use crate::model::estimate::Estimate;
use crate::model::rule_of_thumb::{self, UnmeasuredStep};
use crate::model::{self, EstimateOptions, target};
use crate::observation::{Rehearsal, StepRecord};

/// A rehearsal that an earlier command saved.
pub struct PastRehearsal {
    /// The place where it was found.
    pub place: String,
    /// What was measured.
    pub rehearsal: Rehearsal,
}

/// The classes of change, each with its description and whether each row needs a lookup in another table.
const CLASSES: [(StepKind, &str, bool); 6] = [
    (StepKind::Backfill, "UPDATE every row", false),
    (StepKind::Backfill, "UPDATE every row, with a join", true),
    (StepKind::IndexBuild, "CREATE INDEX on one column", false),
    (StepKind::TableRewrite, "rewrite, as for a changed column type", false),
    (StepKind::TableScan, "scan, as for VALIDATE CONSTRAINT", false),
    (StepKind::CatalogOnly, "catalog only, as for ADD COLUMN", false),
];

/// Returns how long each class of change to `table` takes; `past` are the rehearsals on it, the newest first.
pub fn class_estimates(table: &TableFacts, past: &[PastRehearsal], options: &EstimateOptions) -> Vec<ClassEstimate> {
    let mut classes: Vec<(StepKind, ClassEstimate)> = Vec::new();
    for past in past {
        let steps = past
            .rehearsal
            .steps
            .iter()
            .filter(|step| step.table.as_deref() == Some(&table.name));
        for step in steps {
            let known = classes.iter().any(|(_, class)| class.label == label(step));
            if let Some(class) = (!known).then(|| rehearsed(step, past, table, options)).flatten() {
                classes.push((step.kind, class));
            }
        }
    }
    let rehearsed_kinds: Vec<StepKind> = classes.iter().map(|(kind, _)| *kind).collect();
    let thumb = CLASSES.iter().filter(|(kind, ..)| !rehearsed_kinds.contains(kind));
    let thumb = thumb.map(|(kind, words, joins)| by_rule_of_thumb(table, *kind, words, *joins, options));
    classes.into_iter().map(|(_, class)| class).chain(thumb).collect()
}

/// Returns hints on what to do next.
pub fn table_hints(table: &TableFacts, past: &[PastRehearsal]) -> Vec<String> {
    let mut hints = Vec::new();
    if past.is_empty() {
        hints.push(
            "rehearse on a staging clone to replace rules of thumb by measurements: migtime rehearse MIGRATION \
                    --staging URL"
                .to_string(),
        );
    }
    match table.rows_source {
        RowsSource::NeverAnalysed => {
            hints.push("the table was never analysed: ANALYZE it, or count with --sample or --exact".to_string());
        }
        RowsSource::Planner if table.rows_relative_sd > 0.1 => {
            hints.push("much has changed since the last ANALYZE: refine the number of rows with --sample".to_string());
        }
        _ => {}
    }
    hints
}

/// Estimates one rehearsed step for the current size of the table; `None` when its evidence is too thin.
fn rehearsed(
    step: &StepRecord,
    past: &PastRehearsal,
    table: &TableFacts,
    options: &EstimateOptions,
) -> Option<ClassEstimate> {
    let clone = past.rehearsal.tables.iter().find(|clone| clone.name == table.name)?;
    let alone = Rehearsal {
        steps: vec![step.clone()],
        ..past.rehearsal.clone()
    };
    let target = target::grown(step, clone, table);
    let estimate = model::estimate(&alone, &[Some(target)], options).ok()?;
    let day = past.rehearsal.started_at.split('T').next().unwrap_or_default();
    let note = format!("rehearsed on {day}, {}", past.place);
    Some(class(label(step), note, &estimate))
}

fn by_rule_of_thumb(
    table: &TableFacts,
    kind: StepKind,
    words: &str,
    joins: bool,
    options: &EstimateOptions,
) -> ClassEstimate {
    let step = UnmeasuredStep {
        number: 1,
        kind,
        statement: words.to_string(),
        table: Some(table),
        rows: None,
        rows_relative_sd: table.rows_relative_sd,
        joins,
        pause_seconds: 0.0,
    };
    class(
        words.to_string(),
        String::new(),
        &rule_of_thumb::estimate(&[step], options),
    )
}

fn class(label: String, mut note: String, estimate: &Estimate) -> ClassEstimate {
    if let Some(fits) = estimate.total.fits_window {
        let separator = if note.is_empty() { "" } else { "; " };
        note = format!(
            "{note}{separator}fits the window with probability {}",
            probability(fits.probability)
        );
    }
    ClassEstimate {
        label,
        point_seconds: estimate.total.point_seconds,
        intervals: estimate.total.intervals.clone(),
        rows_per_second: estimate.steps.first().and_then(|step| step.rows_per_second),
        basis: estimate.basis,
        note,
    }
}

fn label(step: &StepRecord) -> String {
    step.statement.split_whitespace().collect::<Vec<_>>().join(" ")
}
