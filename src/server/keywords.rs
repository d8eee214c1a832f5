//! The connection options of libpq, the environment variable of each, and the syntaxes for writing them.
//!
//! Turns a URI, a `keyword=value` string or a bare database name into options; what they mean is decided elsewhere. An
//! error here never repeats text that could be part of a password.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use percent_encoding::percent_decode_str;

/// Options by libpq's keyword.
pub type Options = BTreeMap<&'static str, String>;

/// Keyword and environment variable (empty when it has none), as in libpq 18.
pub(super) const KEYWORDS: [(&str, &str); 43] = [
    ("application_name", "PGAPPNAME"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("client_encoding", "PGCLIENTENCODING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("dbname", "PGDATABASE"),
    ("fallback_application_name", ""),
    ("gssdelegation", "PGGSSDELEGATION"),
    ("gssencmode", "PGGSSENCMODE"),
    ("gsslib", "PGGSSLIB"),
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("keepalives", ""),
    ("keepalives_count", ""),
    ("keepalives_idle", ""),
    ("keepalives_interval", ""),
    ("krbsrvname", "PGKRBSRVNAME"),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    ("options", "PGOPTIONS"),
    ("passfile", "PGPASSFILE"),
    ("password", "PGPASSWORD"),
    ("port", "PGPORT"),
    ("require_auth", "PGREQUIREAUTH"),
    ("requirepeer", "PGREQUIREPEER"),
    ("requiressl", ""),
    ("service", "PGSERVICE"),
    ("servicefile", "PGSERVICEFILE"),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    ("sslcert", "PGSSLCERT"),
    ("sslcertmode", "PGSSLCERTMODE"),
    ("sslcompression", "PGSSLCOMPRESSION"),
    ("sslcrl", "PGSSLCRL"),
    ("sslcrldir", "PGSSLCRLDIR"),
    ("sslkey", "PGSSLKEY"),
    ("sslmode", "PGSSLMODE"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("sslpassword", ""),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslsni", "PGSSLSNI"),
    ("replication", ""),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("tcp_user_timeout", ""),
    ("user", "PGUSER"),
];

/// The hint for a URI whose parts cannot be told apart.
pub(super) const ENCODE: &str =
    "in a URI, encode @ : / ? # & and % of user and password as %40 %3A %2F %3F %23 %26 and %25";

/// Returns libpq's spelling of the keyword, if libpq knows it.
pub(super) fn known_keyword(keyword: &str) -> Option<&'static str> {
    KEYWORDS.iter().map(|(known, _)| *known).find(|known| *known == keyword)
}

/// Reads what a person gives as a target: a URI, a `keyword=value` string, or the name of a database.
///
/// # Errors
/// `Usage` when it is malformed or has an unknown keyword.
pub fn parse_target(text: &str) -> Result<Options> {
    match text
        .strip_prefix("postgresql://")
        .or_else(|| text.strip_prefix("postgres://"))
    {
        Some(rest) => parse_uri(rest),
        // The text may contain a password, and a database name would be shown.
        None if text.contains("://") || (text.contains(':') && text.contains('@') && !text.contains('=')) => {
            Err(malformed("a connection URI starts with postgresql:// or postgres://"))
        }
        None if text.contains('=') => parse_pairs(text),
        None => Ok(Options::from([("dbname", text.to_string())])),
    }
}

/// Stores one option, given by a person or a file.
pub(super) fn store(options: &mut Options, keyword: &str, value: String) -> Result<()> {
    let known = known_keyword(keyword)
        .ok_or_else(|| malformed(format!("unknown connection option `{keyword}`")).with_hint(ENCODE))?;
    options.insert(known, value);
    Ok(())
}

/// Reads `[user[:password]@][host[:port][,…]][/dbname][?keyword=value[&…]]`.
fn parse_uri(rest: &str) -> Result<Options> {
    let mut options = Options::new();
    let (before_query, query) = split_query(rest);
    refuse_stray_at(before_query)?;
    let (credentials, location) = match before_query.split_once('@') {
        Some((credentials, location)) if !credentials.contains('/') => (credentials, location),
        _ => ("", before_query),
    };
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let (hosts, database) = location.split_once('/').unwrap_or((location, ""));
    for (keyword, text) in [("user", user), ("password", password), ("dbname", database)] {
        if !text.is_empty() {
            options.insert(keyword, percent_decoded(text)?);
        }
    }
    store_hosts(&mut options, hosts)?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (keyword, value) = pair
            .split_once('=')
            .filter(|(_, value)| !value.contains('='))
            .ok_or_else(|| malformed("an option of the URI is not of the form keyword=value"))?;
        let (keyword, value) = (percent_decoded(keyword)?, percent_decoded(value)?);
        // JDBC's `ssl=true`.
        if (keyword.as_str(), value.as_str()) == ("ssl", "true") {
            options.insert("sslmode", "require".to_string());
        } else {
            store(&mut options, &keyword, value)?;
        }
    }
    Ok(options)
}

/// Refuses an `@` after the one that ends user and password if both may belong to an unencoded password: the text
/// between them would be shown as a host or a database.
fn refuse_stray_at(before_query: &str) -> Result<()> {
    let ends_credentials = before_query.find('@').filter(|at| !before_query[..*at].contains('/'));
    let stray = before_query.rfind('@').filter(|at| Some(*at) != ends_credentials);
    match stray {
        Some(stray) if before_query[..stray].contains(':') => {
            Err(malformed("the URI has an @ that does not end user and password").with_hint(ENCODE))
        }
        _ => Ok(()),
    }
}

/// Splits at the question mark that starts the options; a question mark before the `@` belongs to the password.
fn split_query(rest: &str) -> (&str, &str) {
    let location = rest
        .find('@')
        .filter(|at| !rest[..*at].contains('/'))
        .map_or(0, |at| at + 1);
    match rest[location..].find('?') {
        Some(mark) => (&rest[..location + mark], &rest[location + mark + 1..]),
        None => (rest, ""),
    }
}

fn store_hosts(options: &mut Options, text: &str) -> Result<()> {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for endpoint in text.split(',') {
        let (host, port) = match endpoint.strip_prefix('[') {
            Some(bracketed) => {
                let (address, after) = bracketed
                    .split_once(']')
                    .filter(|(address, after)| !address.is_empty() && (after.is_empty() || after.starts_with(':')))
                    .ok_or_else(|| {
                        malformed("an IPv6 address in the URI is not of the form [address] or [address]:port")
                    })?;
                (address, after.trim_start_matches(':'))
            }
            None => endpoint.split_once(':').unwrap_or((endpoint, "")),
        };
        hosts.push(percent_decoded(host)?);
        ports.push(percent_decoded(port)?);
    }
    for (keyword, values) in [("host", hosts), ("port", ports)] {
        if values.iter().any(|value| !value.is_empty()) {
            options.insert(keyword, values.join(","));
        }
    }
    Ok(())
}

/// Decodes `%20` and the like.
fn percent_decoded(text: &str) -> Result<String> {
    let wrong = || {
        malformed("the URI has a % that is not followed by two hexadecimal digits of a valid character")
            .with_hint("write a percent sign itself as %25")
    };
    let is_byte = |after: &str| match after.as_bytes() {
        // A zero would end the text for the server.
        [b'0', b'0', ..] => false,
        [high, low, ..] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    };
    if !text.split('%').skip(1).all(is_byte) {
        return Err(wrong());
    }
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| wrong())?;
    Ok(decoded.into_owned())
}

/// Reads `keyword = value …`; values may be in single quotes, and a backslash escapes the next character.
fn parse_pairs(text: &str) -> Result<Options> {
    let mut options = Options::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let (keyword, after) = rest.split_at(end);
        let value = after.trim_start().strip_prefix('=').ok_or_else(|| {
            malformed("the connection string has a word without `=` where a keyword is expected")
                .with_hint("put values with spaces in single quotes: password='two words'")
        })?;
        refuse_swallowed_option(keyword, value)?;
        let (value, after) = take_value(value.trim_start())?;
        store(&mut options, keyword, value)?;
        rest = after.trim_start();
    }
    Ok(options)
}

/// Refuses `host= password=x`, where an empty value swallows the next option: it would be shown as the host.
fn refuse_swallowed_option(keyword: &str, value: &str) -> Result<()> {
    let after_blanks = value.trim_start();
    let swallowed = after_blanks
        .split_once('=')
        .and_then(|(word, _)| known_keyword(word.trim_end()));
    match swallowed {
        Some(swallowed) if after_blanks.len() < value.len() => Err(malformed(format!(
            "the value of `{keyword}` begins with `{swallowed}=`"
        ))
        .with_hint(format!("write an empty value as {keyword}=''"))),
        _ => Ok(()),
    }
}

fn take_value(text: &str) -> Result<(String, &str)> {
    let (quoted, text) = match text.strip_prefix('\'') {
        Some(inside) => (true, inside),
        None => (false, text),
    };
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &text[index + 1..])),
            _ if !quoted && character.is_ascii_whitespace() => return Ok((value, &text[index..])),
            _ => value.push(character),
        }
    }
    if quoted {
        return Err(malformed(
            "the connection string has a quoted value without its closing quote",
        ));
    }
    Ok((value, ""))
}

fn malformed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let options = parse_target(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let found: Vec<(&str, &str)> = options
            .iter()
            .map(|(keyword, value)| (*keyword, value.as_str()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    fn check_refused(text: &str, expected: &str) {
        let error = parse_target(text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.message().contains(expected), "{text}: {error}");
        let shown = format!("{error} {}", error.hint().unwrap_or_default());
        assert!(!shown.contains("secret"), "{text}: {shown}");
    }

    // Each case, here and below, was also given to PQconninfoParse of libpq 15, with the same values and the same
    // refusals.
    #[test]
    fn uris_are_read_like_libpq() {
        check("postgresql://", &[]);
        check("postgres:///app", &[("dbname", "app")]);
        check("postgresql://db.example", &[("host", "db.example")]);
        check(
            "postgresql://me:p%40ss@db:6543/app?sslmode=verify-full&application_name=a%20b",
            &[
                ("application_name", "a b"),
                ("dbname", "app"),
                ("host", "db"),
                ("password", "p@ss"),
                ("port", "6543"),
                ("sslmode", "verify-full"),
                ("user", "me"),
            ],
        );
        check(
            "postgresql://[::1]:5433/app",
            &[("dbname", "app"), ("host", "::1"), ("port", "5433")],
        );
        check("postgresql://%2Ftmp%2Fs/app", &[("dbname", "app"), ("host", "/tmp/s")]);
        check(
            "postgresql:///app?host=/tmp/s&port=5",
            &[("dbname", "app"), ("host", "/tmp/s"), ("port", "5")],
        );
        check(
            "postgresql://a:1,b,[::2]:3/x",
            &[("dbname", "x"), ("host", "a,b,::2"), ("port", "1,,3")],
        );
        check(
            "postgresql://u:a?b@h",
            &[("host", "h"), ("password", "a?b"), ("user", "u")],
        );
        check("postgresql://u:@h:/x", &[("dbname", "x"), ("host", "h"), ("user", "u")]);
        check("postgresql://h/a@b", &[("dbname", "a@b"), ("host", "h")]);
        check("postgresql://h?ssl=true", &[("host", "h"), ("sslmode", "require")]);
    }

    #[test]
    fn keyword_strings_are_read_like_libpq() {
        check("dbname=app host = db", &[("dbname", "app"), ("host", "db")]);
        check(
            r"password='it\'s \\ x' user=a\ b",
            &[("password", r"it's \ x"), ("user", "a b")],
        );
        check("host='' port=", &[("host", ""), ("port", "")]);
        check("  user=x  ", &[("user", "x")]);
        check("app", &[("dbname", "app")]);
    }

    #[test]
    fn malformed_targets_are_refused_without_showing_a_password() {
        check_refused("postgresql://h/db?nonsense=1", "unknown connection option `nonsense`");
        check_refused("postgresql://u:%zzsecret@h/db", "hexadecimal");
        check_refused("postgresql://u:%00secret@h/db", "hexadecimal");
        check_refused("postgresql://u:secret@h/db?sslmode", "keyword=value");
        check_refused("postgresql://u:secret@[::1/db", "IPv6");
        check_refused("postgresql://u:secret@[]/x", "IPv6");
        check_refused("postgresql://u:5432/secret@h/db", "an @ that does not end");
        check_refused("postgresql://u:p@secret@h:5432/db", "an @ that does not end");
        check_refused("postgresql://u:p@h/secret@db", "an @ that does not end");
        check_refused("postgresql://h/a?user=b=c", "keyword=value");
        check_refused("mysql://u:secret@h/db", "starts with postgresql://");
        check_refused("password=very secret user=me", "without `=`");
        check_refused("password='secret", "closing quote");
        check_refused("host= password=secret", "the value of `host` begins with `password=`");
        check_refused("nonsense=1", "unknown connection option `nonsense`");
    }
}
