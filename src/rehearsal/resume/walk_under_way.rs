//! Determines how many batches of an interrupted walk are committed, and where it continues.

use postgres::SimpleQueryMessage;

use super::continuation::GoOn;
use super::cut_off::{CutOff, WalkSoFar};
use super::log_line::Start;
use super::transaction_status::{cannot_be_told, set_back, status};
use crate::error::Result;
use crate::migration::{Batching, Step, Walk, Window, condition, inserts, updates};
use crate::observation::UnderWay;
use crate::rehearsal::batches::planned_batch::PlannedBatch;
use crate::rehearsal::failure::failure;
use crate::rehearsal::statements::sub_tables::regclass;
use crate::server::Staging;

/// The transaction numbers stored in rows wrap around here.
const WRAP: u64 = 1 << 32;

/// The range of transaction numbers between a step's begin and now.
#[derive(Clone, Copy)]
pub(super) struct TransactionNumbers {
    /// The first number the step could have.
    pub begun: u64,
    /// The next number the server will assign.
    pub next: u64,
}

/// Tables that the open transaction may write, each with whether it is the walked table or one of its partitions.
const WRITTEN: &str = "SELECT format('%I.%I', n.nspname, c.relname), \
    c.oid = $1 OR c.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree($1)) \
    FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted \
    AND l.mode = 'RowExclusiveLock' \
    AND c.relkind = 'r' AND c.oid >= 16384";

/// A table that a batch writes.
struct Written {
    relation: String,
    is_walked: bool,
}

/// An interrupted walk, and what is known about it.
pub(super) struct WalkUnderWay<'a> {
    pub step: &'a Step,
    pub batching: &'a Batching,
    pub walk: &'a WalkSoFar,
    pub transactions: TransactionNumbers,
    pub version_num: u32,
}

impl WalkUnderWay<'_> {
    /// Determines how the walk continues, and what became of the batch that was under way.
    ///
    /// # Errors
    /// As [`super::settle::settle`].
    pub fn settle(&self, clone: &mut Staging, cut_off: &CutOff) -> Result<(GoOn, UnderWay)> {
        let mut go_on = GoOn {
            observations: self.walk.observations.clone(),
            unmeasured: self.walk.unmeasured,
            ..GoOn::from_the_beginning(&self.walk.plan)
        };
        let Some(place) = self.walk.place else {
            return Ok((go_on, UnderWay::Nothing));
        };
        if place > 0 {
            // An interrupted place is not resumed, whatever became of its batch; the next place begins.
            go_on.place = place + 1;
            return Ok((go_on, UnderWay::LeftBehind));
        }
        let (kept, last) = self.still_committed(clone)?;
        self.check_last(clone, kept, last)?;
        let acknowledged = self.walk.acknowledged.len();
        let lost = acknowledged - kept;
        let unknown = &self.walk.windows[acknowledged.min(self.walk.windows.len())..];
        let committed = match lost {
            // If an acknowledged batch was lost, none after it was committed.
            1.. => 0,
            0 => self.committed(clone, unknown, last, cut_off)?,
        };
        go_on.observations.truncate(go_on.observations.len() - lost);
        go_on.unmeasured = self.walk.unmeasured + committed;
        go_on.start = self.start(kept + committed);
        let under_way = match (committed, unknown.is_empty()) {
            (1.., _) => UnderWay::Committed,
            (0, true) => UnderWay::Nothing,
            (0, false) => UnderWay::NotCommitted,
        };
        Ok((go_on, under_way))
    }

    /// Returns where the walk continues if the first `done` of the planned batches are done.
    fn start(&self, done: usize) -> Option<Start> {
        let Some(last) = done.checked_sub(1).map(|last| &self.walk.windows[last]) else {
            return self.walk.start.clone();
        };
        let next = self.walk.windows.get(done).map(|next| next.position);
        Some(Start {
            after: Some(last.window.end.clone()),
            position: next
                .unwrap_or(last.position + 1.0 / self.walk.plan.total_batches.max(1.0))
                .min(1.0),
        })
    }

    /// Returns how many acknowledged batches are still committed, and the transaction number of the last of them that
    /// has one. A server that crashes loses the latest ones if `synchronous_commit` is off.
    fn still_committed(&self, clone: &mut Staging) -> Result<(usize, Option<u64>)> {
        let acknowledged = &self.walk.acknowledged;
        let mut kept = acknowledged.len();
        for (index, transaction) in acknowledged.iter().enumerate().rev() {
            let Some(transaction) = *transaction else { continue };
            let is_known = transaction < self.transactions.next;
            if is_known && status(clone, transaction)?.unwrap_or(true) {
                return Ok((kept, Some(transaction)));
            }
            kept = index;
        }
        Ok((kept, None))
    }

    /// Checks that the last committed batch is in the clone, if its rows can show that. A clone that was reset and then
    /// used otherwise has given the same number to another transaction.
    fn check_last(&self, clone: &mut Staging, kept: usize, last: Option<u64>) -> Result<()> {
        let (Some(last), Some(index)) = (last, kept.checked_sub(1)) else {
            return Ok(());
        };
        let measured = self.walk.observations.len() - self.walk.acknowledged.len() + index;
        // A batch without rows may still have a number, from a statement trigger.
        let wrote = self.walk.acknowledged[index] == Some(last) && self.walk.observations[measured].rows > 0;
        if !wrote || self.batching.walk == Walk::Blocks || !updates(&self.step.sql) {
            return Ok(());
        }
        if self.holds_newer(clone, &self.walk.windows[index].window, last.saturating_sub(1))? {
            Ok(())
        } else {
            Err(set_back(clone))
        }
    }

    /// Returns how many of the windows in `unknown`, counted from the first, are committed.
    fn committed(
        &self,
        clone: &mut Staging,
        unknown: &[PlannedBatch],
        last: Option<u64>,
        cut_off: &CutOff,
    ) -> Result<usize> {
        let Some(first) = unknown.first() else {
            return Ok(0);
        };
        let newer_than = last.unwrap_or(self.transactions.begun.saturating_sub(1));
        let mut elsewhere = self.written_by(clone, &first.window)?;
        let writes_walked = elsewhere.iter().any(|written| written.is_walked);
        if writes_walked && self.batching.walk != Walk::Blocks && !inserts(&self.step.sql) {
            let mut committed = 0;
            for batch in unknown {
                if !self.holds_newer(clone, &batch.window, newer_than)? {
                    break;
                }
                committed += 1;
            }
            if committed > 0 {
                return Ok(committed);
            }
            elsewhere.retain(|written| !written.is_walked);
        }
        for Written { relation, .. } in &elsewhere {
            let newer = self.is_newer("r", newer_than);
            let sql = format!("SELECT EXISTS (SELECT FROM ONLY {relation} AS r WHERE {newer})");
            if !ask(clone, relation, &sql)? {
                continue;
            }
            if cut_off.may_have_lost_lines() {
                return Err(cannot_be_told(
                    self.step,
                    "this machine was started anew since, and several of its batches may have been",
                ));
            }
            return Ok(1);
        }
        Ok(0)
    }

    /// Returns the tables that the batch of `window` writes, as far as its plan shows.
    fn written_by(&self, clone: &mut Staging, window: &Window) -> Result<Vec<Written>> {
        let template = &self.batching.template;
        let statement = template.render(self.batching, window, self.version_num);
        let walked = regclass(&self.batching.table);
        // Planning takes the same locks as running, without changing anything.
        let sql = format!(
            "BEGIN; EXPLAIN {statement}; {}; ROLLBACK",
            WRITTEN.replace("$1", &walked)
        );
        let messages = clone.client().simple_query(&sql).map_err(|error| failure(&error))?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) if row.len() == 2 => Some(row),
            _ => None,
        });
        Ok(rows
            .map(|row| Written {
                relation: row.get(0).unwrap_or_default().to_string(),
                is_walked: row.get(1) == Some("t"),
            })
            .collect())
    }

    fn holds_newer(&self, clone: &mut Staging, window: &Window, newer_than: u64) -> Result<bool> {
        let (table, alias) = (&self.batching.table, &self.batching.alias);
        let within = condition(self.batching, window, self.version_num);
        let newer = self.is_newer(alias, newer_than);
        ask(
            clone,
            table,
            &format!("SELECT EXISTS (SELECT FROM {table} AS {alias} WHERE {within} AND {newer})"),
        )
    }

    /// Returns the condition that a row of `alias` was written by a transaction after number `transaction`.
    fn is_newer(&self, alias: &str, transaction: u64) -> String {
        let last = transaction % WRAP;
        let span = self.transactions.next.saturating_sub(transaction).saturating_sub(1);
        format!("({alias}.xmin::text::bigint - {last} + {WRAP}) % {WRAP} BETWEEN 1 AND {span}")
    }
}

fn ask(clone: &mut Staging, table: &str, sql: &str) -> Result<bool> {
    let describe = |error: &postgres::Error| failure(error).in_context(format!("looking for rows of {table}"));
    clone.look_on(
        table,
        |client| client.query_one(sql, &[]).map(|row| row.get(0)),
        describe,
    )
}
