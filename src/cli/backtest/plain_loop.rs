//! The truth: the whole work of a family by a plain loop, as a team would write it.
//!
//! It shares no code with the replay: `BEGIN`, the statement, `COMMIT`, and one look-up a batch where it walks by rows.

use std::time::Instant;

use postgres::{Client, SimpleQueryMessage};

use crate::error::{ErrorKind, Result};
use crate::model::backtest::{Family, WalkedWork, Work};
use crate::server::server_error;

/// How long the whole work took, in seconds.
pub struct WholeRun {
    /// All of it.
    pub seconds: f64,
    /// Each batch with its look-up; empty for a single statement.
    pub batches: Vec<f64>,
}

/// Does the whole work of `family`.
///
/// # Errors
/// `Connection` when a statement fails or is cancelled.
pub fn run(client: &mut Client, family: &Family) -> Result<WholeRun> {
    let begin = Instant::now();
    let batches = match &family.work {
        Work::Statement(sql) => client.batch_execute(sql).map(|()| Vec::new()),
        Work::Walk(walk) if walk.by_rows => by_rows(client, walk),
        Work::Walk(walk) => by_range(client, walk),
    };
    let batches = batches.map_err(|error| server_error(&error, ErrorKind::Connection).in_context(&family.name))?;
    Ok(WholeRun {
        seconds: begin.elapsed().as_secs_f64(),
        batches,
    })
}

/// Looks up the last key of each batch and changes the rows up to it.
fn by_rows(client: &mut Client, walk: &WalkedWork) -> Result<Vec<f64>, postgres::Error> {
    let WalkedWork {
        table, key, predicate, ..
    } = walk;
    let (mut seconds, mut after) = (Vec::new(), None);
    loop {
        let begin = Instant::now();
        let from = bound(key, ">", after.as_deref());
        let last = format!(
            "SELECT {key} FROM {table} WHERE {predicate}{from} ORDER BY {key} OFFSET {} LIMIT 1",
            walk.batch_size - 1
        );
        let last = values(client, &last)?.into_iter().flatten().next();
        change(client, walk, &format!("{from}{}", bound(key, "<=", last.as_deref())))?;
        seconds.push(begin.elapsed().as_secs_f64());
        if last.is_none() {
            return Ok(seconds);
        }
        after = last;
    }
}

/// Counts through the values of the key, whether they exist or not.
fn by_range(client: &mut Client, walk: &WalkedWork) -> Result<Vec<f64>, postgres::Error> {
    let (key, table) = (&walk.key, &walk.table);
    let ends = values(client, &format!("SELECT min({key}), max({key}) FROM {table}"))?;
    let ends: Vec<i64> = ends.into_iter().flatten().filter_map(|end| end.parse().ok()).collect();
    let mut seconds = Vec::new();
    let [mut low, high] = ends[..] else { return Ok(seconds) };
    while low <= high {
        let begin = Instant::now();
        let next = low + walk.batch_size as i64;
        change(client, walk, &format!(" AND {key} BETWEEN {low} AND {}", next - 1))?;
        seconds.push(begin.elapsed().as_secs_f64());
        low = next;
    }
    Ok(seconds)
}

fn bound(key: &str, operator: &str, value: Option<&str>) -> String {
    // Keys are made of digits and letters, so they need no escaping.
    value.map_or(String::new(), |value| format!(" AND {key} {operator} '{value}'"))
}

fn change(client: &mut Client, walk: &WalkedWork, window: &str) -> Result<(), postgres::Error> {
    client.batch_execute("BEGIN")?;
    client.batch_execute(&format!("{} WHERE {}{window}", walk.statement, walk.predicate))?;
    client.batch_execute("COMMIT")
}

/// Returns the values of the query's first row, `None` for NULL.
fn values(client: &mut Client, sql: &str) -> Result<Vec<Option<String>>, postgres::Error> {
    let messages = client.simple_query(sql)?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let values =
        |row: &postgres::SimpleQueryRow| (0..row.len()).map(|index| row.get(index).map(str::to_string)).collect();
    Ok(row.map_or(Vec::new(), values))
}
