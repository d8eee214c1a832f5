//! Names and fingerprints that do not change from run to run: no line numbers, no row counts, no times.

use super::{Finding, StatementVerdict, Verdict};
use crate::migration::command;

/// The name of the migration as a whole, next to its statements.
pub(super) const WHOLE: &str = "whole migration";

/// The longest name that all services accept (Bencher's limit of 1,024 characters).
const LONGEST: usize = 1024;

/// Returns `#2 CREATE INDEX`.
pub(super) fn title(statement: &StatementVerdict) -> String {
    format!("#{} {}", statement.number, command(&statement.sql))
        .trim_end()
        .to_string()
}

/// Returns `migrations/0042_orders.sql / #2 CREATE INDEX`, or the same form for the whole migration.
pub(super) fn series(verdict: &Verdict, statement: Option<&StatementVerdict>) -> String {
    let part = statement.map_or(WHOLE.to_string(), title);
    shortened(format!("{} / {part}", verdict.name()))
}

/// Returns `migrations/0042_orders.sql/2-create-index`, or the same form for the whole migration.
pub(super) fn slug(verdict: &Verdict, statement: Option<&StatementVerdict>) -> String {
    let part = match statement {
        Some(statement) => format!("{} {}", statement.number, command(&statement.sql)),
        None => WHOLE.to_string(),
    };
    let part = part.trim_end().to_ascii_lowercase().replace(' ', "-");
    shortened(format!("{}/{part}", verdict.name()))
}

/// Shortens a name that is too long at the beginning, because its end distinguishes the statements.
fn shortened(name: String) -> String {
    let excess = name.chars().count().saturating_sub(LONGEST);
    name.chars().skip(excess).collect()
}

/// Returns a fingerprint for each finding of a verdict, in their order. It does not change when lines move, and differs
/// between two findings of the same rule in the same statement.
pub(super) fn fingerprints(verdict: &Verdict) -> Vec<String> {
    let mut seen: Vec<u64> = Vec::new();
    let of = |finding: &Finding| {
        let statement = verdict
            .statements
            .iter()
            .find(|statement| Some(statement.number) == finding.statement);
        let words = statement.map_or(String::new(), |statement| {
            statement.sql.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        let hash = hash(&format!("{}\0{}\0{words}", finding.rule.id(), finding.file));
        seen.push(hash);
        let occurrence = seen.iter().filter(|other| **other == hash).count();
        format!("{hash:016x}:{occurrence}")
    };
    verdict.findings.iter().map(of).collect()
}

/// FNV-1a with 64 bits (draft-eastlake-fnv, section 3): short, and the same in every version of this program.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn names_tell_migration_number_and_command() {
        let verdict = example::verdict();
        let index = &verdict.statements[1];
        assert_eq!(title(index), "#2 CREATE INDEX");
        assert_eq!(
            series(&verdict, Some(index)),
            "migrations/0042 orders.sql / #2 CREATE INDEX"
        );
        assert_eq!(slug(&verdict, Some(index)), "migrations/0042 orders.sql/2-create-index");
        assert_eq!(slug(&verdict, None), "migrations/0042 orders.sql/whole-migration");
        assert_eq!(shortened("x".repeat(2000)).chars().count(), LONGEST);
    }

    #[test]
    fn fingerprints_stay_when_lines_move() {
        let verdict = example::verdict();
        let before = fingerprints(&verdict);
        let mut moved = verdict.clone();
        for finding in &mut moved.findings {
            finding.line += 7;
        }
        for statement in &mut moved.statements {
            statement.line += 7;
            statement.sql = statement.sql.replace(' ', "\n  ");
        }
        assert_eq!(fingerprints(&moved), before);
        let mut distinct = before.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), before.len());
    }

    // The test vectors of the draft's appendix C.
    #[test]
    fn hashes_are_those_of_the_draft() {
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
