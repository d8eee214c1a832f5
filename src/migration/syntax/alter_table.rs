//! `ALTER TABLE` and what has its form, read from the parser's tree.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AlterColumnOption, AlterTableAction, AstNode};

use super::super::command::{
    AlterTable, AlteredKind, ColumnAction, DetachManner, Expression, Firing, PartitionBound, PartitionRows,
    TableAction, TypeChange,
};
use super::column_definition::{added_column, collation, table_constraint};
use super::expression::expression;
use super::node::{name, written, written_name};
use super::type_name::type_name;

/// Reads a statement that alters one table or view; `None` for every other.
pub(super) fn alter_table(statement: &SyntaxNode) -> Option<AlterTable> {
    let kind = statement.kind();
    if ast::AlterTable::can_cast(kind) {
        let alter = ast::AlterTable::cast(statement.clone())?;
        let if_exists = alter.if_exists().is_some();
        table(
            AlteredKind::Table,
            if_exists,
            &alter.table_relation_name()?,
            alter.actions(),
        )
    } else if ast::AlterForeignTable::can_cast(kind) {
        let alter = ast::AlterForeignTable::cast(statement.clone())?;
        let if_exists = alter.if_exists().is_some();
        table(
            AlteredKind::ForeignTable,
            if_exists,
            &alter.table_relation_name()?,
            alter.actions(),
        )
    } else if ast::AlterView::can_cast(kind) {
        let alter = ast::AlterView::cast(statement.clone())?;
        Some(AlterTable {
            called: AlteredKind::View,
            if_exists: alter.if_exists().is_some(),
            only: false,
            table: written_name(alter.view_ref()?.syntax()),
            actions: alter.action().iter().map(|found| action(found.syntax())).collect(),
        })
    } else {
        let alter = ast::AlterMaterializedView::cast(statement.clone())?;
        Some(AlterTable {
            called: AlteredKind::MaterializedView,
            if_exists: alter.if_exists().is_some(),
            only: false,
            table: written_name(alter.view_ref()?.syntax()),
            actions: alter.action().map(|found| action(found.syntax())).collect(),
        })
    }
}

fn table(
    called: AlteredKind,
    if_exists: bool,
    relation: &ast::TableRelationName,
    actions: impl Iterator<Item = AlterTableAction>,
) -> Option<AlterTable> {
    Some(AlterTable {
        called,
        if_exists,
        only: relation.only_token().is_some(),
        table: written_name(relation.table_name_ref()?.syntax()),
        actions: actions.map(|found| action(found.syntax())).collect(),
    })
}

/// Reads one subcommand.
pub(super) fn action(node: &SyntaxNode) -> TableAction {
    let of_table = AlterTableAction::cast(node.clone());
    let understood = match of_table {
        Some(found) => table_action(&found),
        None => view_action(node),
    };
    understood.unwrap_or_else(|| TableAction::NotUnderstood(written(node)))
}

/// What only views have, and what they call otherwise.
fn view_action(node: &SyntaxNode) -> Option<TableAction> {
    if let Some(renamed) = ast::ViewRenameTo::cast(node.clone()) {
        return Some(TableAction::RenameTo(name(renamed.view()?.syntax())));
    }
    if let Some(column) = ast::AlterViewColumn::cast(node.clone()) {
        let action = match column.alter_view_column_action()? {
            ast::AlterViewColumnAction::SetDefault(found) => ColumnAction::SetDefault(expression(&found.expr()?)),
            ast::AlterViewColumnAction::DropDefault(_) => ColumnAction::DropDefault,
        };
        return Some(TableAction::AlterColumn {
            column: name(column.name()?.syntax()),
            action,
        });
    }
    let depends = ast::DependsOnExtension::can_cast(node.kind()) || ast::NoDependsOnExtension::can_cast(node.kind());
    depends.then_some(TableAction::DependsOnExtension)
}

fn table_action(found: &AlterTableAction) -> Option<TableAction> {
    Some(match found {
        AlterTableAction::AddColumn(found) => TableAction::AddColumn {
            column: added_column(found)?,
            if_not_exists: found.if_not_exists().is_some(),
        },
        AlterTableAction::DropColumn(found) => TableAction::DropColumn {
            column: name(found.column_name_ref()?.syntax()),
            cascade: cascades(found.drop_behavior()),
        },
        AlterTableAction::AlterColumn(found) => TableAction::AlterColumn {
            column: name(found.column_name_ref()?.syntax()),
            action: column_action(&found.option()?)?,
        },
        AlterTableAction::AddConstraint(found) => TableAction::AddConstraint(table_constraint(&found.constraint()?)?),
        AlterTableAction::AlterConstraint(found) => {
            TableAction::AlterConstraint(name(found.constraint_name_ref()?.syntax()))
        }
        AlterTableAction::ValidateConstraint(found) => {
            TableAction::ValidateConstraint(name(found.constraint_name_ref()?.syntax()))
        }
        AlterTableAction::DropConstraint(found) => TableAction::DropConstraint {
            constraint: name(found.constraint_name_ref()?.syntax()),
            cascade: cascades(found.drop_behavior()),
        },
        AlterTableAction::TableRenameTo(found) => TableAction::RenameTo(name(found.table_name()?.syntax())),
        AlterTableAction::RenameColumn(found) => TableAction::RenameColumn {
            from: name(found.column_name_ref()?.syntax()),
            to: name(found.column_name()?.syntax()),
        },
        AlterTableAction::RenameConstraint(found) => TableAction::RenameConstraint {
            from: name(found.constraint_name_ref()?.syntax()),
            to: name(found.constraint_name()?.syntax()),
        },
        AlterTableAction::AttachPartition(found) => TableAction::AttachPartition {
            partition: written_name(found.table_name_ref()?.syntax()),
            bound: partition_bound(&found.partition_type()?),
        },
        AlterTableAction::DetachPartition(found) => TableAction::DetachPartition {
            partition: written_name(found.table_name_ref()?.syntax()),
            manner: match found.detach_partition_option() {
                None => DetachManner::AtOnce,
                Some(ast::DetachPartitionOption::DetachConcurrently(_)) => DetachManner::Concurrently,
                Some(ast::DetachPartitionOption::DetachFinalize(_)) => DetachManner::Finalize,
            },
        },
        AlterTableAction::InheritTable(found) => TableAction::Inherit(written_name(found.table_name_ref()?.syntax())),
        AlterTableAction::NoInheritTable(found) => {
            TableAction::NoInherit(written_name(found.table_name_ref()?.syntax()))
        }
        other => return storage_action(other).or_else(|| firing_action(other)),
    })
}

/// Where a table is kept, how, and whose it is.
fn storage_action(found: &AlterTableAction) -> Option<TableAction> {
    Some(match found {
        AlterTableAction::SetSchema(found) => TableAction::SetSchema(name(found.schema_ref()?.syntax())),
        AlterTableAction::SetTablespace(found) => TableAction::SetTablespace(name(found.tablespace_ref()?.syntax())),
        AlterTableAction::SetAccessMethod(found) => {
            let method = found.access_method_ref();
            TableAction::SetAccessMethod(method.map(|method| name(method.syntax())))
        }
        AlterTableAction::SetLogged(_) => TableAction::SetLogged(true),
        AlterTableAction::SetUnlogged(_) => TableAction::SetLogged(false),
        AlterTableAction::SetOptions(found) => TableAction::SetOptions(options(&found.attribute_list()?)),
        AlterTableAction::ResetOptions(found) => TableAction::SetOptions(options(&found.attribute_list()?)),
        AlterTableAction::AlterOptionList(_) => TableAction::ForeignOptions,
        AlterTableAction::OwnerTo(_) => TableAction::Owner,
        AlterTableAction::ReplicaIdentity(_) => TableAction::ReplicaIdentity,
        AlterTableAction::ClusterOn(_) | AlterTableAction::SetWithoutCluster(_) => TableAction::ClusterMark,
        AlterTableAction::SetWithoutOids(_) => TableAction::WithoutOids,
        AlterTableAction::OfType(_) => TableAction::OfType,
        AlterTableAction::NotOf(_) => TableAction::NotOf,
        _ => return None,
    })
}

/// What fires or is checked beside a statement: triggers, rules, policies.
fn firing_action(found: &AlterTableAction) -> Option<TableAction> {
    let trigger = |firing, target: Option<&SyntaxNode>| {
        let trigger = written_name(target?);
        Some(TableAction::Trigger { firing, trigger })
    };
    let rule = |firing, rule: Option<ast::RuleRef>| {
        let rule = written_name(rule?.syntax());
        Some(TableAction::Rule { firing, rule })
    };
    let syntax = |target: Option<ast::TriggerTarget>| target.map(|target| target.syntax().clone());
    let named = |target: Option<ast::TriggerRef>| target.map(|target| target.syntax().clone());
    match found {
        AlterTableAction::EnableTrigger(found) => trigger(Firing::Enabled, syntax(found.trigger_target()).as_ref()),
        AlterTableAction::DisableTrigger(found) => trigger(Firing::Disabled, syntax(found.trigger_target()).as_ref()),
        AlterTableAction::EnableAlwaysTrigger(found) => trigger(Firing::Always, named(found.trigger_ref()).as_ref()),
        AlterTableAction::EnableReplicaTrigger(found) => trigger(Firing::Replica, named(found.trigger_ref()).as_ref()),
        AlterTableAction::EnableRule(found) => rule(Firing::Enabled, found.rule_ref()),
        AlterTableAction::DisableRule(found) => rule(Firing::Disabled, found.rule_ref()),
        AlterTableAction::EnableAlwaysRule(found) => rule(Firing::Always, found.rule_ref()),
        AlterTableAction::EnableReplicaRule(found) => rule(Firing::Replica, found.rule_ref()),
        AlterTableAction::EnableRls(_) => Some(TableAction::RowSecurity(true)),
        AlterTableAction::DisableRls(_) => Some(TableAction::RowSecurity(false)),
        AlterTableAction::ForceRls(_) => Some(TableAction::ForceRowSecurity(true)),
        AlterTableAction::NoForceRls(_) => Some(TableAction::ForceRowSecurity(false)),
        _ => None,
    }
}

fn column_action(option: &AlterColumnOption) -> Option<ColumnAction> {
    Some(match option {
        AlterColumnOption::SetType(found) => ColumnAction::SetType(TypeChange {
            data_type: type_name(&found.ty()?),
            collation: found.collate().and_then(|collate| collation(&collate)),
            using: found
                .using_expr()
                .and_then(|using| using.expr())
                .as_ref()
                .map(expression),
        }),
        AlterColumnOption::SetNotNull(_) => ColumnAction::SetNotNull,
        AlterColumnOption::DropNotNull(_) => ColumnAction::DropNotNull,
        AlterColumnOption::SetDefault(found) => ColumnAction::SetDefault(expression(&found.expr()?)),
        AlterColumnOption::DropDefault(_) => ColumnAction::DropDefault,
        AlterColumnOption::SetExpression(found) => ColumnAction::SetExpression(expression(&found.expr()?)),
        AlterColumnOption::DropExpression(_) => ColumnAction::DropExpression,
        AlterColumnOption::AddGenerated(_) => ColumnAction::AddIdentity,
        AlterColumnOption::SetGenerated(_) => ColumnAction::SetGenerated,
        AlterColumnOption::SetGeneratedOptions(found) => {
            let only_generated = |option| matches!(option, ast::SetGeneratedOption::SetGenerated(_));
            if found.set_generated_options().all(only_generated) {
                ColumnAction::SetGenerated
            } else {
                ColumnAction::SetSequence
            }
        }
        AlterColumnOption::SetSequenceOption(_) | AlterColumnOption::Restart(_) => ColumnAction::SetSequence,
        AlterColumnOption::DropIdentity(_) => ColumnAction::DropIdentity,
        AlterColumnOption::SetStatistics(_) => ColumnAction::SetStatistics,
        AlterColumnOption::SetStorage(_) => ColumnAction::SetStorage,
        AlterColumnOption::SetCompression(_) => ColumnAction::SetCompression,
        AlterColumnOption::SetOptions(_) | AlterColumnOption::ResetOptions(_) => ColumnAction::SetOptions,
        AlterColumnOption::SetOptionsList(_) => ColumnAction::ForeignOptions,
        AlterColumnOption::Inherit(_) | AlterColumnOption::NoInherit(_) => return None,
    })
}

fn cascades(behaviour: Option<ast::DropBehavior>) -> bool {
    matches!(behaviour, Some(ast::DropBehavior::Cascade(_)))
}

fn options(list: &ast::AttributeList) -> Vec<String> {
    let options = list.attribute_options().filter_map(|option| option.name());
    options
        .map(|name| written_name(name.syntax()).to_ascii_lowercase())
        .collect()
}

/// Reads the bound of a partition.
pub(super) fn partition_bound(bound: &ast::PartitionType) -> PartitionBound {
    let each =
        |values: ast::AstChildren<ast::Expr>| -> Vec<Expression> { values.map(|value| expression(&value)).collect() };
    let rows = match bound {
        ast::PartitionType::PartitionDefault(_) => PartitionRows::Default,
        ast::PartitionType::PartitionForValuesFrom(range) => PartitionRows::Range {
            from: range.from().map(|values| each(values.exprs())).unwrap_or_default(),
            to: range.to().map(|values| each(values.exprs())).unwrap_or_default(),
        },
        ast::PartitionType::PartitionForValuesIn(list) => PartitionRows::List(each(list.exprs())),
        ast::PartitionType::PartitionForValuesWith(_) => PartitionRows::Hash,
    };
    PartitionBound {
        written: written(bound.syntax()),
        rows,
    }
}
