//! What earlier steps left in their session and a new session lacks: settings are made again; anything that cannot be
//! restored is refused. Pure.

use crate::error::{Error, ErrorKind, Result};
use crate::migration::{LeftInSession, Step, left_in_session};

/// Returns the statements of `done` that a new session must repeat.
///
/// # Errors
/// `Usage` when one of them left something that no statement can restore.
pub fn statements_to_repeat(done: &[Step]) -> Result<Vec<&str>> {
    let mut repeated = Vec::new();
    for step in done {
        match left_in_session(&step.sql) {
            LeftInSession::Nothing => {}
            LeftInSession::Setting => repeated.push(step.sql.as_str()),
            LeftInSession::Lost => {
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
        }
    }
    Ok(repeated)
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
