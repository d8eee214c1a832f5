//! A view of the statements' session from another session: its locks, its waits and its progress.
//!
//! The progress comes from `pg_stat_progress_create_index`, `_cluster`, `_vacuum`, `_analyze` and `_copy`. Other
//! statements, such as an `ALTER TABLE` that rewrites, have no such view. The views' tuple columns stay 0 or mean
//! little, so progress counts blocks.

use postgres::{Client, Row, Statement};

use super::sightings::Look;

/// The progress of a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementProgress {
    /// The current phase in the server's words, e.g. `building index: scanning table`.
    pub phase: String,
    /// How much of the phase is done; `None` where the server does not know the total.
    pub share: Option<PhaseShare>,
}

/// How much of a phase is done.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseShare {
    /// The amount done, in `unit`s.
    pub done: f64,
    /// The total of this phase, in `unit`s, above 0.
    pub total: f64,
    /// What is counted: `blocks`, `bytes`, `transactions`, `indexes`, `partitions`.
    pub unit: String,
}

/// A session that polls another; its query is prepared once.
pub struct SessionView {
    client: Client,
    statement: Statement,
    worker: i32,
}

impl SessionView {
    /// Prepares to poll the session with process id `worker`.
    pub fn new(mut client: Client, version_num: u32, worker: i32) -> Result<SessionView, postgres::Error> {
        let statement = client.prepare(&look_sql(version_num))?;
        Ok(SessionView {
            client,
            statement,
            worker,
        })
    }

    /// Polls once.
    pub fn look(&mut self) -> Result<(Look, Option<StatementProgress>), postgres::Error> {
        let rows = self.client.query(&self.statement, &[&self.worker])?;
        let mut look = Look::default();
        for row in &rows {
            if let (Some(relation), Some(mode)) = (row.try_get(5)?, row.try_get(6)?) {
                look.locks.insert((relation, mode));
            }
        }
        let Some(row) = rows.first() else {
            return Ok((look, None));
        };
        let wait_event: Option<String> = row.try_get(0)?;
        let progress = progress(row)?;
        look.waiting_for = wait_event.map(|event| match &progress {
            Some(progress) if progress.phase.starts_with("waiting") => progress.phase.clone(),
            _ => format!("Lock: {event}"),
        });
        Ok((look, progress))
    }
}

fn progress(row: &Row) -> Result<Option<StatementProgress>, postgres::Error> {
    let Some(phase) = row.try_get::<_, Option<String>>(1)? else {
        return Ok(None);
    };
    let (done, total): (Option<i64>, Option<i64>) = (row.try_get(2)?, row.try_get(3)?);
    let unit: Option<String> = row.try_get(4)?;
    let share = match (done, total, unit) {
        (Some(done), Some(total), Some(unit)) if total > 0 => Some(PhaseShare {
            done: done.min(total) as f64,
            total: total as f64,
            unit,
        }),
        _ => None,
    };
    Ok(Some(StatementProgress { phase, share }))
}

fn look_sql(version_num: u32) -> String {
    format!(
        "SELECT CASE WHEN a.wait_event_type = 'Lock' THEN a.wait_event END, \
                p.phase, p.done::bigint, p.total::bigint, p.unit, l.relation, l.mode \
         FROM pg_catalog.pg_stat_activity a \
         LEFT JOIN ({}) p ON p.pid = a.pid \
         LEFT JOIN pg_catalog.pg_locks l ON l.pid = a.pid AND l.locktype = 'relation' AND l.granted \
              AND l.relation >= 16384 AND l.database = a.datid \
         WHERE a.pid = $1",
        progress_sql(version_num)
    )
}

/// Returns a query for `pid, phase, done, total, unit` over the progress views of this server version.
fn progress_sql(version_num: u32) -> String {
    const CREATE_INDEX: &str = "SELECT pid, phase, \
        CASE WHEN phase LIKE 'waiting%' THEN lockers_done WHEN blocks_total > 0 THEN blocks_done \
        ELSE partitions_done END AS done, \
        CASE WHEN phase LIKE 'waiting%' THEN lockers_total WHEN blocks_total > 0 THEN blocks_total \
        ELSE partitions_total END AS total, \
        CASE WHEN phase LIKE 'waiting%' THEN 'transactions' WHEN blocks_total > 0 THEN 'blocks' \
        ELSE 'partitions' END AS unit \
        FROM pg_catalog.pg_stat_progress_create_index";
    const CLUSTER: &str = "SELECT pid, phase, heap_blks_scanned, CASE WHEN phase LIKE '%scanning heap%' \
                           THEN heap_blks_total END, 'blocks' \
        FROM pg_catalog.pg_stat_progress_cluster";
    const VACUUM: &str = "SELECT pid, phase, CASE phase WHEN 'vacuuming heap' THEN heap_blks_vacuumed \
                          ELSE heap_blks_scanned END, \
        CASE WHEN phase IN ('scanning heap', 'vacuuming heap') THEN heap_blks_total END, 'blocks' \
        FROM pg_catalog.pg_stat_progress_vacuum";
    const VACUUM_17: &str = "SELECT pid, phase, \
        CASE phase WHEN 'vacuuming heap' THEN heap_blks_vacuumed WHEN 'scanning heap' THEN heap_blks_scanned \
        ELSE indexes_processed END, \
        CASE WHEN phase IN ('scanning heap', 'vacuuming heap') THEN heap_blks_total ELSE indexes_total END, \
        CASE WHEN phase IN ('scanning heap', 'vacuuming heap') THEN 'blocks' ELSE 'indexes' END \
        FROM pg_catalog.pg_stat_progress_vacuum";
    const ANALYZE: &str = "SELECT pid, phase, sample_blks_scanned, \
        CASE WHEN phase LIKE 'acquiring%' THEN sample_blks_total END, 'blocks' \
        FROM pg_catalog.pg_stat_progress_analyze";
    const COPY: &str =
        "SELECT pid, command, bytes_processed, bytes_total, 'bytes' FROM pg_catalog.pg_stat_progress_copy";
    let vacuum = if version_num >= 170_000 { VACUUM_17 } else { VACUUM };
    let mut views = vec![CREATE_INDEX, CLUSTER, vacuum];
    views.extend((version_num >= 130_000).then_some(ANALYZE));
    views.extend((version_num >= 140_000).then_some(COPY));
    views.join(" UNION ALL ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_views_of_the_version_are_asked() {
        let has = |version, what: &str| progress_sql(version).contains(what);
        assert!(!has(120_000, "progress_analyze") && has(130_000, "progress_analyze"));
        assert!(!has(130_000, "progress_copy") && has(140_000, "progress_copy"));
        assert!(!has(160_000, "indexes_processed") && has(170_000, "indexes_processed"));
    }
}
