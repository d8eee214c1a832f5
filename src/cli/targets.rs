//! The size of each rehearsed step in production.
//!
//! The share of rows that a step processes comes from the clone; the number of rows and the range of a key come from
//! production's catalog.

use crate::catalog::RelationSize;
use crate::catalog::facts::{Column, TableFacts};
use crate::error::Result;
use crate::migration::Walk;
use crate::model::Target;
use crate::model::target::grown;
use crate::observation::{BatchingRecord, Rehearsal, StepRecord};
use crate::sampler;
use crate::server::{Reader, free_disk};

/// Records in `rehearsal` how large each step is in production, and how much disk is free there.
///
/// # Errors
/// `Usage` when production has no such table; `Connection` when it cannot be read.
pub fn aim(reader: &mut Reader, rehearsal: &mut Rehearsal) -> Result<()> {
    let names: Vec<&str> = rehearsal.tables.iter().map(|table| table.name.as_str()).collect();
    let tables = sampler::tables(reader, &names).map_err(|error| error.in_context("production"))?;
    aim_at(reader, rehearsal, &tables)
}

/// Does the same with the catalog facts `tables`.
///
/// # Errors
/// `Connection` when production cannot be read.
pub fn aim_at(reader: &mut Reader, rehearsal: &mut Rehearsal, tables: &[TableFacts]) -> Result<()> {
    rehearsal.targets = of(reader, rehearsal, tables)?;
    rehearsal.production_relations = relations(reader, &rehearsal.relations)?;
    rehearsal.free_disk_bytes = free_disk(reader)?;
    Ok(())
}

/// Returns the sizes of the relations that the steps worked on, where production has them.
fn relations(reader: &mut Reader, worked_on: &[RelationSize]) -> Result<Vec<RelationSize>> {
    if worked_on.is_empty() {
        return Ok(Vec::new());
    }
    let names = worked_on.iter().map(|size| size.root.as_ref().unwrap_or(&size.name));
    let mut names: Vec<String> = names.cloned().collect();
    names.dedup();
    sampler::sizes(reader, Some(&names))
}

/// Returns the size of each step of `rehearsal` given the catalog facts `tables`; `None` for steps without a table.
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

/// Returns the size on `production` of `step`, which was rehearsed on `clone`.
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

/// Returns the number of batches of an arithmetic walk, which follows exactly from production's key range or size;
/// `None` for a walk by rows, which depends on their number.
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
