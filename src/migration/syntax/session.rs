//! Reads statements that steer transactions and the session.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::node::{child, child_of, descendant, has, last_name, string, written, written_name};
use crate::migration::command::{Session, Setting, Transaction};
use crate::quoting::names_of_list;

/// Reads a statement about transactions; `None` for every other one.
pub(super) fn transaction(node: &SyntaxNode) -> Option<Transaction> {
    let chain = has(node, SyntaxKind::AND_CHAIN);
    Some(match node.kind() {
        SyntaxKind::BEGIN => Transaction::Begin,
        SyntaxKind::COMMIT_TRANSACTION => Transaction::Commit { chain },
        SyntaxKind::ROLLBACK_TRANSACTION => Transaction::Rollback { chain },
        SyntaxKind::SAVEPOINT_CREATE => Transaction::Savepoint,
        SyntaxKind::RELEASE_SAVEPOINT => Transaction::Release,
        SyntaxKind::ROLLBACK_TO_SAVEPOINT => Transaction::RollbackToSavepoint,
        SyntaxKind::PREPARE_TRANSACTION | SyntaxKind::COMMIT_PREPARED | SyntaxKind::ROLLBACK_PREPARED => {
            Transaction::Prepared
        }
        SyntaxKind::SET_TRANSACTION if !has(node, SyntaxKind::SESSION_CHARACTERISTICS) => Transaction::Modes,
        _ => return None,
    })
}

/// Reads a statement about the session; `None` for every other one.
pub(super) fn session(node: &SyntaxNode) -> Option<Session> {
    Some(match node.kind() {
        SyntaxKind::SET | SyntaxKind::SET_ROLE | SyntaxKind::SET_SESSION_AUTH => Session::Set(setting(node)),
        SyntaxKind::SET_TRANSACTION => Session::Characteristics,
        SyntaxKind::SET_CONSTRAINTS => Session::Constraints,
        SyntaxKind::RESET | SyntaxKind::RESET_ROLE | SyntaxKind::RESET_SESSION_AUTH => {
            Session::Reset((!has(node, SyntaxKind::ALL)).then(|| name(node)))
        }
        SyntaxKind::SHOW => Session::Show,
        SyntaxKind::DISCARD => Session::Discard {
            all: has(node, SyntaxKind::DISCARD_ALL),
        },
        SyntaxKind::PREPARE => Session::Prepare,
        SyntaxKind::DEALLOCATE => Session::Deallocate,
        SyntaxKind::DECLARE => Session::Declare {
            hold: has(node, SyntaxKind::WITH_HOLD),
        },
        SyntaxKind::LISTEN => Session::Listen,
        SyntaxKind::UNLISTEN => Session::Unlisten,
        SyntaxKind::NOTIFY => Session::Notify,
        SyntaxKind::LOAD => Session::Load,
        _ => return None,
    })
}

/// Returns the name of what `SET` or `RESET` is about, in lower case.
fn name(node: &SyntaxNode) -> String {
    let of_words = match node.kind() {
        SyntaxKind::SET_ROLE | SyntaxKind::RESET_ROLE => Some("role"),
        SyntaxKind::SET_SESSION_AUTH | SyntaxKind::RESET_SESSION_AUTH => Some("session_authorization"),
        _ if has(node, SyntaxKind::SET_TIME_ZONE) || has(node, SyntaxKind::RESET_TIME_ZONE) => Some("timezone"),
        _ if has(node, SyntaxKind::SET_SCHEMA_VALUE) => Some("search_path"),
        _ => None,
    };
    let parameter = || descendant(node, SyntaxKind::CONFIG_PARAMETER_REF);
    match of_words {
        Some(name) => name.to_owned(),
        None => parameter().map_or_else(String::new, |name| written_name(&name).to_ascii_lowercase()),
    }
}

fn setting(node: &SyntaxNode) -> Setting {
    let assigned = child_of(
        node,
        &[
            SyntaxKind::SET_TIME_ZONE,
            SyntaxKind::SET_SCHEMA_VALUE,
            SyntaxKind::SET_CONFIG,
        ],
    );
    let assigned = assigned.map(|found| child(&found, SyntaxKind::TO_CONFIG_VALUE).unwrap_or(found));
    let default = assigned
        .as_ref()
        .is_some_and(|value| has(value, SyntaxKind::DEFAULT_KW) || has(value, SyntaxKind::LOCAL_KW));
    let values = assigned.iter().flat_map(|value| value.children());
    let list = values.map(|value| string(&value).unwrap_or_else(|| last_name(&value)));
    Setting {
        local: has(node, SyntaxKind::LOCAL_SCOPE),
        name: name(node),
        value: assigned.as_ref().map(value).unwrap_or_default(),
        list: (!default).then(|| list.collect()),
        default,
    }
}

/// Returns what stands behind the name of a setting, and `TO` or `=`.
fn value(assigned: &SyntaxNode) -> String {
    let mut values = assigned.children();
    match (values.next(), values.next()) {
        (Some(single), None) => string(&single).unwrap_or_else(|| written(&single)),
        (None, _) => assigned
            .last_token()
            .map(|token| token.text().to_owned())
            .unwrap_or_default(),
        (Some(_), Some(_)) => {
            let all = assigned.children().map(|value| written(&value));
            all.collect::<Vec<_>>().join(" , ")
        }
    }
}

/// Returns what calls of `set_config` set, in their order.
pub(super) fn set_by_calls(node: &SyntaxNode) -> Vec<Setting> {
    let calls = node.descendants().filter(|part| part.kind() == SyntaxKind::CALL_EXPR);
    calls.filter_map(|call| set_config(&call)).collect()
}

fn set_config(call: &SyntaxNode) -> Option<Setting> {
    let function = child_of(call, &[SyntaxKind::NAME_REF, SyntaxKind::FIELD_EXPR])?;
    if last_name(&function) != "set_config" {
        return None;
    }
    let arguments = child(call, SyntaxKind::ARG_LIST)?;
    let arguments: Vec<SyntaxNode> = arguments
        .children()
        .map(|argument| argument.first_child().unwrap_or(argument))
        .collect();
    let [name, value, local] = arguments.as_slice() else {
        return None;
    };
    let value = string(value);
    Some(Setting {
        local: written(local).eq_ignore_ascii_case("true"),
        name: string(name)?.to_ascii_lowercase(),
        list: value.as_deref().map(names_of_list),
        value: value.unwrap_or_default(),
        default: false,
    })
}
