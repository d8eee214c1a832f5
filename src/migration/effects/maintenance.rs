//! What `VACUUM`, `ANALYZE`, `CLUSTER` and `REFRESH` lock, rewrite and scan.

use super::judge::{Judge, NamedRelation, TransactionRule};
use crate::catalog::RelationKind;
use crate::migration::LockMode::{AccessExclusive, Exclusive, ShareUpdateExclusive};
use crate::migration::StepKind;
use crate::migration::command::{Cluster, NamedTable, Refresh, Vacuum};

pub(super) fn cluster(judge: &mut Judge, cluster: &Cluster) {
    let Some(written) = &cluster.table else {
        judge.effects.transaction = TransactionRule::Forbidden;
        return judge
            .effects
            .unknown("every table that was clustered before is clustered again");
    };
    let table = judge.relation(written);
    judge.note_missing(&table, written);
    judge.effects.lock(&table.name, AccessExclusive);
    if table
        .facts
        .is_some_and(|facts| facts.kind == RelationKind::PartitionedTable)
    {
        judge.effects.transaction = TransactionRule::Forbidden;
    }
    for part in judge.reached(&table, !table.is_partitioned()) {
        judge.effects.lock(&part.name, AccessExclusive);
        judge.rewrite(&part, None);
    }
}

pub(super) fn vacuum(judge: &mut Judge, vacuum: &Vacuum) {
    judge.effects.transaction = TransactionRule::Forbidden;
    if vacuum.tables.is_empty() && !judge.schema.is_known() {
        return judge.effects.unknown("every table of the database is vacuumed");
    }
    let mut tables = whole(judge, &vacuum.tables);
    if vacuum.tables.is_empty() {
        let all = judge
            .schema
            .relations
            .iter()
            .filter(|relation| relation.kind.holds_rows());
        tables = all.map(|relation| judge.qualified(&relation.name)).collect();
    }
    for table in tables {
        if vacuum.full {
            judge.effects.lock(&table.name, AccessExclusive);
            if vacuum.main {
                judge.rewrite(&table, None);
            }
        } else {
            judge.effects.lock(&table.name, ShareUpdateExclusive);
            judge.scan(&table);
        }
    }
}

pub(super) fn analyze(judge: &mut Judge, named: &[NamedTable]) {
    if named.is_empty() {
        return judge.effects.unknown("every table of the database is analysed");
    }
    // A sample of blocks is read, at most the whole table.
    judge.effects.base = Some(StepKind::TableScan);
    let tables = whole(judge, named);
    judge.lock_all(&tables, ShareUpdateExclusive);
}

/// Returns the tables that are named, with their partitions; from PostgreSQL 18 on with their children too.
fn whole<'facts>(judge: &mut Judge<'facts>, named: &[NamedTable]) -> Vec<NamedRelation<'facts>> {
    let mut found = Vec::new();
    for named in named {
        let table = judge.relation(&named.name);
        judge.note_missing(&table, &named.name);
        let alone = named.only || (judge.version < 180_000 && !table.is_partitioned());
        found.extend(judge.reached(&table, alone));
    }
    found
}

pub(super) fn refresh(judge: &mut Judge, refresh: &Refresh) {
    let view = judge.relation(&refresh.view);
    judge.note_missing(&view, &refresh.view);
    let mode = if refresh.concurrently {
        Exclusive
    } else {
        AccessExclusive
    };
    judge.effects.lock(&view.name, mode);
    if !refresh.with_data {
        return judge.empty(&view);
    }
    if refresh.concurrently {
        judge.effects.base = Some(StepKind::Dml);
        judge.scan(&view);
    } else {
        let has_index = view.facts.is_some_and(|facts| !facts.indexes.is_empty());
        judge.rewrite(&view, None);
        if !has_index {
            judge.effects.scanned.retain(|name| *name != view.name);
        }
    }
    for table in judge.read_by(&view) {
        judge.scan(&table);
    }
}
