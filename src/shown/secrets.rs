//! Hides passwords and command lines in text: after the word that says so, in URLs, and in connection strings.
//!
//! Hides rather too much than too little, and looks into literals, comments and function bodies alike.

use std::ops::Range;

/// What stands in place of a secret.
pub const HIDDEN: &str = "********";

/// Values that stand after `password =` and are none.
const NO_SECRETS: [&str; 5] = ["null", "default", "true", "false", "excluded"];

/// Returns the text with every secret replaced by [`HIDDEN`].
///
/// Hidden are the literal behind `PASSWORD` and its like, as in `ALTER ROLE`, `CREATE USER MAPPING` and assignments; the value of
/// `password=` in connection strings; the password of a URL; and the command of `COPY … PROGRAM`.
pub fn without_secrets(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut offset = 0;
    while let Some(first) = text[offset..].chars().next() {
        if !is_word(first) {
            shown.push(first);
            offset += first.len_utf8();
            continue;
        }
        let length = text[offset..].find(|other| !is_word(other));
        let end = length.map_or(text.len(), |length| offset + length);
        match secret_behind(text, offset..end) {
            Some(secret) => {
                shown.push_str(&text[offset..secret.start]);
                shown.push_str(HIDDEN);
                offset = secret.end;
            }
            None => {
                shown.push_str(&text[offset..end]);
                offset = end;
            }
        }
    }
    shown
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Returns where the secret is that a word announces.
fn secret_behind(text: &str, word: Range<usize>) -> Option<Range<usize>> {
    if text[word.end..].starts_with("://") {
        return password_of_url(text, word.end + 3);
    }
    let name = text[word.clone()].to_ascii_lowercase();
    let is_secret = ["password", "passwd", "passphrase", "secret", "api_key", "access_key"]
        .iter()
        .any(|part| name.contains(part));
    match name.as_str() {
        "program" => {
            literal(text, after_blanks(text, word.end)).or_else(|| in_double_quotes(text, after_blanks(text, word.end)))
        }
        // So the server names the command that it could not run.
        "command" => in_double_quotes(text, after_blanks(text, word.end)),
        "pwd" => value(text, word.end),
        _ if is_secret => value(text, word.end),
        _ => None,
    }
}

/// Returns the password in `user:password@host`, whatever characters it has.
fn password_of_url(text: &str, start: usize) -> Option<Range<usize>> {
    let ends = |character: char| character.is_whitespace() || matches!(character, '\'' | '"' | '`' | '<' | '>');
    let length = text[start..].find(ends).unwrap_or(text.len() - start);
    let url = &text[start..start + length];
    let at = url.rfind('@')?;
    let colon = url[..at].find(':')?;
    Some(start + colon + 1..start + at)
}

/// Returns the value of a key that ends at `end`: a literal, or what stands behind `=`.
fn value(text: &str, end: usize) -> Option<Range<usize>> {
    let quote = text[end..].chars().next().filter(|next| matches!(next, '\'' | '"'));
    let start = after_blanks(text, end + usize::from(quote.is_some()));
    let operators = [":=", "=>", "=", ":", ","];
    let operator = operators
        .into_iter()
        .find(|operator| text[start..].starts_with(operator))
        .filter(|operator| match *operator {
            ":" => !text[start..].starts_with("::"),
            "," => quote == Some('\''),
            _ => true,
        });
    let Some(operator) = operator else {
        // `password=''` has ended a literal here, and is no key in quotes.
        return literal(text, after_blanks(text, end)).or_else(|| quote.and_then(|_| literal(text, start)));
    };
    let start = after_blanks(text, start + operator.len());
    literal(text, start)
        .or_else(|| in_double_quotes(text, start))
        .or_else(|| (operator == "=").then(|| bare(text, start)).flatten())
}

/// Returns the word that is the value in `password=word`; a call and another column are none.
fn bare(text: &str, start: usize) -> Option<Range<usize>> {
    let ends = |character: char| {
        character.is_whitespace() || matches!(character, '\'' | '"' | '`' | '&' | ';' | ',' | '(' | ')' | '|')
    };
    let length = text[start..].find(ends).unwrap_or(text.len() - start);
    let word = text[start..start + length].to_ascii_lowercase();
    let is_none = word.is_empty()
        || text[start + length..].starts_with('(')
        || word.starts_with(['$', ':', '<'])
        || NO_SECRETS.iter().any(|known| word.split('.').next() == Some(known));
    (!is_none).then_some(start..start + length)
}

/// Returns the inside of the literal that begins at `start`, or all that follows where it never ends.
fn literal(text: &str, start: usize) -> Option<Range<usize>> {
    let rest = &text[start..];
    if let Some(tag) = dollar_tag(rest) {
        let begin = start + tag.len();
        let length = text[begin..].find(tag).unwrap_or(text.len() - begin);
        return Some(begin..begin + length);
    }
    let prefixes = ["E", "e", "U&", "u&", "N", "n", ""];
    let prefix = prefixes
        .into_iter()
        .find(|prefix| rest.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('\'')))?;
    let begin = start + prefix.len() + 1;
    // Inside another literal its quotes are doubled, or written with a backslash.
    let mut following = text[begin..].chars();
    let is_inside = |next: char| !next.is_whitespace() && !matches!(next, '\'' | ',' | ')' | ';' | '|');
    if following.next() == Some('\'') && following.next().is_some_and(is_inside) {
        let begin = begin + 1;
        let length = text[begin..].find("''").unwrap_or(text.len() - begin);
        return Some(begin..begin + length);
    }
    let bytes = text.as_bytes();
    let mut position = begin;
    while position < bytes.len() {
        match bytes[position] {
            b'\\' if prefix.eq_ignore_ascii_case("e") => position += 2,
            b'\'' if bytes.get(position + 1) == Some(&b'\'') => position += 2,
            b'\'' => return Some(begin..position),
            _ => position += 1,
        }
    }
    Some(begin..text.len())
}

fn dollar_tag(rest: &str) -> Option<&str> {
    let name = rest.strip_prefix('$')?.find('$')?;
    let is_tag = rest[1..=name].chars().all(is_word);
    is_tag.then(|| &rest[..name + 2])
}

/// Returns what stands between a double quote and the last one on its line.
fn in_double_quotes(text: &str, start: usize) -> Option<Range<usize>> {
    let begin = start + 1;
    let rest = text[start..].strip_prefix('"')?;
    let line = rest.lines().next().unwrap_or_default();
    let end = line.rfind('"').unwrap_or(line.len());
    Some(begin..begin + end)
}

/// Returns the offset behind white space and comments.
fn after_blanks(text: &str, start: usize) -> usize {
    let rest = text[start..].trim_start();
    let offset = text.len() - rest.len();
    let comment = match rest.get(..2) {
        Some("--") => rest.find('\n'),
        Some("/*") => rest.find("*/").map(|end| end + 2),
        _ => None,
    };
    comment.map_or(offset, |length| after_blanks(text, offset + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret is always `hunter2`, and must be gone.
    fn check(text: &str, expected: &str) {
        assert_eq!(without_secrets(text), expected);
        assert_eq!(without_secrets(expected), expected, "what is hidden stays so");
    }

    #[test]
    fn passwords_of_roles_and_mappings() {
        check("ALTER ROLE a PASSWORD 'hunter2'", "ALTER ROLE a PASSWORD '********'");
        check(
            "create user a encrypted password E'x\\'hunter2' login",
            "create user a encrypted password E'********' login",
        );
        check(
            "ALTER ROLE a PASSWORD $x$hunter2$x$;",
            "ALTER ROLE a PASSWORD $x$********$x$;",
        );
        check(
            "PASSWORD /* new */ -- it\n U&'hunter2' x",
            "PASSWORD /* new */ -- it\n U&'********' x",
        );
        check("PASSWORD 'hun''ter2' x", "PASSWORD '********' x");
        check("PASSWORD 'hunter2", "PASSWORD '********");
        check(
            "OPTIONS (user 'a', password 'hunter2')",
            "OPTIONS (user 'a', password '********')",
        );
        check(
            "OPTIONS (SET \"password\" 'hunter2', sslpassword 'hunter2')",
            "OPTIONS (SET \"password\" '********', sslpassword '********')",
        );
        check(
            "EXECUTE 'ALTER ROLE a PASSWORD ''hunter2'' LOGIN'",
            "EXECUTE 'ALTER ROLE a PASSWORD ''********'' LOGIN'",
        );
        check(
            "DO $$ BEGIN ALTER ROLE a PASSWORD 'hunter2'; END $$",
            "DO $$ BEGIN ALTER ROLE a PASSWORD '********'; END $$",
        );
        check("ALTER ROLE a PASSWORD NULL", "ALTER ROLE a PASSWORD NULL");
    }

    #[test]
    fn connection_strings_and_urls() {
        check(
            "SELECT dblink('host=h password=hunter2 dbname=d', 'SELECT 1')",
            "SELECT dblink('host=h password=******** dbname=d', 'SELECT 1')",
        );
        check(
            "CONNECTION 'password = ''hunter2 x'' host=h'",
            "CONNECTION 'password = ''********'' host=h'",
        );
        check(
            "CONNECTION 'host=h password=hunter2'",
            "CONNECTION 'host=h password=********'",
        );
        check(
            "'postgres://u:hunter2@h/d', 'postgresql://u@h/d?password=hunter2&x=1'",
            "'postgres://u:********@h/d', 'postgresql://u@h/d?password=********&x=1'",
        );
        check("-- https://u:hun/t@er2@h/x y", "-- https://u:********@h/x y");
        check("PGPASSWORD=hunter2 psql", "PGPASSWORD=******** psql");
        check("https://h:80/x", "https://h:80/x");
    }

    #[test]
    fn commands_and_values() {
        check(
            "COPY t FROM PROGRAM 'curl -u a:hunter2 x' (FORMAT csv)",
            "COPY t FROM PROGRAM '********' (FORMAT csv)",
        );
        check("program \"curl \"hunter2\"\" failed", "program \"********\" failed");
        check(
            "UPDATE u SET password = 'hunter2'",
            "UPDATE u SET password = '********'",
        );
        check("{\"password\": \"hunter2\"}", "{\"password\": \"********\"}");
        check(
            "set_config('a.password', 'hunter2', true)",
            "set_config('a.password', '********', true)",
        );
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "ALTER TABLE users ADD password text DEFAULT 'x', ALTER program SET NOT NULL",
            "SET password = crypt(password, gen_salt('bf')), password = $1, password = excluded.password",
            "column \"password\" of relation \"users\" does not exist",
            "password::text, 'no password', a password comes from ~/.pgpass",
            "SELECT 'ü' || $1 FROM größe",
        ] {
            check(text, text);
        }
    }
}
