//! The row sources and conditions of a query level, read from the parser's tree.

use std::ops::Range;

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::super::lexer::BatchEdge;
use super::super::named_relation::Relation;
use super::super::names::{last_part, name_path};
use super::super::outline::{Assignment, Bound, ColumnUse, Conjunct, Scope};
use super::node::{child, has, range_of, written_name};

/// Keywords that stand where a column could and are functions.
pub(super) const VALUE_KEYWORDS: [SyntaxKind; 12] = [
    SyntaxKind::CURRENT_CATALOG_KW,
    SyntaxKind::CURRENT_DATE_KW,
    SyntaxKind::CURRENT_ROLE_KW,
    SyntaxKind::CURRENT_SCHEMA_KW,
    SyntaxKind::CURRENT_TIME_KW,
    SyntaxKind::CURRENT_TIMESTAMP_KW,
    SyntaxKind::CURRENT_USER_KW,
    SyntaxKind::LOCALTIME_KW,
    SyntaxKind::LOCALTIMESTAMP_KW,
    SyntaxKind::SESSION_USER_KW,
    SyntaxKind::SYSTEM_USER_KW,
    SyntaxKind::USER_KW,
];

/// Returns the table an `UPDATE`, `DELETE` or `INSERT` writes to.
pub(super) fn target(statement: &SyntaxNode) -> Option<Relation> {
    let name = match statement.kind() {
        SyntaxKind::UPDATE | SyntaxKind::DELETE => child(
            &child(statement, SyntaxKind::RELATION_NAME)?,
            SyntaxKind::RELATION_NAME_REF,
        )?,
        SyntaxKind::INSERT => child(statement, SyntaxKind::RELATION_NAME_REF)?,
        _ => return None,
    };
    let alias = child(statement, SyntaxKind::OPTIONAL_AS_ALIAS);
    Some(relation(&name, alias.as_ref(), true))
}

/// Says whether a subquery reads a limited number of the target's rows.
pub(super) fn limits_itself(statement: &SyntaxNode, target: &Relation) -> bool {
    let target_path = name_path(&target.name);
    statement
        .descendants()
        .filter(|node| matches!(node.kind(), SyntaxKind::LIMIT_CLAUSE | SyntaxKind::FETCH_CLAUSE))
        .filter_map(|clause| clause.parent())
        .flat_map(|query| relations(&query))
        .any(|relation| name_path(&relation.name) == target_path)
}

/// Returns the columns that a statement's `UPDATE`s assign.
pub(super) fn assigned(statement: &SyntaxNode) -> Vec<Assignment> {
    let mut found = Vec::new();
    for update in statement.descendants().filter(|node| node.kind() == SyntaxKind::UPDATE) {
        if let (Some(target), Some(list)) = (target(&update), child(&update, SyntaxKind::SET_CLAUSE)) {
            let columns = list
                .descendants()
                .filter(|node| node.kind() == SyntaxKind::COLUMN_TARGET)
                // Without the subscript or field behind it.
                .filter_map(|node| child(&node, SyntaxKind::COLUMN_NAME_REF));
            found.extend(columns.map(|column| Assignment {
                table: target.name.clone(),
                column: written_name(&column),
                range: range_of(&column),
            }));
        }
    }
    found
}

/// Returns the names of a statement's common table expressions.
pub(super) fn tables_of_with(statement: &SyntaxNode) -> Vec<Vec<String>> {
    statement
        .descendants()
        .filter(|node| node.kind() == SyntaxKind::CTE_NAME)
        .map(|node| name_path(&written_name(&node)))
        .collect()
}

/// Returns the query levels of a statement, its own first.
pub(super) fn scopes(statement: &SyntaxNode, target: &Relation) -> Vec<Scope> {
    let tables_of_with = tables_of_with(statement);
    let own = |node: &SyntaxNode| {
        node == statement || (statement.kind() == SyntaxKind::INSERT && node.parent().as_ref() == Some(statement))
    };
    let mut scopes: Vec<Scope> = statement
        .descendants()
        .filter(|node| {
            matches!(
                node.kind(),
                SyntaxKind::UPDATE | SyntaxKind::DELETE | SyntaxKind::SELECT
            )
        })
        .map(|node| scope(&node, own(&node), target, &tables_of_with))
        .collect();
    scopes.sort_by_key(|scope| !scope.outermost);
    scopes
}

fn scope(node: &SyntaxNode, outermost: bool, written_to: &Relation, tables_of_with: &[Vec<String>]) -> Scope {
    let mut relations: Vec<Relation> = target(node).into_iter().collect();
    relations.extend(self::relations(node));
    for relation in &mut relations {
        relation.target = name_path(&relation.name) == name_path(&written_to.name);
        if tables_of_with.contains(&name_path(&relation.name)) {
            relation.name.clear();
        }
    }
    let condition = child(node, SyntaxKind::WHERE_CLAUSE).and_then(|clause| clause.first_child());
    let parts = condition.iter().flat_map(joined_by_and);
    let conjuncts = parts.map(|part| conjunct(&part, tables_of_with)).collect();
    Scope {
        outermost,
        relations,
        condition: condition.as_ref().map(range_of),
        where_position: where_position(node),
        conjuncts,
        indivisible: indivisible(node),
    }
}

/// `WHERE` follows `FROM` or `USING`, else `SET` or the table's own name and alias.
fn where_position(node: &SyntaxNode) -> usize {
    node.children()
        .filter(|part| {
            matches!(
                part.kind(),
                SyntaxKind::RELATION_NAME
                    | SyntaxKind::OPTIONAL_AS_ALIAS
                    | SyntaxKind::SET_CLAUSE
                    | SyntaxKind::FROM_CLAUSE
                    | SyntaxKind::USING_CLAUSE
            )
        })
        .last()
        .map_or(0, |part| range_of(&part).end)
}

fn indivisible(node: &SyntaxNode) -> Option<&'static str> {
    let select = child(node, SyntaxKind::SELECT_CLAUSE);
    if select.is_some_and(|clause| child(&clause, SyntaxKind::DISTINCT_CLAUSE).is_some()) {
        return Some("DISTINCT");
    }
    node.children().find_map(|part| match part.kind() {
        SyntaxKind::GROUP_BY_CLAUSE => Some("GROUP BY"),
        SyntaxKind::HAVING_CLAUSE => Some("HAVING"),
        SyntaxKind::WINDOW_CLAUSE => Some("WINDOW"),
        SyntaxKind::LIMIT_CLAUSE | SyntaxKind::FETCH_CLAUSE => Some("LIMIT"),
        SyntaxKind::OFFSET_CLAUSE => Some("OFFSET"),
        _ => None,
    })
}

/// Returns what a query level reads `FROM` or `USING`, not looking into subqueries.
pub(super) fn relations(node: &SyntaxNode) -> Vec<Relation> {
    let mut found = Vec::new();
    for part in node.children() {
        if matches!(
            part.kind(),
            SyntaxKind::FROM_CLAUSE | SyntaxKind::USING_CLAUSE | SyntaxKind::USING_ON_CLAUSE
        ) {
            add_relations(&part, &mut found);
        }
    }
    found
}

fn add_relations(node: &SyntaxNode, found: &mut Vec<Relation>) {
    for part in node.children() {
        match part.kind() {
            SyntaxKind::RELATION_FROM_ITEM => {
                if let Some(name) = child(&part, SyntaxKind::RELATION_NAME_REF) {
                    let alias = child(&part, SyntaxKind::FROM_ALIAS);
                    found.push(Relation {
                        only: has(&part, SyntaxKind::ONLY_KW),
                        ..relation(&name, alias.as_ref(), false)
                    });
                }
            }
            SyntaxKind::JOIN_EXPR | SyntaxKind::JOIN => add_relations(&part, found),
            SyntaxKind::PAREN_FROM_ITEM if child(&part, SyntaxKind::PAREN_EXPR).is_some() => {
                part.children().for_each(|inside| add_relations(&inside, found));
            }
            kind if format!("{kind:?}").ends_with("_FROM_ITEM") => found.push(Relation {
                name: String::new(),
                alias: child(&part, SyntaxKind::FROM_ALIAS)
                    .and_then(|alias| alias_name(&alias))
                    .unwrap_or_default(),
                only: false,
                target: false,
            }),
            _ => {}
        }
    }
}

fn relation(name: &SyntaxNode, alias: Option<&SyntaxNode>, target: bool) -> Relation {
    let name = written_name(name);
    let alias = alias
        .and_then(alias_name)
        .unwrap_or_else(|| last_part(&name).to_owned());
    Relation {
        name,
        alias,
        only: false,
        target,
    }
}

fn alias_name(alias: &SyntaxNode) -> Option<String> {
    child(alias, SyntaxKind::TABLE_ALIAS).map(|name| written_name(&name))
}

/// Returns the parts of a condition that are joined by `AND`.
pub(super) fn joined_by_and(condition: &SyntaxNode) -> Vec<SyntaxNode> {
    let mut found = Vec::new();
    add_conjuncts(condition, &mut found);
    found
}

fn add_conjuncts(node: &SyntaxNode, found: &mut Vec<SyntaxNode>) {
    let is_and = node.kind() == SyntaxKind::BIN_EXPR && has(node, SyntaxKind::AND_KW);
    if is_and || is_plain_parenthesis(node) {
        node.children().for_each(|part| add_conjuncts(&part, found));
    } else {
        found.push(node.clone());
    }
}

fn conjunct(node: &SyntaxNode, tables_of_with: &[Vec<String>]) -> Conjunct {
    let mut inner: Vec<Relation> = node
        .descendants()
        .filter(|part| part.kind() == SyntaxKind::SELECT)
        .flat_map(|query| relations(&query))
        .collect();
    for relation in &mut inner {
        if tables_of_with.contains(&name_path(&relation.name)) {
            relation.name.clear();
        }
    }
    Conjunct {
        range: range_of(node),
        columns: columns_in(node),
        inner,
        bounds: bounds(node),
        has_placeholder: node.descendants().any(|part| edge(&part).is_some()),
    }
}

/// Returns the columns that an expression mentions, in its subqueries too.
pub(super) fn columns_in(node: &SyntaxNode) -> Vec<ColumnUse> {
    let mut columns = Vec::new();
    add_columns(node, &mut columns);
    columns
}

/// `(a = 1 AND b = 2)`, not `(SELECT …)`.
fn is_plain_parenthesis(node: &SyntaxNode) -> bool {
    node.kind() == SyntaxKind::PAREN_EXPR
        && node.first_child().is_some_and(|inside| {
            matches!(
                inside.kind(),
                SyntaxKind::BIN_EXPR | SyntaxKind::BETWEEN_EXPR | SyntaxKind::PAREN_EXPR
            )
        })
}

fn add_columns(node: &SyntaxNode, found: &mut Vec<ColumnUse>) {
    match column(node) {
        Some(column) => found.push(column),
        None if node.kind() == SyntaxKind::NAME_REF => {}
        None => {
            let calls = node.kind() == SyntaxKind::CALL_EXPR;
            for (position, part) in node.children().enumerate() {
                let is_function_name =
                    calls && position == 0 && matches!(part.kind(), SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR);
                if !is_function_name {
                    add_columns(&part, found);
                }
            }
        }
    }
}

/// Reads `id`, `o.id` or `public.orders.id`.
pub(super) fn column(node: &SyntaxNode) -> Option<ColumnUse> {
    match node.kind() {
        SyntaxKind::NAME_REF => {
            let is_function = VALUE_KEYWORDS.iter().any(|keyword| has(node, *keyword));
            (!is_function).then(|| ColumnUse {
                qualifier: None,
                qualifier_range: 0..0,
                name: written_name(node),
            })
        }
        SyntaxKind::FIELD_EXPR => {
            let mut parts = node.children();
            let qualifier = parts.next().filter(is_name_chain)?;
            let name = parts.next().map_or_else(|| "*".to_owned(), |name| written_name(&name));
            Some(ColumnUse {
                qualifier: Some(written_name(&qualifier)),
                qualifier_range: range_of(&qualifier),
                name,
            })
        }
        _ => None,
    }
}

fn is_name_chain(node: &SyntaxNode) -> bool {
    match node.kind() {
        SyntaxKind::NAME_REF => true,
        SyntaxKind::FIELD_EXPR => node.children().all(|part| is_name_chain(&part)),
        _ => false,
    }
}

/// Returns which placeholder a node is, if it is one, as masked.
fn edge(node: &SyntaxNode) -> Option<BatchEdge> {
    if node.kind() != SyntaxKind::LITERAL {
        return None;
    }
    match node.text().to_string().as_str() {
        "$1" => Some(BatchEdge::Start),
        "$2" => Some(BatchEdge::End),
        _ => None,
    }
}

/// Returns which placeholder an operand is, within parentheses or a cast.
fn operand_edge(node: &SyntaxNode) -> Option<BatchEdge> {
    match node.kind() {
        SyntaxKind::PAREN_EXPR | SyntaxKind::CAST_EXPR => operand_edge(&node.first_child()?),
        _ => edge(node),
    }
}

/// Returns the columns of an operand: `id`, `(id)`, `(tenant_id, id)`, `ROW(tenant_id, id)`.
fn operand_columns(node: &SyntaxNode) -> Option<Vec<ColumnUse>> {
    match node.kind() {
        SyntaxKind::PAREN_EXPR => operand_columns(&node.first_child()?),
        SyntaxKind::TUPLE_EXPR => node.children().map(|part| column(&part)).collect(),
        _ => column(node).map(|column| vec![column]),
    }
}

/// Reads `x BETWEEN <start> AND <end>` and comparisons of `x` with one placeholder, in either order.
fn bounds(node: &SyntaxNode) -> Vec<Bound> {
    let operands: Vec<SyntaxNode> = node.children().collect();
    match (node.kind(), operands.as_slice()) {
        (SyntaxKind::BETWEEN_EXPR, [value, low, high]) if !has(node, SyntaxKind::NOT_KW) => {
            let bound = |operand: &SyntaxNode, edge| {
                (operand_edge(operand) == Some(edge)).then(|| Bound {
                    edge,
                    columns: operand_columns(value),
                    inclusive: true,
                    operator_end: 0,
                })
            };
            let low = bound(low, BatchEdge::Start);
            low.into_iter().chain(bound(high, BatchEdge::End)).collect()
        }
        (SyntaxKind::BIN_EXPR, [left, right]) => comparison(node, left, right).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn comparison(node: &SyntaxNode, left: &SyntaxNode, right: &SyntaxNode) -> Option<Bound> {
    let operator = node
        .children_with_tokens()
        .filter_map(|element| element.into_token())
        .find(|token| !token.kind().is_trivia())?;
    let (points_up, inclusive) = match operator.kind() {
        SyntaxKind::GTEQ => (true, true),
        SyntaxKind::R_ANGLE => (true, false),
        SyntaxKind::LTEQ => (false, true),
        SyntaxKind::L_ANGLE => (false, false),
        _ => return None,
    };
    let (value, edge, is_lower) = match (operand_edge(left), operand_edge(right)) {
        (None, Some(edge)) => (left, edge, points_up),
        (Some(edge), None) => (right, edge, !points_up),
        _ => return None,
    };
    (is_lower == (edge == BatchEdge::Start)).then(|| Bound {
        edge,
        columns: operand_columns(value),
        inclusive,
        operator_end: Range::<usize>::from(operator.text_range()).end,
    })
}
