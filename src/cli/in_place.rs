//! Decides whether a rehearsal changes the staging database itself: only if this was permitted for that database, and
//! nobody else depends on it.

use super::arguments::{InPlaceArguments, Waiver};
use super::output;
use crate::error::{Error, ErrorKind, Result};
use crate::quoting::identifier;
use crate::server::{InPlaceFacts, Staging};

/// Decides whether the rehearsal works on a copy, if none was requested, and reports the decision.
///
/// # Errors
/// `UnsafeTarget` where the database may be neither changed nor copied; `Connection` when it cannot be read.
pub fn works_on_a_copy(staging: &mut Staging, arguments: &InPlaceArguments) -> Result<bool> {
    let facts = staging.in_place_facts()?;
    if let Some(name) = &arguments.disposable {
        refuse_other_name(staging, name)?;
    }
    if facts.is_marked || arguments.disposable.is_some() {
        refuse_dangers(staging, &facts, arguments)?;
        output::print_note(&format!(
            "rehearsing on {}, which is changed by it (--sandbox works on a copy)",
            staging.parameters()
        ));
        return Ok(false);
    }
    let name = staging.parameters().database();
    if !facts.may_be_copied {
        return Err(neither(staging));
    }
    output::print_note(&format!(
        "rehearsing on a copy of {}, which is dropped afterwards (in place: --disposable {})",
        staging.parameters(),
        shell_word(name)
    ));
    if !facts.dangers.is_empty() {
        let words: Vec<&str> = facts.dangers.iter().map(|(_, words)| words.as_str()).collect();
        output::print_note(&format!(
            "warning: this may be no clone: {}; a copy takes disk and time of its server",
            words.join("; ")
        ));
    }
    Ok(true)
}

fn refuse_other_name(staging: &Staging, name: &str) -> Result<()> {
    let actual = staging.parameters().database();
    if name == actual {
        return Ok(());
    }
    let message = format!(
        "--disposable {name} is not the database that staging leads to: {}",
        staging.parameters()
    );
    Err(Error::new(ErrorKind::UnsafeTarget, message).with_hint(format!(
        "if that is a disposable clone: --disposable {}",
        shell_word(actual)
    )))
}

fn refuse_dangers(staging: &Staging, facts: &InPlaceFacts, arguments: &InPlaceArguments) -> Result<()> {
    let left = facts
        .dangers
        .iter()
        .map(|(danger, words)| (Waiver::of(*danger), words.as_str()))
        .filter(|(waiver, _)| !arguments.waive.contains(waiver));
    let (waivers, words): (Vec<Waiver>, Vec<&str>) = left.unzip();
    if waivers.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = arguments
        .waive
        .iter()
        .chain(&waivers)
        .map(|waiver| waiver.name())
        .collect();
    let message = format!("{} is not changed in place: {}", staging.parameters(), words.join("; "));
    Err(Error::new(ErrorKind::UnsafeTarget, message).with_hint(format!(
        "work on a copy with --sandbox; or, if it is disposable all the same: --waive {}",
        names.join(",")
    )))
}

fn neither(staging: &Staging) -> Error {
    let (name, user) = (staging.parameters().database(), staging.parameters().user());
    let message = format!(
        "{} is not marked as disposable, and the role {user} may not make a copy of it",
        staging.parameters()
    );
    Error::new(ErrorKind::UnsafeTarget, message).with_hint(format!(
        "if it is a disposable clone: --disposable {}, or once, as a superuser: \
         ALTER DATABASE {} SET migtime.disposable = on; \
         for copies, the role must own the database, and: ALTER ROLE {} CREATEDB",
        shell_word(name),
        identifier(name),
        identifier(user)
    ))
}

/// Returns a name for a shell, quoted where necessary.
pub fn shell_word(name: &str) -> String {
    let is_plain = name
        .bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.'));
    if is_plain && !name.is_empty() {
        name.to_string()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_to_run_can_be_run() {
        assert_eq!(shell_word("shop_clone"), "shop_clone");
        assert_eq!(shell_word("it's $(x)"), "'it'\\''s $(x)'");
    }
}
