//! Reads the two files in which people store connections: the service file and the password file.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::keywords::{Options, known_keyword};
use crate::error::{Error, ErrorKind, Result};

/// Where Debian and its derivatives keep the system-wide service file.
const SYSTEM_DIRECTORY: &str = "/etc/postgresql-common";

/// Returns the options of a service.
///
/// Looked for in `file` (else `~/.pg_service.conf`), then in `$PGSYSCONFDIR/pg_service.conf`.
///
/// # Errors
/// `Usage` when no file defines it, or one is malformed.
pub(super) fn read_service(name: &str, file: Option<&str>, environment: &Environment) -> Result<Options> {
    let own = match file.filter(|file| !file.is_empty()) {
        Some(file) => Some(PathBuf::from(file)),
        None => environment.home.as_ref().map(|home| home.join(".pg_service.conf")),
    };
    let system = environment.variable("PGSYSCONFDIR").unwrap_or(SYSTEM_DIRECTORY);
    for path in own.into_iter().chain([Path::new(system).join("pg_service.conf")]) {
        if let Ok(text) = std::fs::read_to_string(&path)
            && let Some(options) = find_service(&text, name)
                .map_err(|line| usage(format!("{} line {line} is no known option", path.display())))?
        {
            return Ok(options);
        }
    }
    Err(usage(format!("no service file defines the service `{name}`"))
        .with_hint("services are defined in ~/.pg_service.conf, or in the file that PGSERVICEFILE names"))
}

/// Finds a service in the text of a service file.
///
/// # Errors
/// The number, from 1, of the line that is not a known option.
pub fn find_service(text: &str, name: &str) -> Result<Option<Options>, usize> {
    let mut found: Option<Options> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(group) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            found = (group.strip_suffix(']') == Some(name)).then(Options::new);
        } else if let Some(options) = &mut found {
            let (keyword, value) = line.split_once('=').ok_or(index + 1)?;
            let keyword = known_keyword(keyword)
                .filter(|known| *known != "service")
                .ok_or(index + 1)?;
            options.entry(keyword).or_insert_with(|| value.to_string());
        }
    }
    Ok(found)
}

/// The key by which a password is looked up.
pub struct Wanted<'a> {
    /// Name or address as given; `localhost` for the usual sockets.
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// Database.
    pub database: &'a str,
    /// Role.
    pub user: &'a str,
}

/// Returns the text of the password file; `Err` is a warning about a file that must not be used.
pub(super) fn read_password_file(path: &Path) -> Result<Option<String>, String> {
    let Ok(found) = path.metadata() else { return Ok(None) };
    if !found.is_file() {
        return Err(format!("password file \"{}\" is not a plain file", path.display()));
    }
    if found.mode() & 0o077 != 0 {
        return Err(format!(
            "password file \"{}\" has group or world access; permissions should be u=rw (0600) or less, so it is not \
             read",
            path.display()
        ));
    }
    Ok(std::fs::read_to_string(path).ok())
}

/// Finds the first line `host:port:database:user:password` that matches; `*` matches anything, `\` escapes.
pub fn find_password(text: &str, wanted: &Wanted) -> Option<String> {
    let port = wanted.port.to_string();
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut rest = line;
        for value in [wanted.host, &port, wanted.database, wanted.user] {
            let (field, after) = take_field(rest);
            if rest.split(':').next() != Some("*") && field != value {
                return None;
            }
            rest = after?;
        }
        let (password, _) = take_field(rest);
        (!password.is_empty()).then_some(password)
    })
}

/// Splits off the first field, unescaped. The second value is the text after the colon, `None` at the end of the line.
fn take_field(text: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => field.push(characters.next().map_or('\\', |(_, escaped)| escaped)),
            ':' => return (field, Some(&text[index + 1..])),
            _ => field.push(character),
        }
    }
    (field, None)
}

fn usage(message: String) -> Error {
    Error::new(ErrorKind::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_password(text: &str, expected: Option<&str>) {
        let wanted = Wanted {
            host: "db",
            port: 5432,
            database: "app",
            user: "me",
        };
        assert_eq!(find_password(text, &wanted).as_deref(), expected, "{text}");
    }

    #[test]
    fn the_first_matching_line_has_the_password() {
        check_password("db:5432:app:me:one\n*:*:*:*:two", Some("one"));
        check_password("# db:5432:app:me:no\ndb:5433:app:me:no\n*:*:*:me:two", Some("two"));
        check_password("db:5432:app:you:no", None);
        check_password(r"d\b:5432:app:me:a\:b\\c", Some(r"a:b\c"));
        check_password(r"\*:5432:app:me:no", None);
        check_password("db:5432:app:me", None);
        check_password("db:5432:app:me:", None);
        check_password("", None);
    }

    fn check_service(text: &str, name: &str, expected: Result<Option<Vec<(&str, &str)>>, usize>) {
        let found = find_service(text, name);
        let found = found.as_ref().map_err(|line| *line).map(|options| {
            options.as_ref().map(|options| {
                options
                    .iter()
                    .map(|(keyword, value)| (*keyword, value.as_str()))
                    .collect()
            })
        });
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn services_are_read_like_libpq() {
        let text = "# mine\n[one]\nhost=a\n\n  port=1\nhost=ignored\n[two]\ndbname=x=y\n";
        check_service(text, "one", Ok(Some(vec![("host", "a"), ("port", "1")])));
        check_service(text, "two", Ok(Some(vec![("dbname", "x=y")])));
        check_service(text, "three", Ok(None));
        check_service("[one]\nnonsense=1", "one", Err(2));
        check_service("[one]\nservice=two", "one", Err(2));
        check_service("[one]\nhost", "one", Err(2));
        check_service("[other]\nnonsense=1\n[one]", "one", Ok(Some(vec![])));
    }
}
