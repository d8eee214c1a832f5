//! Reads statements that steer transactions and the session.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::node::{child, descendant, has, string, written, written_name};
use crate::migration::command::{Session, Setting, Transaction};

/// Reads a statement about transactions; `None` for every other one.
pub(super) fn transaction(node: &SyntaxNode) -> Option<Transaction> {
    let chain = has(node, SyntaxKind::AND_CHAIN);
    Some(match node.kind() {
        SyntaxKind::BEGIN => Transaction::Begin,
        SyntaxKind::COMMIT_TRANSACTION => Transaction::Commit { chain },
        SyntaxKind::ROLLBACK_TRANSACTION => Transaction::Rollback { chain },
        SyntaxKind::SAVEPOINT_CREATE | SyntaxKind::RELEASE_SAVEPOINT => Transaction::Savepoint,
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
        SyntaxKind::RESET | SyntaxKind::RESET_ROLE | SyntaxKind::RESET_SESSION_AUTH => Session::Reset,
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

fn setting(node: &SyntaxNode) -> Setting {
    let name = match node.kind() {
        SyntaxKind::SET_ROLE => "role".to_owned(),
        SyntaxKind::SET_SESSION_AUTH => "session_authorization".to_owned(),
        _ => match descendant(node, SyntaxKind::CONFIG_PARAMETER_REF) {
            Some(name) => written_name(&name).to_ascii_lowercase(),
            None if has(node, SyntaxKind::SET_TIME_ZONE) => "timezone".to_owned(),
            None => String::new(),
        },
    };
    Setting {
        local: has(node, SyntaxKind::LOCAL_SCOPE),
        name,
        value: value(node),
    }
}

/// Returns what stands behind the name of a setting, and `TO` or `=`.
fn value(node: &SyntaxNode) -> String {
    let assigned = descendant(node, SyntaxKind::TO_CONFIG_VALUE).or_else(|| child(node, SyntaxKind::SET_TIME_ZONE));
    let Some(assigned) = assigned else {
        return String::new();
    };
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
