//! One unbatched step of a rehearsal: runs it under observation and records what it did or how it failed.

use std::time::Instant;

use postgres::error::SqlState;

use super::lock_waits::{add_wait, total_seconds};
use super::session::{Session, StatementFailed, StatementMeasured};
use crate::error::Result;
use crate::migration::{RowCheck, Step, StepKind, equivalent_check, row_check};
use crate::observation::{EndReason, Observation, WaitRecord};
use crate::quoting::literal;
use crate::rehearsal::monitor::RehearsalMonitor;
use crate::rehearsal::walker::Walker;

/// The savepoint to which a transaction block returns when one of its statements is skipped.
const SAVEPOINT: &str = "SAVEPOINT migtime_step";
const RELEASE_SAVEPOINT: &str = "RELEASE SAVEPOINT migtime_step";
const BACK_TO_SAVEPOINT: &str = "ROLLBACK TO SAVEPOINT migtime_step; RELEASE SAVEPOINT migtime_step";

impl Walker<'_> {
    /// Runs a statement and records it as step `index`.
    pub(in crate::rehearsal) fn statement(&mut self, index: usize, step: &Step) -> Result<()> {
        let may_be_passed_over = step.transaction_block.is_some() && self.replayed_in_part(index).is_some();
        if may_be_passed_over {
            // Without the savepoint, a check that needs the whole backfill would also abort the rest of its block.
            self.execute(SAVEPOINT)?;
        }
        let begin = Instant::now();
        let measured = self.in_session(|session| match step.transaction_block {
            Some(_) => session.run_in_block(&step.sql),
            None => session.run_alone(&step.sql),
        });
        // For a statement outside a transaction, only the whole time is known.
        let whole = [(begin, Instant::now())];
        let busy = measured.as_ref().map(|measured| measured.busy.as_slice());
        let busy = busy.ok().filter(|busy| !busy.is_empty()).unwrap_or(&whole);
        let waits = busy
            .iter()
            .flat_map(|(begin, end)| self.observer.lock_waits(*begin, *end));
        let waits: Vec<WaitRecord> = waits.collect();
        let events = self.observer.take_events(self.run, step.number, begin);
        self.rehearsal.events.extend(events);
        match measured {
            Ok(mut measured) => {
                add_lock_waits(&mut measured, waits);
                self.record_statement(index, begin, measured);
                if may_be_passed_over {
                    self.execute(RELEASE_SAVEPOINT)?;
                }
            }
            Err(failed) => self.statement_failed(index, step, failed)?,
        }
        self.save_if_due();
        Ok(())
    }

    /// Runs something in the session that runs the steps, observed.
    fn in_session<T>(&mut self, run: impl FnOnce(&mut Session) -> T) -> T {
        let parameters = self.clone.parameters().clone();
        let monitor: &dyn RehearsalMonitor = self.monitor;
        let log = self.journal.log();
        let mut session = Session {
            log: &log,
            process: self.worker,
            parameters: &parameters,
            client: self.clone.client(),
            version_num: self.rehearsal.server.version_num,
            lock_timeout: self.conditions.lock_timeout,
            view: &mut self.view,
            listener: &|| monitor.progress_listener(),
        };
        run(&mut session)
    }

    fn record_statement(&mut self, index: usize, begin: Instant, measured: StatementMeasured) {
        if let Some((_, _, steps)) = &mut self.open_block {
            steps.push(index);
        }
        let run = self.run;
        let work = (run == 0).then(|| self.named_as_at_first(&measured.work));
        let record = &mut self.rehearsal.steps[index];
        record.observations.push(Observation {
            run,
            segment: 0,
            rows: measured.rows,
            seconds: measured.seconds,
            waited_seconds: measured.waited_seconds,
            wal_bytes: Some(measured.wal_bytes),
            full_page_images: None,
            position: 0.0,
            elapsed: begin.elapsed().as_secs_f64(),
            warm_up: false,
        });
        record.complete = true;
        record.failed_attempts.extend(measured.failed_attempts);
        if run == 0 {
            record.wal_bytes = Some(measured.wal_bytes);
            record.locks = measured.locks;
            record.rewritten = measured.rewritten;
            record.scanned = measured.scanned;
            record.disk = measured.disk;
            record.work = work;
            record.waits = measured.waits;
            record.notes.extend(measured.notes);
        }
    }

    /// Records a failed statement, and decides whether the failure ends the rehearsal.
    fn statement_failed(&mut self, index: usize, step: &Step, mut failed: StatementFailed) -> Result<()> {
        let record = &mut self.rehearsal.steps[index];
        record.failed_attempts.append(&mut failed.attempts.clone());
        let detached = failed.detached.drain(..);
        record.notes.extend(
            detached.map(|name| format!("failed, and left the partition {name} half detached; detached it wholly")),
        );
        if failed.interrupted && failed.remedies.is_empty() && failed.error.code() == Some(&SqlState::QUERY_CANCELED) {
            self.reason = EndReason::Interrupted;
            return Ok(());
        }
        match self.cause_in_a_part(index, &failed) {
            Some(reason) => {
                if step.transaction_block.is_some() {
                    self.execute(BACK_TO_SAVEPOINT)?;
                }
                let reason = if self.measure_equivalent(index, step)? {
                    format!("{reason}; its time is that of a check of all rows that always holds")
                } else {
                    reason
                };
                self.rehearsal.steps[index].passed_over = Some(reason);
                Ok(())
            }
            None => {
                let refused_in_transaction = failed.error.code() == Some(&SqlState::ACTIVE_SQL_TRANSACTION);
                let error = failed.describe(self.conditions.lock_timeout);
                let error = self.clone.naming_holder(error, &failed.error, step.table.as_deref());
                let error = self.rehearsal.steps[index].naming(error);
                Err(match &step.way_out {
                    Some(way_out) if refused_in_transaction => error.with_hint(way_out),
                    _ => error,
                })
            }
        }
    }

    /// Measures what the check of a failed statement costs on a check that always holds, and takes that back. Returns
    /// whether there is one.
    fn measure_equivalent(&mut self, index: usize, step: &Step) -> Result<bool> {
        // After a check that needs the whole backfill too, the statement would read nothing.
        if step.kind != StepKind::TableScan {
            return Ok(false);
        }
        let Some((table, condition, is_validation)) = self.checked_condition(&step.sql) else {
            return Ok(false);
        };
        let (prepare, sql) = equivalent_check(&table, &condition, is_validation);
        let (enter, leave) = match step.transaction_block {
            Some(_) => (SAVEPOINT, BACK_TO_SAVEPOINT),
            None => ("BEGIN", "ROLLBACK"),
        };
        self.execute(enter)?;
        let begin = Instant::now();
        let is_prepared = prepare.is_none_or(|sql| self.execute(&sql).is_ok());
        let measured = is_prepared.then(|| self.in_session(|session| session.run_in_block(&sql)));
        self.execute(leave)?;
        let events = self.observer.take_events(self.run, step.number, begin);
        match measured {
            Some(Ok(measured)) => {
                self.rehearsal.events.extend(events);
                self.record_statement(index, begin, measured);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Returns the table and the condition that a statement checks in all rows, and whether it validates a constraint
    /// that is there.
    fn checked_condition(&mut self, sql: &str) -> Option<(String, String, bool)> {
        match row_check(sql)? {
            RowCheck::Condition { table, condition } => Some((table, condition, false)),
            RowCheck::Constraint { table, name } => {
                let sql = format!(
                    "SELECT pg_catalog.pg_get_expr(conbin, conrelid) FROM pg_catalog.pg_constraint \
                     WHERE conrelid = {}::regclass AND conname = {} AND contype = 'c'",
                    literal(&table),
                    literal(&name)
                );
                // Without the condition, the step stays unmeasured.
                let row = self.clone.client().query_opt(&sql, &[]).ok()??;
                Some((table, row.get::<_, Option<String>>(0)?, true))
            }
        }
    }

    /// Returns the note for a check that failed only because an earlier backfill was replayed in part: that is no
    /// evidence against the migration.
    fn cause_in_a_part(&self, index: usize, failed: &StatementFailed) -> Option<String> {
        const VIOLATIONS: [SqlState; 5] = [
            SqlState::NOT_NULL_VIOLATION,
            SqlState::CHECK_VIOLATION,
            SqlState::FOREIGN_KEY_VIOLATION,
            SqlState::UNIQUE_VIOLATION,
            SqlState::EXCLUSION_VIOLATION,
        ];
        let violated = failed.error.code().is_some_and(|code| VIOLATIONS.contains(code));
        let earlier = self.replayed_in_part(index).filter(|_| violated)?;
        Some(format!(
            "it needs the whole of {earlier}, of which only a part was replayed; rehearse with --full to judge it"
        ))
    }

    /// Describes the backfill before step `index` that was replayed only in part, if there is one.
    fn replayed_in_part(&self, index: usize) -> Option<String> {
        let mut earlier = self.rehearsal.steps[..index].iter();
        let partial = earlier.find(|earlier| earlier.batching.is_some() && !earlier.complete);
        let here = partial.map(|earlier| format!("step {}", earlier.number));
        let before = self.conditions.after_part_of;
        here.or_else(|| before.map(|number| format!("the migration's step {number}")))
    }
}

/// Adds the waits that the observer saw, unless the statement was watched closely: its own waits are then more exact.
fn add_lock_waits(measured: &mut StatementMeasured, waits: Vec<WaitRecord>) {
    if measured.waited_seconds.is_none() && measured.waits.is_empty() && !waits.is_empty() {
        measured.waited_seconds = Some(total_seconds(&waits).min(measured.seconds));
        waits.into_iter().for_each(|wait| add_wait(&mut measured.waits, wait));
    }
}
