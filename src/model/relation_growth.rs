//! How much larger each relation of the clone is in production, while the migration changes both.
//!
//! A relation that the migration makes is as much larger as the work that fills it.

use std::collections::BTreeMap;

use super::Target;
use crate::catalog::{RelationSize, SizeGrowth, growth_of_sizes};
use crate::migration::StepKind;
use crate::observation::{Rehearsal, StepRecord, WorkRecord};
use crate::units::Count;

/// Rows in production from which a relation that is empty on the clone matters.
const ROWS_THAT_MATTER: f64 = 1000.0;

/// The growth of every relation, as known before the next step.
pub struct RelationGrowth<'a> {
    /// Of those that were there before the migration; the error says why it is not known.
    known: BTreeMap<&'a str, Result<SizeGrowth, String>>,
    /// The relations on the clone.
    here: BTreeMap<&'a str, &'a RelationSize>,
    /// Their indexes in production, where they are there by the same name.
    indexes: BTreeMap<&'a str, u32>,
    /// Rows on the clone and in production of those that the migration made.
    made: BTreeMap<String, (f64, f64)>,
}

impl<'a> RelationGrowth<'a> {
    /// Compares the relations of `rehearsal` with production's; `targets` are the sizes of its steps there, and
    /// `factor` is by how much all relations grow until the deploy. `None` where no size in production is known.
    pub fn new(
        rehearsal: &'a Rehearsal,
        targets: &'a [Option<Target>],
        factor: Option<f64>,
    ) -> Option<RelationGrowth<'a>> {
        if targets.is_empty() || (rehearsal.production_relations.is_empty() && factor.is_none()) {
            return None;
        }
        let is_queried = !rehearsal.production_relations.is_empty();
        let factor = factor.unwrap_or(1.0);
        let grown = |growth: SizeGrowth| SizeGrowth {
            factor: growth.factor * factor,
            ..growth
        };
        let mut known: BTreeMap<&str, Result<SizeGrowth, String>> = rehearsal
            .relations
            .iter()
            .map(|here| {
                let growth = if is_queried {
                    of_relation(here, rehearsal)
                } else {
                    Ok(SizeGrowth::NONE)
                };
                (here.name.as_str(), growth.map(grown))
            })
            .collect();
        known.extend(of_tables(rehearsal, targets).map(|(name, growth)| (name, Ok(growth))));
        let here = rehearsal.relations.iter().map(|size| (size.name.as_str(), size));
        let there = rehearsal.production_relations.iter();
        Some(RelationGrowth {
            known,
            here: here.collect(),
            indexes: there.map(|size| (size.name.as_str(), size.indexes)).collect(),
            made: BTreeMap::new(),
        })
    }

    /// Returns how much larger the relation of `work` is in production.
    ///
    /// # Errors
    /// Why that is not known, as a sentence without a full stop.
    pub fn of(&self, work: &WorkRecord) -> Result<SizeGrowth, String> {
        if work.made {
            let made = self.made.get(&work.relation);
            let (here, there) = made.copied().unwrap_or((1.0, 1.0));
            return Ok(SizeGrowth {
                factor: (there / here.max(1.0)).max(f64::MIN_POSITIVE),
                relative_sd: 0.05,
            });
        }
        self.known.get(work.relation.as_str()).cloned().unwrap_or_else(|| {
            let name = &work.relation;
            Err(format!("how large {name} was before the migration was not recorded"))
        })
    }

    /// Returns the blocks that the relation's heap had on the clone, where that is known.
    pub fn blocks(&self, work: &WorkRecord) -> Option<f64> {
        self.here.get(work.relation.as_str()).map(|size| size.blocks as f64)
    }

    /// Returns how much more a row costs to insert or update in production because of other indexes there: each costs
    /// about as much as the row itself.
    pub fn by_indexes(&self, work: &WorkRecord) -> f64 {
        let name = work.relation.as_str();
        let entries = |indexes: u32| 1.0 + f64::from(indexes);
        match (self.here.get(name), self.indexes.get(name)) {
            (Some(here), Some(there)) => entries(*there) / entries(here.indexes),
            _ => 1.0,
        }
    }

    /// Adds what a step inserts into a relation that the migration made; in production it inserts `multiple` times as
    /// many rows.
    pub fn fill(&mut self, work: &WorkRecord, multiple: f64) {
        if work.made {
            let (here, there) = self.made.entry(work.relation.clone()).or_default();
            let rows = work.rows_inserted as f64;
            (*here, *there) = (*here + rows, *there + rows * multiple);
        }
    }
}

/// Compares a relation with production's of the same name. Partitions may have other names there, and a statement that
/// works on one mostly works on all: they grow as their table.
fn of_relation(here: &RelationSize, rehearsal: &Rehearsal) -> Result<SizeGrowth, String> {
    let is_of_it = |size: &&RelationSize| match &here.root {
        Some(root) => size.root.as_ref() == Some(root),
        None => size.name == here.name,
    };
    let there: Vec<&RelationSize> = rehearsal.production_relations.iter().filter(is_of_it).collect();
    let on_clone: Vec<&RelationSize> = rehearsal.relations.iter().filter(is_of_it).collect();
    if there.is_empty() {
        return Err(format!(
            "production has no {} that could tell how large it is there",
            here.name
        ));
    }
    let rows = |sizes: &[&RelationSize]| {
        sizes
            .iter()
            .map(|size| size.rows().unwrap_or(f64::INFINITY))
            .sum::<f64>()
    };
    let (few, many) = (rows(&on_clone), rows(&there));
    if few < 1.0 && many >= ROWS_THAT_MATTER {
        return Err(format!(
            "the clone's table {} has 0 rows, production's {}: rehearse on a fuller clone",
            here.name,
            if many.is_finite() {
                Count(many.round()).to_string()
            } else {
                "many".to_owned()
            }
        ));
    }
    Ok(growth_of_sizes(&on_clone, &there))
}

/// Returns the growth of the steps' tables, of which more is known than of others.
fn of_tables<'a>(
    rehearsal: &'a Rehearsal,
    targets: &'a [Option<Target>],
) -> impl Iterator<Item = (&'a str, SizeGrowth)> {
    let steps = rehearsal.steps.iter().zip(targets);
    steps.filter_map(|(step, target): (&StepRecord, &Option<Target>)| {
        let table = rehearsal
            .tables
            .iter()
            .find(|table| Some(&table.name) == step.table.as_ref())?;
        let target = target.as_ref()?;
        let rows = target
            .table_rows
            .or((step.kind != StepKind::Backfill).then_some(target.rows))?;
        (table.estimated_rows >= 1.0).then(|| {
            let growth = SizeGrowth {
                factor: rows / table.estimated_rows,
                relative_sd: target.rows_relative_sd,
            };
            (table.name.as_str(), growth)
        })
    })
}
