//! Definitions of columns and constraints, read from the parser's tree.

use squawk_syntax::ast::{self, AstNode, ConstraintOption, GeneratedAs};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::super::command::{
    ColumnDefinition, ConstraintChange, ConstraintDefinition, Expression, Generated, TableConstraint,
};
use super::expression::expression;
use super::node::{has, name, written, written_name};
use super::type_name::type_name;

/// Reads a column as it stands in `CREATE TABLE`.
pub(super) fn column(column: &ast::Column) -> Option<ColumnDefinition> {
    let mut definition = named(&column.name()?, column.ty());
    for clause in column.clauses() {
        match clause {
            ast::ColumnClause::Collate(collate) => definition.collation = collation(&collate),
            ast::ColumnClause::ColumnConstraint(found) => {
                if let Some(constraint) = ast::Constraint::cast(found.syntax().clone()) {
                    constrain(&mut definition, &constraint);
                }
            }
            _ => {}
        }
    }
    Some(definition)
}

/// Reads a column as it stands behind `ADD COLUMN`.
pub(super) fn added_column(column: &ast::AddColumn) -> Option<ColumnDefinition> {
    let mut definition = named(&column.column_name()?, column.ty());
    definition.collation = column.collate().and_then(|collate| collation(&collate));
    for constraint in column.constraints() {
        constrain(&mut definition, &constraint);
    }
    Some(definition)
}

/// Returns the collation of a clause, as written.
pub(super) fn collation(collate: &ast::Collate) -> Option<String> {
    collate
        .collation_ref()
        .map(|collation| written_name(collation.syntax()))
}

fn named(column: &ast::ColumnName, ty: Option<ast::Type>) -> ColumnDefinition {
    ColumnDefinition {
        name: name(column.syntax()),
        written_name: written_name(column.syntax()),
        data_type: ty.as_ref().map(type_name),
        collation: None,
        default: None,
        generated: None,
        not_null: false,
        constraints: Vec::new(),
    }
}

fn constrain(column: &mut ColumnDefinition, constraint: &ast::Constraint) {
    match constraint {
        ast::Constraint::DefaultConstraint(found) => column.default = found.expr().as_ref().map(expression),
        ast::Constraint::GeneratedConstraint(found) => {
            column.generated = found.generated_as().as_ref().map(generated);
            column.not_null |= column.is_identity();
        }
        ast::Constraint::NotNullConstraint(_) => column.not_null = true,
        ast::Constraint::NullConstraint(_) => {}
        _ => {
            if let Some(mut found) = table_constraint(constraint) {
                column.not_null |= matches!(found.definition, ConstraintDefinition::PrimaryKey { .. });
                found.columns = vec![column.name.clone()];
                column.constraints.push(found);
            }
        }
    }
}

fn generated(generated: &GeneratedAs) -> Generated {
    let GeneratedAs::GeneratedStored(computed) = generated else {
        return Generated::Identity;
    };
    let value = computed.expr().as_ref().map_or(Expression::Null, expression);
    match computed.generated_kind() {
        Some(ast::GeneratedKind::Stored(_)) => Generated::Stored(value),
        Some(ast::GeneratedKind::Virtual(_)) | None => Generated::Virtual(value),
    }
}

/// Reads a constraint of a table or column; `None` for what is none of its own: `DEFAULT`, `GENERATED`, `NULL`.
pub(super) fn table_constraint(constraint: &ast::Constraint) -> Option<TableConstraint> {
    let (definition, columns) = match constraint {
        ast::Constraint::CheckConstraint(found) => {
            let condition = found.expr()?;
            let definition = ConstraintDefinition::Check {
                condition: expression(&condition),
                written: written(condition.syntax()),
            };
            (definition, Vec::new())
        }
        ast::Constraint::ExcludeConstraint(_) => (ConstraintDefinition::Exclude, Vec::new()),
        ast::Constraint::ForeignKeyConstraint(found) => {
            let referenced = found.to_columns().map(|list| names(list.column_name_refs()));
            let definition = ConstraintDefinition::ForeignKey {
                table: written_name(found.table_name_ref()?.syntax()),
                columns: referenced.unwrap_or_default(),
            };
            (definition, names(found.from_columns()?.column_name_refs()))
        }
        ast::Constraint::ReferencesConstraint(found) => {
            let definition = ConstraintDefinition::ForeignKey {
                table: written_name(found.table()?.syntax()),
                columns: names(found.column()),
            };
            (definition, Vec::new())
        }
        ast::Constraint::NotNullConstraint(found) => (ConstraintDefinition::NotNull, names(found.column_name_ref())),
        ast::Constraint::PrimaryKeyConstraint(found) => {
            let using_index = index(found.using_index());
            (
                ConstraintDefinition::PrimaryKey { using_index },
                key(found.index_parameters()),
            )
        }
        ast::Constraint::UniqueConstraint(found) => {
            let using_index = index(found.using_index());
            (
                ConstraintDefinition::Unique { using_index },
                key(found.index_parameters()),
            )
        }
        ast::Constraint::DefaultConstraint(_)
        | ast::Constraint::GeneratedConstraint(_)
        | ast::Constraint::NullConstraint(_) => return None,
    };
    let says = |said: fn(&ConstraintOption) -> bool| options(constraint.syntax()).any(|option| said(&option));
    let mut children = constraint.syntax().children();
    let named = children.find_map(ast::ConstraintNameClause::cast);
    let constraint_name = named.and_then(|clause| clause.constraint_name());
    Some(TableConstraint {
        name: constraint_name.map(|found| name(found.syntax())),
        columns,
        definition,
        not_valid: says(|option| matches!(option, ConstraintOption::NotValid(_))),
        not_enforced: says(|option| matches!(option, ConstraintOption::NotEnforced(_))),
        no_inherit: says(|option| matches!(option, ConstraintOption::NoInherit(_))),
    })
}

/// Reads what `ALTER CONSTRAINT` makes of one.
pub(super) fn constraint_change(node: &SyntaxNode) -> ConstraintChange {
    let is = |kind| has(node, kind);
    if is(SyntaxKind::NOT_ENFORCED) || is(SyntaxKind::ENFORCED) {
        ConstraintChange::Enforced(is(SyntaxKind::ENFORCED))
    } else if is(SyntaxKind::NO_INHERIT) || is(SyntaxKind::INHERIT) {
        ConstraintChange::Inherit(is(SyntaxKind::INHERIT))
    } else {
        ConstraintChange::Deferral
    }
}

fn options(constraint: &SyntaxNode) -> impl Iterator<Item = ConstraintOption> + use<> {
    constraint.children().filter_map(ConstraintOption::cast)
}

fn names(columns: impl IntoIterator<Item = ast::ColumnNameRef>) -> Vec<String> {
    columns.into_iter().map(|column| name(column.syntax())).collect()
}

fn key(parameters: Option<ast::IndexParameters>) -> Vec<String> {
    let columns = parameters.and_then(|parameters| parameters.column_list());
    columns.map(|list| names(list.column_name_refs())).unwrap_or_default()
}

fn index(using: Option<ast::UsingIndexName>) -> Option<String> {
    let index = using?.index_ref()?;
    Some(name(index.syntax()))
}
