//! What earlier steps left in their session and a new session lacks: settings are made again; anything that cannot be
//! restored is refused. Pure.

use crate::error::{Error, ErrorKind, Result};
use crate::migration::{Step, command};

/// Words that mark statements which leave something in their session.
const STAYS_IN_THE_SESSION: [&str; 5] = ["TEMP", "TEMPORARY", "PG_TEMP", "HOLD", "PG_ADVISORY_LOCK"];

/// Words that may stand between `CREATE` and the kind of object, if that can be temporary.
const BEFORE_THE_KIND: [&str; 8] = [
    "OR",
    "REPLACE",
    "GLOBAL",
    "LOCAL",
    "TEMP",
    "TEMPORARY",
    "UNLOGGED",
    "RECURSIVE",
];

/// Returns the statements of `done` that a new session must repeat.
///
/// # Errors
/// `Usage` when one of them left something that no statement can restore.
pub fn statements_to_repeat(done: &[Step]) -> Result<Vec<&str>> {
    let mut repeated = Vec::new();
    for step in done {
        let sql = step.sql.as_str();
        let words: Vec<String> = words(sql).collect();
        match command(sql).as_str() {
            "SET" | "RESET"
                if words
                    .get(1)
                    .is_some_and(|word| word == "LOCAL" || word == "CONSTRAINTS") => {}
            "SET" | "RESET" | "PREPARE" | "LISTEN" | "LOAD" => repeated.push(sql),
            "SELECT" if words.iter().any(|word| word == "SET_CONFIG") => repeated.push(sql),
            command if leaves_something(command, &words) => {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!(
                        "step {} at {} left something in its session, which is gone",
                        step.number,
                        step.location()
                    ),
                )
                .with_hint("rehearse again, on a new clone"));
            }
            _ => {}
        }
    }
    Ok(repeated)
}

/// Returns whether a statement with this command may leave something in its session. A column may be called `temp`.
fn leaves_something(command: &str, words: &[String]) -> bool {
    let locks = words.iter().any(|word| word == "PG_ADVISORY_LOCK");
    match command.split(' ').next().unwrap_or_default() {
        "UPDATE" | "INSERT" | "DELETE" | "MERGE" | "ALTER" | "DROP" | "COMMENT" | "COPY" => locks,
        "CREATE" => {
            let kind = words.iter().skip(1);
            let mut modifiers = kind.take_while(|word| BEFORE_THE_KIND.contains(&word.as_str()));
            locks || modifiers.any(|word| word.starts_with("TEMP")) || words.iter().any(|word| word == "PG_TEMP")
        }
        _ => words.iter().any(|word| STAYS_IN_THE_SESSION.contains(&word.as_str())),
    }
}

fn words(sql: &str) -> impl Iterator<Item = String> + '_ {
    sql.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::StepKind;

    fn step(sql: &str) -> Step {
        Step {
            number: 1,
            kind: StepKind::Unclassified,
            sql: sql.to_string(),
            file: None,
            line: 1,
            table: None,
            transaction_block: None,
            way_out: None,
            joins: false,
            batching: None,
            notes: Vec::new(),
        }
    }

    fn check(sql: &str, expected: Option<bool>) {
        let repeated = statements_to_repeat(&[step(sql)].map(|step| step))
            .map(|found| !found.is_empty())
            .ok();
        assert_eq!(repeated, expected, "{sql}");
    }

    #[test]
    fn settings_are_made_again_and_what_is_gone_is_refused() {
        check("SET search_path = app", Some(true));
        check("SELECT pg_catalog.set_config('search_path', '', false)", Some(true));
        check("SET LOCAL work_mem = '1GB'", Some(false));
        check("RESET ALL", Some(true));
        check("ALTER TABLE orders ADD COLUMN note text", Some(false));
        check("UPDATE orders SET note = 'x'", Some(false));
        check("UPDATE weather SET temp = temp + 1", Some(false));
        check("CREATE TABLE readings (temp int)", Some(false));
        check("CREATE TEMP TABLE ids AS SELECT 1", None);
        check("SELECT pg_advisory_lock(1)", None);
        check("DO $$ BEGIN CREATE TEMPORARY TABLE ids (); END $$", None);
    }
}
