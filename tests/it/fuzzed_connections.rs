//! Any text as a service file, a password file or the URL of a database causes at most an error, and no password is
//! shown.

use std::str::from_utf8;

use migtime::server::files::{Wanted, find_password, find_service};
use migtime::server::keywords::parse_target;
use migtime::server::{ConnectionParameters, Environment};

use crate::fuzzed::{SECRET, shown};

/// Options that would read a file, which is not tested here.
const NAME_FILES: [&str; 6] = ["service", "servicefile", "passfile", "sslrootcert", "sslcert", "sslkey"];

/// Reads a service file after a line `service NAME`, a password file after `passwords HOST PORT DATABASE USER`,
/// otherwise a target.
pub fn run(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let words: Vec<&str> = first.split(' ').collect();
    match words.as_slice() {
        ["service", name] => check_service(rest, name),
        ["passwords", host, port, database, user] => {
            let wanted = Wanted {
                host,
                port: port.parse().unwrap_or(5432),
                database,
                user,
            };
            check_passwords(rest, &wanted);
        }
        _ => check_target(text),
    }
}

fn check_service(text: &str, name: &str) {
    match find_service(text, name) {
        Ok(Some(options)) => assert!(text.contains('[') && !options.contains_key("service")),
        Ok(None) => {}
        Err(line) => assert!((1..=text.lines().count()).contains(&line), "there is no line {line}"),
    }
}

fn check_passwords(text: &str, wanted: &Wanted) {
    let Some(found) = find_password(text, wanted) else {
        return;
    };
    assert!(!found.is_empty());
    // Comments and empty lines must not change the result.
    assert_eq!(find_password(&format!("# comment\n\n{text}"), wanted), Some(found));
}

fn check_target(text: &str) {
    let said = match parse_target(text) {
        Ok(options) if NAME_FILES.iter().any(|keyword| options.contains_key(keyword)) => String::new(),
        Ok(_) => connected(text),
        Err(error) => shown(&error),
    };
    assert!(
        !has_password(text) || !said.contains(SECRET),
        "{text:?} is shown as {said}"
    );
}

/// Returns how the target is shown, or the error that refuses it.
fn connected(text: &str) -> String {
    let environment = Environment {
        user: Some("me".to_string()),
        ..Environment::default()
    };
    match ConnectionParameters::resolve(Some(text), &environment) {
        Ok(parameters) => {
            assert!(parameters.names_same_database(&parameters));
            let other = parameters.with_database("another");
            assert!(other.to_string().ends_with("/another"));
            format!("{parameters} {}", parameters.warnings().join(" "))
        }
        Err(error) => shown(&error),
    }
}

/// Returns whether the secret of a target is its password: the text between the first colon and the last `@` before the
/// options of a URL, or the value of `password=`.
fn has_password(text: &str) -> bool {
    let Some(place) = text.find(SECRET) else { return false };
    if text.matches(SECRET).count() > 1 {
        return false;
    }
    match text.split_once("://") {
        Some((_, rest)) => {
            let place = place.wrapping_sub(text.len() - rest.len());
            let options = rest.find('?').unwrap_or(rest.len());
            let at = rest[..options].rfind('@');
            let colon = rest.find(':');
            colon.is_some_and(|colon| colon < place) && at.is_some_and(|at| place < at && place < options)
        }
        None => {
            let before = &text[..place];
            let key = before.rfind("password=").filter(|key| {
                let is_whole = *key == 0 || before[..*key].ends_with(' ');
                let value = &before[key + "password=".len()..];
                is_whole && !value.contains(|other: char| other.is_whitespace() || matches!(other, '\'' | '\\'))
            });
            key.is_some()
        }
    }
}
