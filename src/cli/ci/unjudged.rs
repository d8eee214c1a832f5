//! Verdicts on what `migtime ci` could not judge: a job that breaks off must not look green in any file.

use super::pending::Pending;
use crate::cli::repository::path_in_repository;
use crate::error::{Error, ErrorKind};
use crate::report::ci::{Finding, Rule, Verdict};

/// Returns the verdict that stands in the files until there is another: a job that is killed cannot write one.
pub fn cut_off(migrations: &str) -> Verdict {
    verdict(
        path_in_repository(migrations),
        "not judged: the job has not come to its end",
    )
}

/// Says in `verdicts`, those on what was changed and then those on what is new, that the job ended with `error`: of each new migration
/// without a verdict, else of all that are new, and where not even these are known of `migrations` as a whole.
pub fn tell(verdicts: &mut Vec<Verdict>, pending: Option<&Pending>, migrations: &str, error: &Error) {
    let words = words(error);
    let (changed, new) = match pending {
        Some(pending) => (pending.changed.len(), pending.new.as_slice()),
        None => (0, [].as_slice()),
    };
    let judged = verdicts.len().saturating_sub(changed);
    let left = new.iter().skip(judged);
    let left: Vec<Verdict> = left
        .map(|migration| verdict(path_in_repository(migration.up.file()), &words))
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
