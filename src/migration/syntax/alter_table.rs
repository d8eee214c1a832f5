//! `ALTER TABLE` and what has its form, read from the parser's tree.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AlterColumnOption, AlterTableAction, AstNode};

use super::super::command::{
    AlterTable, AlteredKind, ColumnAction, DetachManner, Expression, Firing, PartitionBound, PartitionRows,
    TableAction, TypeChange,
};
use super::column_definition::{added_column, collation, constraint_change, table_constraint};
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
        AlterTableAction::AlterConstraint(found) => TableAction::AlterConstraint {
            constraint: name(found.constraint_name_ref()?.syntax()),
            change: constraint_change(found.syntax()),
        },
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

#[cfg(test)]
mod tests {
    use super::super::super::command::{Command, ConstraintDefinition, Generated};
    use super::*;

    fn read(sql: &str) -> AlterTable {
        match super::super::outline(sql).command {
            Command::AlterTable(alter) => alter,
            other => panic!("{sql}: {other:?}"),
        }
    }

    fn only(action: &str) -> TableAction {
        read(&format!("ALTER TABLE t {action}")).actions.remove(0)
    }

    #[test]
    fn every_form_of_the_documentation_is_understood() {
        let of_tables = "ALTER a SET DEFAULT 1; ALTER a DROP DEFAULT; ALTER a DROP EXPRESSION IF EXISTS; \
            ALTER a SET GENERATED ALWAYS; ALTER a SET INCREMENT BY 2; ALTER a RESTART; \
            ALTER a DROP IDENTITY IF EXISTS; \
            ALTER a SET STATISTICS 5; ALTER a SET (n_distinct = 5); ALTER a RESET (n_distinct); \
            ALTER a SET STORAGE MAIN; \
            ALTER a SET COMPRESSION lz4; ALTER CONSTRAINT c DEFERRABLE; DISABLE TRIGGER ALL; ENABLE REPLICA TRIGGER x; \
            ENABLE ALWAYS TRIGGER x; DISABLE RULE r; ENABLE REPLICA RULE r; ENABLE ALWAYS RULE r; ENABLE ROW LEVEL \
            SECURITY; \
            NO FORCE ROW LEVEL SECURITY; CLUSTER ON i; SET WITHOUT CLUSTER; SET WITHOUT OIDS; SET ACCESS METHOD \
            DEFAULT; \
            SET TABLESPACE s; SET UNLOGGED; SET (fillfactor = 70); RESET (fillfactor); INHERIT p; NO INHERIT p; OF y; \
            NOT OF; \
            OWNER TO CURRENT_USER; REPLICA IDENTITY USING INDEX i; SET SCHEMA s; RENAME TO u; RENAME a TO b; \
            RENAME CONSTRAINT a TO b; VALIDATE CONSTRAINT c; DETACH PARTITION p FINALIZE; OPTIONS (ADD a 'b')";
        let of_views =
            "ALTER a SET DEFAULT 1; OWNER TO o; RENAME a TO b; RENAME TO w; SET SCHEMA s; RESET (check_option)";
        let of_copies =
            "DEPENDS ON EXTENSION x; NO DEPENDS ON EXTENSION x; ALTER a SET STATISTICS 5; CLUSTER ON i; RENAME TO w";
        for (kind, forms) in [
            ("TABLE", of_tables),
            ("FOREIGN TABLE", of_tables),
            ("VIEW", of_views),
            ("MATERIALIZED VIEW", of_copies),
        ] {
            for form in forms.split(';') {
                let alter = read(&format!("ALTER {kind} IF EXISTS s.t {form}"));
                assert_eq!((alter.called.keywords(), alter.table.as_str()), (kind, "s.t"));
                assert!(alter.if_exists && alter.actions.len() == 1, "{form}");
                assert!(!matches!(alter.actions[0], TableAction::NotUnderstood(_)), "{form}");
            }
        }
    }

    #[test]
    fn columns_and_constraints_are_read_with_all_they_say() {
        let TableAction::AddColumn { column, if_not_exists } = only(
            "ADD IF NOT EXISTS \"A b\" varchar(20) COLLATE \"C\" DEFAULT ARRAY['a', 'b'] CONSTRAINT k PRIMARY KEY \
             REFERENCES p (id) ON DELETE CASCADE CHECK (f(a) <> /* x */ '')",
        ) else {
            panic!("adds a column");
        };
        assert!(if_not_exists && column.not_null && column.has_default());
        assert_eq!((column.name.as_str(), column.written_name.as_str()), ("A b", "\"A b\""));
        assert_eq!(column.collation.as_deref(), Some("\"C\""));
        let [key, reference, check] = column.constraints.as_slice() else {
            panic!("three constraints: {:?}", column.constraints);
        };
        assert_eq!(
            (key.name.as_deref(), key.columns.as_slice()),
            (Some("k"), ["A b".to_owned()].as_slice())
        );
        assert_eq!(key.definition, ConstraintDefinition::PrimaryKey { using_index: None });
        let referenced = ConstraintDefinition::ForeignKey {
            table: "p".to_owned(),
            columns: vec!["id".to_owned()],
        };
        assert_eq!(reference.definition, referenced);
        assert!(matches!(&check.definition, ConstraintDefinition::Check { written, .. } if written == "f(a) <> ''"));

        let generated = |kind: &str| match only(&format!("ADD a int GENERATED ALWAYS AS {kind}")) {
            TableAction::AddColumn { column, .. } => column.generated,
            other => panic!("{other:?}"),
        };
        assert_eq!(generated("IDENTITY (START 5)"), Some(Generated::Identity));
        assert!(matches!(generated("(b) STORED"), Some(Generated::Stored(_))));
        assert!(matches!(generated("(b)"), Some(Generated::Virtual(_))));
    }

    #[test]
    fn flags_belong_to_their_own_subcommand() {
        let alter = read(
            "ALTER TABLE ONLY t DROP a CASCADE, DROP CONSTRAINT b, ADD CONSTRAINT c CHECK (d) NOT VALID, ADD UNIQUE \
             (e)",
        );
        assert!(alter.only);
        let cascades = |action: &TableAction| match action {
            TableAction::DropColumn { cascade, .. } | TableAction::DropConstraint { cascade, .. } => *cascade,
            TableAction::AddConstraint(constraint) => constraint.not_valid,
            _ => false,
        };
        let found: Vec<bool> = alter.actions.iter().map(cascades).collect();
        assert_eq!(found, [true, false, true, false]);
    }

    #[test]
    fn bounds_of_partitions_are_values() {
        let rows = |bound: &str| match only(&format!("ATTACH PARTITION s.p {bound}")) {
            TableAction::AttachPartition { bound, .. } => bound.rows,
            other => panic!("{other:?}"),
        };
        let one = || vec![Expression::Number("1".to_owned())];
        let range = PartitionRows::Range {
            from: vec![Expression::Name(vec!["minvalue".to_owned()])],
            to: one(),
        };
        assert_eq!(rows("FOR VALUES FROM (MINVALUE) TO (1)"), range);
        assert_eq!(rows("FOR VALUES IN (1)"), PartitionRows::List(one()));
        assert_eq!(rows("FOR VALUES WITH (MODULUS 4, REMAINDER 0)"), PartitionRows::Hash);
        assert_eq!(rows("default"), PartitionRows::Default);
    }
}
