//! Locks that a statement keeps through those behind it, in their transaction.

use std::collections::BTreeSet;

use super::planned::PlannedStatement;
use crate::migration::effects::{Effects, TransactionRule};
use crate::migration::{LockMode, StepKind, Trap, Warning};
use crate::units::counted;

/// Says which strong locks of a block are held through the statements behind them.
pub(super) fn warn_of_held_locks(planned: &mut [PlannedStatement]) {
    for block in planned.chunk_by_mut(|one, other| one.transaction_block == other.transaction_block) {
        if block[0].transaction_block.is_some() {
            warn_within_block(block);
        }
    }
}

fn warn_within_block(block: &mut [PlannedStatement]) {
    let (mut later, mut slow) = (0, 0);
    for effects in block.iter().filter_map(|planned| planned.effects.as_ref()) {
        later += 1;
        slow += usize::from(effects.kind() != StepKind::CatalogOnly);
    }
    let mut already: BTreeSet<String> = BTreeSet::new();
    for planned in block {
        let Some(effects) = &planned.effects else {
            continue;
        };
        later -= 1;
        slow -= usize::from(effects.kind() != StepKind::CatalogOnly);
        let strong = effects.locks.iter().filter(|(_, mode)| *mode >= LockMode::Share);
        let held: Vec<&str> = strong
            .map(|(name, _)| name.as_str())
            .filter(|name| already.insert((*name).to_owned()))
            .collect();
        if held.is_empty() || later == 0 {
            continue;
        }
        let through = match slow {
            0 => format!("{} more in its block", counted(later, "statement", "statements")),
            slow => format!(
                "{} more in its block, {slow} of which {} on rows",
                counted(later, "statement", "statements"),
                if slow == 1 { "works" } else { "work" }
            ),
        };
        let warning = format!("holds its lock on {} to the COMMIT, through {through}", held.join(", "));
        planned.warnings.push(Warning::new(Trap::LockKeptToCommit, warning));
    }
}

/// Says once what happens to a file without a block that is sent whole: its first strong lock is kept through slow
/// statements.
pub(super) fn warn_of_implicit_transaction(planned: &mut [PlannedStatement]) {
    if planned.iter().any(|planned| planned.transaction_block.is_some()) {
        return;
    }
    let strong = |effects: &Effects| effects.locks.iter().any(|(_, mode)| *mode >= LockMode::Share);
    let Some(place) = planned
        .iter()
        .position(|planned| planned.effects.as_ref().is_some_and(strong))
    else {
        return;
    };
    let works = |planned: &&PlannedStatement| {
        let effects = planned.effects.as_ref();
        effects.is_some_and(|effects| {
            let works = !matches!(effects.kind(), StepKind::CatalogOnly | StepKind::Unclassified);
            works && effects.transaction != TransactionRule::Forbidden
        })
    };
    let slow = planned[place + 1..].iter().filter(works).count();
    if slow > 0 {
        let warning = format!(
            "sent together with the statements behind it (psql -c, or a tool that sends the file whole) it is in one \
             transaction with them, and keeps its lock through {slow} that {} on rows",
            if slow == 1 { "works" } else { "work" }
        );
        planned[place]
            .warnings
            .push(Warning::new(Trap::KeptWhenSentWhole, warning));
    }
}
