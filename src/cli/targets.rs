//! How large each rehearsed step is in production.
//!
//! The share of rows that a step processes is taken from the clone; the number of rows, and the range of a key, from
//! production's catalog.

use crate::catalog::facts::{Column, TableFacts};
use crate::error::Result;
use crate::migration::Walk;
use crate::model::Target;
use crate::observation::{BatchingRecord, Rehearsal, StepRecord};
use crate::sampler;
use crate::server::{Reader, free_disk};

/// Writes into `rehearsal` what production says: how large each step is there, and how much disk is free.
///
/// # Errors
/// `Usage` when production has no such table; `Connection` when it cannot be read.
pub fn aim(reader: &mut Reader, rehearsal: &mut Rehearsal) -> Result<()> {
    let names: Vec<&str> = rehearsal.tables.iter().map(|table| table.name.as_str()).collect();
    let tables = sampler::tables(reader, &names).map_err(|error| error.in_context("production"))?;
    aim_at(reader, rehearsal, &tables)
}

/// Does the same where the catalog says `tables`.
///
/// # Errors
/// `Connection` when production cannot be read.
pub fn aim_at(reader: &mut Reader, rehearsal: &mut Rehearsal, tables: &[TableFacts]) -> Result<()> {
    rehearsal.targets = of(reader, rehearsal, tables)?;
    rehearsal.free_disk_bytes = free_disk(reader)?;
    Ok(())
}

/// Returns how large each step of `rehearsal` is where the catalog says `tables`; `None` for steps that work on no table.
///
/// # Errors
/// `Connection` when the range of a key cannot be read.
pub fn of(reader: &mut Reader, rehearsal: &Rehearsal, tables: &[TableFacts]) -> Result<Vec<Option<Target>>> {
    rehearsal
        .steps
        .iter()
        .map(|step| {
            let of_step = |table: &&TableFacts| Some(&table.name) == step.table.as_ref();
            match (rehearsal.tables.iter().find(of_step), tables.iter().find(of_step)) {
                (Some(clone), Some(production)) => target(reader, step, clone, production).map(Some),
                _ => Ok(None),
            }
        })
        .collect()
}

/// Returns how large `step`, rehearsed on `clone`, is on `production`.
fn target(reader: &mut Reader, step: &StepRecord, clone: &TableFacts, production: &TableFacts) -> Result<Target> {
    let batches = match &step.batching {
        Some(batching) => batches(reader, batching, production)?,
        None => None,
    };
    Ok(Target {
        batches,
        ..grown(step, clone, production)
    })
}

/// Returns how large `step`, rehearsed on `clone`, is on `production` by the numbers of rows alone.
///
/// A clone without a row does not tell which share of them it processes: then it is all of them.
pub fn grown(step: &StepRecord, clone: &TableFacts, production: &TableFacts) -> Target {
    let growth = production.estimated_rows / clone.estimated_rows.max(1.0);
    let (clone_rows, clone_sd) = clone_rows(step, clone);
    let rows = if clone.estimated_rows < 1.0 && clone_rows < 1.0 {
        production.estimated_rows
    } else {
        clone_rows * growth
    };
    Target {
        rows,
        rows_relative_sd: production
            .rows_relative_sd
            .hypot(clone.rows_relative_sd)
            .hypot(clone_sd),
        batches: None,
        table_rows: Some(production.estimated_rows),
    }
}

/// Returns the rows that the step processes on the clone: counted in a run that left nothing out, else as planned.
fn clone_rows(step: &StepRecord, clone: &TableFacts) -> (f64, f64) {
    if step.complete && step.batching.is_some() {
        let first_run = step.observations.iter().filter(|observation| observation.run == 0);
        return (first_run.map(|observation| observation.rows as f64).sum(), 0.0);
    }
    (
        step.total_rows.unwrap_or(clone.estimated_rows),
        step.total_rows_relative_sd,
    )
}

/// Returns the batches of a walk by arithmetic, which production's key range or size tells exactly; `None` for a walk by
/// rows, which goes by their number.
///
/// # Errors
/// `Connection` when the range of the key cannot be read.
pub fn batches(reader: &mut Reader, batching: &BatchingRecord, production: &TableFacts) -> Result<Option<f64>> {
    let batch_size = batching.batch_size as f64;
    match batching.walk {
        Walk::Rows => Ok(None),
        Walk::Blocks => Ok(Some((production.heap_blocks() as f64 / batch_size).ceil())),
        Walk::KeyRange => {
            let Some(column) = key_column(batching, production) else {
                return Ok(None);
            };
            let range = sampler::key_range(reader, production, column)?;
            Ok(range.map(|(first, last)| ((last - first + 1) as f64 / batch_size).ceil()))
        }
    }
}

fn key_column<'facts>(batching: &BatchingRecord, table: &'facts TableFacts) -> Option<&'facts Column> {
    let name = batching.key.first()?;
    table.columns.iter().find(|column| column.name == *name)
}
