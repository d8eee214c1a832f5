//! Indexes that cannot be built, and materialised views that cannot be refreshed by one.

use super::{Refusals, is_from_catalog, is_partitioned};
use crate::catalog::{RelationFacts, RelationKind, SchemaIndex};
use crate::migration::command::{CreateIndex, Refresh, Reindex, ReindexTarget};
use crate::migration::names::name_path;

impl Refusals<'_> {
    pub(super) fn create_index(&mut self, create: &CreateIndex) {
        let Some(facts) = self.relation(&create.table.name) else {
            return;
        };
        let has_indexes = is_partitioned(facts) || facts.kind.holds_rows();
        if !has_indexes && matches!(facts.kind, RelationKind::View | RelationKind::ForeignTable) {
            return self.add(format!("{} can have no index", facts.name));
        }
        if create.concurrently && is_partitioned(facts) {
            self.add("an index of a partitioned table cannot be built CONCURRENTLY: build it so on each partition");
        }
        let path = create
            .name
            .as_ref()
            .map(|name| [facts.schema.clone(), name_path(name).pop().unwrap_or_default()]);
        let is_there = path.as_ref().is_some_and(|path| self.schema.index(path).is_some());
        if is_there && create.if_not_exists {
            return;
        }
        if let Some([home, name]) = &path {
            self.taken(Some(home), name);
        }
        if create.unique {
            self.unique(facts, &create.columns);
        }
        let lacking = create.columns.iter().find(|column| facts.column(column).is_none());
        if let Some(column) = lacking.filter(|_| is_from_catalog(facts)) {
            self.add(format!("{} has no column {column}", facts.name));
        }
    }

    pub(super) fn refresh(&mut self, refresh: &Refresh) {
        if !refresh.concurrently {
            return;
        }
        if !refresh.with_data {
            self.add("CONCURRENTLY and WITH NO DATA cannot be used together");
        }
        let view = self.relation(&refresh.view);
        if view.is_some_and(|view| view.kind == RelationKind::MaterializedView && !has_whole_key(view)) {
            self.add("CONCURRENTLY needs a unique index on columns of the view, without a condition");
        }
    }

    pub(super) fn reindex(&mut self, reindex: &Reindex) {
        if let ReindexTarget::Index(name) = &reindex.target
            && let Some((table, _)) = self.schema.index(&name_path(name))
            && is_partitioned(table)
            && self.schema.version_num < 140_000
        {
            self.add("REINDEX of a partitioned index needs PostgreSQL 14");
        }
    }
}

/// Says whether a valid unique index covers all rows of a materialised view.
fn has_whole_key(view: &RelationFacts) -> bool {
    let serves = |index: &SchemaIndex| index.unique && index.valid && index.plain && !index.columns.is_empty();
    view.indexes.iter().any(serves)
}
