//! The relations as they were at the beginning of the migration: by what names and how large the work on them is saved.

use std::collections::BTreeSet;

use super::work::Worked;
use crate::catalog::RelationSize;
use crate::observation::WorkRecord;
use crate::rehearsal::walker::Walker;

/// Scans of one relation by one statement from which an index may be missing.
const REPEATED_SCANS: u64 = 4;

impl Walker<'_> {
    /// Returns the work by the names that the relations had at the beginning, and saves how large they were then, with
    /// the other partitions of their tables.
    pub(super) fn named_as_at_first(&mut self, worked: &[Worked]) -> Vec<WorkRecord> {
        let saved = self.rehearsal.relations.iter().map(|size| size.name.clone());
        let mut saved: BTreeSet<String> = saved.collect();
        let mut named = Vec::new();
        self.save_missing_indexes(worked);
        for (oid, work) in worked {
            let at_first = self.census.get(oid);
            named.push(WorkRecord {
                relation: at_first.map_or(&work.relation, |size| &size.name).clone(),
                made: at_first.is_none(),
                ..work.clone()
            });
            let Some(at_first) = at_first.filter(|size| !saved.contains(&size.name)) else {
                continue;
            };
            let is_beside = |size: &RelationSize| size.root.is_some() && size.root == at_first.root;
            for size in self.census.values() {
                if (size.name == at_first.name || is_beside(size)) && saved.insert(size.name.clone()) {
                    self.rehearsal.relations.push(size.clone());
                }
            }
        }
        named
    }

    /// Saves the foreign keys without an index of relations that were scanned again and again.
    fn save_missing_indexes(&mut self, worked: &[Worked]) {
        let scanned = worked.iter().filter(|(_, work)| work.scans >= REPEATED_SCANS);
        let names: Vec<&str> = scanned
            .filter_map(|(oid, _)| self.census.get(oid))
            .map(|size| size.root.as_ref().unwrap_or(&size.name).as_str())
            .collect();
        for missing in &self.missing_indexes {
            if names.contains(&missing.relation.as_str()) && !self.rehearsal.missing_indexes.contains(missing) {
                self.rehearsal.missing_indexes.push(missing.clone());
            }
        }
    }
}
