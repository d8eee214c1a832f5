//! Verdicts on what `migtime ci` could not judge: after a job that breaks off, no file may look as if it passed.

use super::pending::Pending;
use crate::cli::repository::path_in_repository;
use crate::error::{Error, ErrorKind};
use crate::report::ci::{Finding, Rule, Verdict};

/// Returns the verdict that is written at the start and later replaced, because a job that is killed cannot write one.
pub fn cut_off(migrations: &str) -> Verdict {
    verdict(
        path_in_repository(migrations),
        "not judged: the job has not come to its end",
    )
}

/// Adds to `verdicts` that the job ended with `error`. `verdicts` holds those on changed migrations and on files that
/// are left out, followed by those on new ones. The addition is for each new migration without a verdict, or else for
/// all new ones, or, if these are not known, for `migrations` as a whole.
pub fn tell(verdicts: &mut Vec<Verdict>, pending: Option<&Pending>, migrations: &str, error: &Error) {
    let words = words(error);
    let (changed, new) = match pending {
        Some(pending) => (pending.changed.len() + pending.left_out.len(), pending.units()),
        None => (0, Vec::new()),
    };
    let judged = verdicts.len().saturating_sub(changed);
    let left = new.iter().skip(judged);
    let left: Vec<Verdict> = left
        .map(|unit| verdict(path_in_repository(unit[0].up.file()), &words))
        .collect();
    if !left.is_empty() {
        verdicts.extend(left);
    } else if judged > 0 {
        for verdict in &mut verdicts[changed..] {
            let finding = Finding::of_migration(Rule::NotJudged, verdict.migration.clone(), words.clone());
            verdict.findings.push(finding);
        }
    } else {
        verdicts.push(verdict(path_in_repository(migrations), &words));
    }
}

fn words(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Interrupted => "not judged: the job was interrupted".to_string(),
        _ => format!("not judged: {}", error.message()),
    }
}

fn verdict(migration: String, words: &str) -> Verdict {
    Verdict {
        findings: vec![Finding::of_migration(Rule::NotJudged, migration.clone(), words)],
        migration,
        ..Verdict::default()
    }
}
