//! Checks whether a new migration is slower than in an earlier rehearsal of it, from an earlier push or another branch.

use super::super::{compare, output, repository::path_in_repository};
use super::configuration::Regression;
use crate::error::Result;
use crate::model::compare::{CompareOptions, Comparison, NamedRehearsal};
use crate::observation::Rehearsal;
use crate::report;
use crate::report::ci::Verdict;

/// Compares each rehearsal with the baseline's of the same name and adds the findings to the verdicts; `None`, with a
/// message, if there is nothing to compare with.
///
/// # Errors
/// `Usage` when a file of the baseline is damaged.
pub fn judge(
    regression: &Regression,
    rehearsed: Vec<Rehearsal>,
    verdicts: &mut [Verdict],
    seed: u64,
) -> Result<Option<Comparison>> {
    let baseline = regression.baseline.display();
    if !regression.baseline.exists() {
        output::print_note(&format!("no baseline yet at {baseline}: nothing is compared with it"));
        return Ok(None);
    }
    let base = compare::read(&regression.baseline)?;
    let new: Vec<NamedRehearsal> = rehearsed
        .into_iter()
        .map(|rehearsal| NamedRehearsal {
            name: rehearsal.migration.clone(),
            rehearsal,
        })
        .collect();
    if !new.iter().any(|new| base.iter().any(|base| base.name == new.name)) {
        output::print_note(&format!("the baseline at {baseline} has none of the new migrations"));
        return Ok(None);
    }
    let options = CompareOptions {
        margin: regression.margin,
        seed,
        ..CompareOptions::default()
    };
    let comparison = crate::model::compare::compare(&base, &new, &options)?;
    for mut finding in report::comparison_findings(&comparison) {
        finding.file = path_in_repository(&finding.file);
        if let Some(verdict) = verdicts.iter_mut().find(|verdict| verdict.migration == finding.file) {
            verdict.findings.push(finding);
        }
    }
    Ok(Some(comparison))
}
