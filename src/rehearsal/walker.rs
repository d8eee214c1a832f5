//! The state while the steps of a migration run: the clone, its session, and everything recorded meanwhile.

use std::collections::BTreeMap;
use std::time::Instant;

use super::conditions::Conditions;
use super::failure::failure;
use super::monitor::RehearsalMonitor;
use super::observer::Observer;
use super::resume::GoOn;
use super::saving::journal::Journal;
use super::session_queries;
use super::statements::session_view::SessionView;
use crate::catalog::{MissingIndex, RelationSize};
use crate::error::Result;
use crate::observation::{EndReason, Rehearsal};
use crate::server::Staging;

/// Runs the steps: batched ones in `batches::step`, the others in `statements::step`.
pub(super) struct Walker<'a> {
    pub(super) clone: &'a mut Staging,
    pub(super) observer: Observer,
    /// Process id of the session on the server.
    pub(super) worker: i32,
    /// Polls the session while a statement runs; `None` when its connection was lost.
    pub(super) view: Option<SessionView>,
    pub(super) conditions: &'a Conditions,
    /// Seconds that the backfills may still take.
    pub(super) seconds_left: f64,
    /// How the walk of the first step continues, if it had begun before.
    pub(super) go_on: Option<GoOn>,
    pub(super) run: u32,
    pub(super) rehearsal: &'a mut Rehearsal,
    pub(super) journal: &'a mut Journal,
    pub(super) monitor: &'a mut dyn RehearsalMonitor,
    /// The open transaction block, when its first statement began, and the steps in it.
    pub(super) open_block: Option<(u32, Instant, Vec<usize>)>,
    pub(super) reason: EndReason,
    /// The relations at the beginning of the first run, by object id.
    pub(super) census: BTreeMap<u32, RelationSize>,
    /// The foreign keys without an index at that time.
    pub(super) missing_indexes: Vec<MissingIndex>,
}

impl Walker<'_> {
    /// Returns the number of the open transaction, if it has one and the log needs it.
    pub(super) fn transaction(&mut self) -> Result<Option<u64>> {
        if !self.journal.log().is_on() {
            return Ok(None);
        }
        session_queries::transaction(self.clone.client()).map_err(|error| failure(&error))
    }

    pub(super) fn execute(&mut self, sql: &str) -> Result<()> {
        self.clone.client().batch_execute(sql).map_err(|error| failure(&error))
    }

    pub(super) fn save_if_due(&mut self) {
        if self.journal.is_due() {
            self.journal.try_save(self.rehearsal);
        }
    }
}
