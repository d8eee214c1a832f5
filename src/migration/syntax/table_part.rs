//! Reads statements that make, alter and drop triggers, rules and policies.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::node::{child, child_of, descendant, has, tokens, written_name};
use super::objects::renamed_to;
use super::rows::query;
use crate::migration::command::{ObjectKind, PartVerb, Query, TablePart};

/// Reads a statement about a trigger, rule or policy; `None` for every other one.
pub(super) fn table_part(node: &SyntaxNode) -> Option<TablePart> {
    let created = if has(node, SyntaxKind::OR_REPLACE) {
        PartVerb::Replace
    } else {
        PartVerb::Create
    };
    let (verb, kind) = match node.kind() {
        SyntaxKind::CREATE_TRIGGER => (created, ObjectKind::Trigger),
        SyntaxKind::CREATE_RULE => (created, ObjectKind::Rule),
        SyntaxKind::CREATE_POLICY => (created, ObjectKind::Policy),
        SyntaxKind::ALTER_TRIGGER => (PartVerb::Alter, ObjectKind::Trigger),
        SyntaxKind::ALTER_RULE => (PartVerb::Alter, ObjectKind::Rule),
        SyntaxKind::ALTER_POLICY => (PartVerb::Alter, ObjectKind::Policy),
        SyntaxKind::DROP_TRIGGER => (PartVerb::Drop, ObjectKind::Trigger),
        SyntaxKind::DROP_RULE => (PartVerb::Drop, ObjectKind::Rule),
        SyntaxKind::DROP_POLICY => (PartVerb::Drop, ObjectKind::Policy),
        _ => return None,
    };
    let names = [
        SyntaxKind::TRIGGER,
        SyntaxKind::TRIGGER_REF,
        SyntaxKind::RULE,
        SyntaxKind::RULE_REF,
        SyntaxKind::POLICY,
        SyntaxKind::POLICY_REF,
    ];
    let on = child_of(
        node,
        &[SyntaxKind::ON_RELATION, SyntaxKind::ON_TABLE, SyntaxKind::RULE_ON],
    )?;
    let table = child_of(&on, &[SyntaxKind::RELATION_NAME_REF, SyntaxKind::TABLE_NAME_REF])?;
    Some(TablePart {
        verb,
        kind,
        name: written_name(&child_of(node, &names)?),
        table: written_name(&table),
        if_exists: has(node, SyntaxKind::IF_EXISTS),
        for_each_row: has(node, SyntaxKind::FOR_EACH_ROW),
        instead: has(node, SyntaxKind::TIMING_INSTEAD_OF) || descendant(node, SyntaxKind::INSTEAD_KW).is_some(),
        events: events(node),
        does: rule_actions(node),
        renamed_to: renamed_to(node),
    })
}

fn events(node: &SyntaxNode) -> Vec<String> {
    let keywords = [SyntaxKind::UPDATE_KW, SyntaxKind::INSERT_KW, SyntaxKind::DELETE_KW];
    let lists = node
        .children()
        .filter(|part| matches!(part.kind(), SyntaxKind::TRIGGER_EVENT_LIST | SyntaxKind::RULE_ON));
    let tokens = lists.flat_map(|list| tokens(&list).collect::<Vec<_>>());
    let numbers = tokens.filter_map(|token| keywords.iter().position(|keyword| *keyword == token.kind()));
    numbers.map(|place| (place + 2).to_string()).collect()
}

fn rule_actions(node: &SyntaxNode) -> Vec<Query> {
    let action = child(node, SyntaxKind::RULE_DO);
    let parts = action.iter().flat_map(|action| action.descendants());
    let outermost = |part: &SyntaxNode| part.parent().is_some_and(|parent| query(&parent).is_none());
    parts.filter(outermost).filter_map(|part| query(&part)).collect()
}
