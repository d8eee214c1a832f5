//! Surveys a walk before its first batch: how many rows and batches it has, and where they lie in the key space.

use super::walk_plan::{Bounds, WalkPlan};
use crate::catalog::facts::TableFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{Batching, Walk, sample_sql};
use crate::rehearsal::conditions::Conditions;
use crate::rehearsal::failure::failure;
use crate::rehearsal::session_queries::text_rows;
use crate::sampler::{self, SampleOptions};
use crate::server::Staging;

/// Blocks sampled for the quantiles of the key.
const QUANTILE_BLOCKS: u64 = 2_000;
/// Blocks sampled to count the rows of a walk that is replayed whole. Such a walk counts its rows itself; only its
/// progress and the recorded positions depend on the sample.
const BLOCKS_BEFORE_A_WHOLE_WALK: u64 = 1_000;
/// Share of wanted rows from which a walk counts as dense: 1 in 20 rows along the key.
const DENSE: f64 = 0.05;
/// Quantiles of the key that are kept to find a segment's first key.
const QUANTILES: u64 = 1_000;

/// Reads from the clone what the walk of `batching` needs to know, given the changes that earlier steps made to the
/// table.
///
/// # Errors
/// `TooLittleEvidence` when there is nothing to process; `MigrationFailed` when the server refuses the predicate;
/// `Usage` when an earlier step dropped the table; `Interrupted`.
pub(in crate::rehearsal) fn survey(
    clone: &mut Staging,
    batching: &Batching,
    conditions: &Conditions,
) -> Result<WalkPlan> {
    let predicate = batching
        .predicate
        .as_deref()
        .map(|condition| (batching.alias.as_str(), condition));
    let (facts, sampled) = clone.read(|reader| {
        let facts = sampler::table(reader, &batching.table)?;
        if conditions.count_exactly {
            let counted = sampler::exact(reader, &facts, predicate)?;
            return Ok((facts, counted));
        }
        let options = if conditions.full {
            SampleOptions {
                blocks: BLOCKS_BEFORE_A_WHOLE_WALK,
            }
        } else {
            SampleOptions::default()
        };
        let sampled = sampler::sample(reader, &facts, predicate, conditions.seed, options)?;
        // A sample without a match does not prove that no row matches.
        if sampled.matching.is_some_and(|matching| matching.rows < 1.0) {
            sampler::exact(reader, &facts, predicate).map(|counted| (facts, counted))
        } else {
            Ok((facts, sampled))
        }
    })?;
    let (total_rows, relative_sd) = match &sampled.matching {
        Some(matching) => (matching.rows, matching.rows_relative_sd),
        None => (sampled.rows, sampled.rows_relative_sd),
    };
    if total_rows < 1.0 {
        return Err(nothing_to_do(batching));
    }
    let bounds = read_bounds(clone, batching, &facts, conditions)?;
    let batch_size = batching.batch_size as f64;
    let total_batches = match (&bounds, batching.walk) {
        (Bounds::Integers { first, last }, _) => ((last - first + 1) as f64 / batch_size).ceil(),
        (Bounds::Quantiles(_), _) => (total_rows / batch_size).ceil(),
    };
    Ok(WalkPlan {
        total_rows,
        total_rows_relative_sd: relative_sd,
        total_batches,
        is_dense: total_rows >= DENSE * sampled.rows,
        bounds,
    })
}

fn read_bounds(
    clone: &mut Staging,
    batching: &Batching,
    facts: &TableFacts,
    conditions: &Conditions,
) -> Result<Bounds> {
    match batching.walk {
        // A whole walk starts at the first key, so it needs no quantiles.
        Walk::Rows if conditions.full => Ok(Bounds::Quantiles(Vec::new())),
        Walk::Rows => read_quantiles(clone, batching, facts, conditions.seed),
        Walk::KeyRange => {
            let range = clone.read(|reader| sampler::key_range(reader, facts, &batching.key[0]))?;
            let (first, last) = range.ok_or_else(|| nothing_to_do(batching))?;
            Ok(Bounds::Integers { first, last })
        }
        Walk::Blocks => {
            let blocks = facts.heap_blocks().max(1);
            Ok(Bounds::Integers {
                first: 0,
                last: i128::from(blocks) - 1,
            })
        }
    }
}

fn read_quantiles(clone: &mut Staging, batching: &Batching, facts: &TableFacts, seed: u64) -> Result<Bounds> {
    let blocks = facts.heap_blocks().max(1);
    let percent = (100.0 * QUANTILE_BLOCKS as f64 / blocks as f64).min(100.0);
    let sql = quantiles_sql(&sample_sql(batching, percent, seed));
    let table = &batching.table;
    let describe = |error: &postgres::Error| failure(error).in_context(format!("looking up the keys of {table}"));
    let rows = clone.look_on(table, |client| text_rows(client, &sql), describe)?;
    let width = batching.key.len();
    Ok(Bounds::Quantiles(
        rows.into_iter().map(|row| row[..width].to_vec()).collect(),
    ))
}

/// Reduces a sorted sample of keys to its quantiles on the server, so that only those are transferred.
fn quantiles_sql(sample: &str) -> String {
    format!(
        "SELECT * FROM (SELECT sample.*, row_number() OVER () AS sample_position, count(*) OVER () AS sample_rows \
         FROM ({sample}) AS sample) AS ranked \
         WHERE (sample_position - 1) % greatest(sample_rows / {QUANTILES}, 1) = 0 ORDER BY sample_position"
    )
}

fn nothing_to_do(batching: &Batching) -> Error {
    let which = match &batching.predicate {
        Some(predicate) => format!("no row of {} meets {predicate}", batching.table),
        None => format!("{} is empty", batching.table),
    };
    Error::new(
        ErrorKind::TooLittleEvidence,
        format!("{which} on the clone: there is nothing to rehearse"),
    )
    .with_hint("is the clone filled, or was this backfill run on it before? Rehearse on a fresh copy of production")
}
