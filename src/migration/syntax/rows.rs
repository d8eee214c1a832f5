//! Reads queries and changes of rows.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::expression::{expression, is_grammars_own};
use super::named_table::named_table;
use super::node::{child, child_of, has, last_name, written_name};
use super::objects::creation;
use super::scope::{columns_in, joined_by_and, relations, tables_of_with};
use super::session::set_by_calls;
use crate::migration::command::{
    Body, Change, Condition, Copied, Copy, Insert, Merge, NamedTable, ObjectKind, Part, Query, Select, Term,
};
use crate::migration::named_relation::Relation;
use crate::migration::names::{last_part, name_path};

const QUERIES: [SyntaxKind; 6] = [
    SyntaxKind::SELECT,
    SyntaxKind::SELECT_INTO,
    SyntaxKind::COMPOUND_SELECT,
    SyntaxKind::PAREN_SELECT,
    SyntaxKind::TABLE,
    SyntaxKind::VALUES,
];

const CHANGES: [SyntaxKind; 4] = [
    SyntaxKind::INSERT,
    SyntaxKind::UPDATE,
    SyntaxKind::DELETE,
    SyntaxKind::MERGE,
];

/// Reads a query or change of rows; `None` for every other statement.
pub(super) fn query(node: &SyntaxNode) -> Option<Query> {
    if !QUERIES.contains(&node.kind()) && !CHANGES.contains(&node.kind()) {
        return None;
    }
    let reader = Reader {
        tables_of_with: tables_of_with(node),
    };
    reader.query(node)
}

/// Reads the query that is a part of another statement.
pub(super) fn query_in(node: &SyntaxNode) -> Option<Query> {
    node.children().find_map(|part| query(&part))
}

pub(super) fn copy(node: &SyntaxNode) -> Option<Copy> {
    let what = match child(node, SyntaxKind::COPY_TABLE) {
        Some(table) => Copied::Table(written_name(&child(&table, SyntaxKind::TABLE_NAME_REF)?)),
        None => Copied::Query(query_in(&child(node, SyntaxKind::COPY_QUERY)?)?),
    };
    Some(Copy {
        what,
        from: has(node, SyntaxKind::COPY_FROM),
    })
}

/// Returns the functions that are called anywhere in a statement, by the last part of their names.
pub(super) fn calls(node: &SyntaxNode) -> Vec<String> {
    let calls = node.descendants().filter(|part| part.kind() == SyntaxKind::CALL_EXPR);
    let names = calls.filter_map(|call| child_of(&call, &[SyntaxKind::NAME_REF, SyntaxKind::FIELD_EXPR]));
    let calls_function = |name: &SyntaxNode| !is_grammars_own(&written_name(name));
    names.filter(calls_function).map(|name| last_name(&name)).collect()
}

struct Reader {
    tables_of_with: Vec<Vec<String>>,
}

impl Reader {
    fn query(&self, node: &SyntaxNode) -> Option<Query> {
        let (with, body) = if QUERIES.contains(&node.kind()) {
            let (mut select, mut with) = (Select::default(), Vec::new());
            self.add_select(node, &mut select, &mut with);
            (with, Body::Select(select))
        } else {
            (self.common_tables(node), self.change_of_rows(node)?)
        };
        Some(Query {
            with,
            body,
            calls: calls(node),
            sets: set_by_calls(node),
        })
    }

    fn change_of_rows(&self, node: &SyntaxNode) -> Option<Body> {
        Some(match node.kind() {
            SyntaxKind::INSERT => Body::Insert(self.insert(node)?),
            SyntaxKind::UPDATE => Body::Update(self.change(node)?),
            SyntaxKind::DELETE => Body::Delete(self.change(node)?),
            SyntaxKind::MERGE => Body::Merge(Merge {
                table: named_table(&child(node, SyntaxKind::TABLE_RELATION_NAME)?)?,
                others: self.sources(node),
            }),
            _ => return None,
        })
    }

    fn common_tables(&self, node: &SyntaxNode) -> Vec<Query> {
        let clause = child(node, SyntaxKind::WITH_CLAUSE);
        let tables = clause.iter().flat_map(|clause| clause.children());
        let queries = tables.filter_map(|table| child_of(&table, &[&QUERIES[..], &CHANGES[..]].concat()));
        queries.filter_map(|inner| self.query(&inner)).collect()
    }

    fn add_select(&self, node: &SyntaxNode, select: &mut Select, with: &mut Vec<Query>) {
        with.extend(self.common_tables(node));
        match node.kind() {
            SyntaxKind::SELECT | SyntaxKind::SELECT_INTO => self.add_level(node, select, with),
            SyntaxKind::TABLE => select.parts.push(Part {
                sources: self.whole_table(node).into_iter().collect(),
                condition: None,
                extreme: None,
            }),
            SyntaxKind::VALUES => {
                let rows = child(node, SyntaxKind::ROW_LIST).map_or(0, |list| list.children().count());
                select.values = Some(rows);
            }
            _ => {
                let inner = [&QUERIES[..], &[SyntaxKind::PAREN_EXPR]].concat();
                let inner = node.children().filter(|part| inner.contains(&part.kind()));
                inner.for_each(|part| self.add_select(&part, select, with));
            }
        }
        if let Some(into) = child(node, SyntaxKind::INTO_CLAUSE) {
            select.into = Some(creation(&into, ObjectKind::Table));
        }
        for lock in node.children().filter(|part| part.kind() == SyntaxKind::LOCKING_CLAUSE) {
            let names = child(&lock, SyntaxKind::LOCKING_OF);
            let names = names.iter().flat_map(|list| list.children());
            let locked = select.locked.get_or_insert_default();
            locked.extend(names.map(|name| written_name(&name)));
        }
    }

    /// Adds a query's own level, the queries that it reads `FROM`, and those in its expressions.
    fn add_level(&self, node: &SyntaxNode, select: &mut Select, with: &mut Vec<Query>) {
        let condition = condition(node);
        let from = child(node, SyntaxKind::FROM_CLAUSE);
        for inner in from.iter().flat_map(queries_read) {
            let first = select.parts.len();
            self.add_select(&inner, select, with);
            // The server picks rows as deep within as it can.
            for part in &mut select.parts[first..] {
                part.condition = part.condition.take().or_else(|| condition.clone());
            }
        }
        select.within.extend(self.within(node));
        select.parts.push(Part {
            sources: self.sources(node),
            condition,
            extreme: extreme(node),
        });
    }

    /// Returns the queries in the expressions of a level.
    fn within(&self, node: &SyntaxNode) -> Vec<Part> {
        let expressions = node.children().filter(|part| {
            !matches!(
                part.kind(),
                SyntaxKind::FROM_CLAUSE | SyntaxKind::USING_CLAUSE | SyntaxKind::WITH_CLAUSE
            )
        });
        let levels = expressions.flat_map(|part| part.descendants());
        let levels = levels.filter(|part| part.kind() == SyntaxKind::SELECT);
        let part = |level: SyntaxNode| Part {
            sources: self.sources(&level),
            condition: condition(&level),
            extreme: extreme(&level),
        };
        levels.map(part).collect()
    }

    fn insert(&self, node: &SyntaxNode) -> Option<Insert> {
        Some(Insert {
            table: written_name(&child(node, SyntaxKind::RELATION_NAME_REF)?),
            columns: child(node, SyntaxKind::COLUMN_TARGET_LIST).map(|list| {
                let targets = list.children().filter_map(|target| target.first_child());
                targets.map(|name| last_name(&name)).collect()
            }),
            query: child_of(node, &QUERIES)
                .and_then(|source| self.query(&source))
                .map(Box::new),
        })
    }

    fn change(&self, node: &SyntaxNode) -> Option<Change> {
        let assigned = child(node, SyntaxKind::SET_CLAUSE);
        let assigned = assigned.iter().flat_map(|clause| clause.descendants());
        let targets = assigned.filter(|part| part.kind() == SyntaxKind::COLUMN_TARGET);
        Some(Change {
            table: named_table(&child(node, SyntaxKind::RELATION_NAME)?)?,
            assigned: targets
                .filter_map(|target| child(&target, SyntaxKind::COLUMN_NAME_REF))
                .map(|name| last_name(&name))
                .collect(),
            others: self.sources(node),
            within: self.within(node),
            condition: condition(node),
            current_of: has(node, SyntaxKind::WHERE_CURRENT_OF),
        })
    }

    /// Returns the tables that a level reads `FROM` or `USING`.
    fn sources(&self, node: &SyntaxNode) -> Vec<Relation> {
        let found = relations(node).into_iter();
        found.filter(|relation| self.is_table(&relation.name)).collect()
    }

    /// Reads the table of `TABLE t`.
    fn whole_table(&self, node: &SyntaxNode) -> Option<Relation> {
        let NamedTable { name, only } = named_table(&child(node, SyntaxKind::RELATION_NAME)?)?;
        self.is_table(&name).then(|| Relation {
            alias: last_part(&name).to_owned(),
            name,
            only,
            target: false,
        })
    }

    fn is_table(&self, name: &str) -> bool {
        !name.is_empty() && !self.tables_of_with.contains(&name_path(name))
    }
}

/// Returns the queries in a list of tables and joins.
fn queries_read(node: &SyntaxNode) -> Vec<SyntaxNode> {
    let mut found = Vec::new();
    for part in node.children() {
        match part.kind() {
            SyntaxKind::PAREN_SELECT => found.push(part),
            SyntaxKind::JOIN_EXPR | SyntaxKind::JOIN | SyntaxKind::PAREN_FROM_ITEM | SyntaxKind::PAREN_EXPR => {
                found.extend(queries_read(&part));
            }
            _ => {}
        }
    }
    found
}

/// Reads `max(column)` or `min(column)` where that is all a query selects.
fn extreme(node: &SyntaxNode) -> Option<String> {
    let list = child(&child(node, SyntaxKind::SELECT_CLAUSE)?, SyntaxKind::TARGET_LIST)?;
    let mut targets = list.children();
    let (target, None) = (targets.next()?, targets.next()) else {
        return None;
    };
    let call = child(&target, SyntaxKind::CALL_EXPR)?;
    let function = child(&call, SyntaxKind::NAME_REF)?;
    let arguments = child(&call, SyntaxKind::ARG_LIST)?;
    let column = arguments.first_child()?.first_child()?;
    let is_extreme = matches!(last_name(&function).as_str(), "max" | "min") && arguments.children().count() == 1;
    (is_extreme && column.kind() == SyntaxKind::NAME_REF).then(|| last_name(&column))
}

fn condition(node: &SyntaxNode) -> Option<Condition> {
    let whole = child(node, SyntaxKind::WHERE_CLAUSE)?.first_child()?;
    let terms = joined_by_and(&whole).into_iter().filter_map(|part| {
        let columns = columns_in(&part);
        Some(Term {
            columns: columns.iter().map(|column| name_path(&column.name).concat()).collect(),
            expression: expression(&ast::Expr::cast(part)?),
        })
    });
    Some(Condition { terms: terms.collect() })
}
