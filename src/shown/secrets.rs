//! Hides passwords and command lines in text: after a keyword such as `PASSWORD`, in URLs, and in connection strings.
//!
//! Hides too much rather than too little, and searches literals, comments and function bodies as well.

use std::ops::Range;

/// What stands in place of a secret.
pub const HIDDEN: &str = "********";

/// Values after `password =` that are not passwords.
const NO_SECRETS: [&str; 5] = ["null", "default", "true", "false", "excluded"];

/// Comments that are skipped between a key and its value.
const MOST_COMMENTS: usize = 20;

/// Returns the text with every secret replaced by [`HIDDEN`].
///
/// It hides the literal after `PASSWORD` and similar words, as in `ALTER ROLE`, `CREATE USER MAPPING` and assignments;
/// the value of `password=` in connection strings; the password of a URL; and the command of `COPY … PROGRAM`.
pub fn without_secrets(text: &str) -> String {
    let mut skim = Skim::new(text);
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
        match skim.secret_behind(offset..end) {
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

/// A text that is read from beginning to end. Results of searches are remembered instead of searching again at every
/// word, because a text may repeat one word for megabytes.
struct Skim<'text> {
    text: &'text str,
    end_of_url: Next<'text>,
    /// End of the URL to which `last_at` belongs.
    url: usize,
    last_at: Next<'text>,
    end_of_bare_word: Next<'text>,
    line_break: Next<'text>,
    end_of_comment: Next<'text>,
}

impl<'text> Skim<'text> {
    fn new(text: &'text str) -> Skim<'text> {
        Skim {
            text,
            end_of_url: Next::new(|rest| {
                rest.find(|next: char| next.is_whitespace() || matches!(next, '\'' | '"' | '`' | '<' | '>'))
            }),
            url: 0,
            last_at: Next::new(|url| url.rfind('@')),
            end_of_bare_word: Next::new(|rest| {
                let ends = |next: char| matches!(next, '\'' | '"' | '`' | '&' | ';' | ',' | '(' | ')' | '|');
                rest.find(|next: char| next.is_whitespace() || ends(next))
            }),
            line_break: Next::new(|rest| rest.find('\n')),
            end_of_comment: Next::new(|rest| rest.find("*/")),
        }
    }

    /// Returns the range of the secret that follows the keyword `word`, if there is one.
    fn secret_behind(&mut self, word: Range<usize>) -> Option<Range<usize>> {
        let text = self.text;
        if text[word.end..].starts_with("://") {
            return self.password_of_url(word.end + 3);
        }
        let name = text[word.clone()].to_ascii_lowercase();
        let is_secret = ["password", "passwd", "passphrase", "secret", "api_key", "access_key"]
            .iter()
            .any(|part| name.contains(part));
        match name.as_str() {
            "program" => {
                let start = self.after_blanks(word.end);
                literal(text, start).or_else(|| in_double_quotes(text, start))
            }
            // The server writes a command that it could not run in double quotes.
            "command" => in_double_quotes(text, self.after_blanks(word.end)),
            "pwd" => self.value(word.end),
            _ if is_secret => self.value(word.end),
            _ => None,
        }
    }

    /// Returns the password in `user:password@host`; it may contain any characters.
    fn password_of_url(&mut self, start: usize) -> Option<Range<usize>> {
        let end = self.end_of_url.behind(self.text, start).unwrap_or(self.text.len());
        if self.url != end {
            (self.url, self.last_at.known) = (end, None);
        }
        let at = self.last_at.behind(&self.text[..end], start)?;
        let colon = self.text[start..at].find(':')?;
        Some(start + colon + 1..at)
    }

    /// Returns the value of a key that ends at `end`: a literal, or what follows `=`.
    fn value(&mut self, end: usize) -> Option<Range<usize>> {
        let text = self.text;
        let quote = text[end..].chars().next().filter(|next| matches!(next, '\'' | '"'));
        let start = self.after_blanks(end + usize::from(quote.is_some()));
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
            // Here `password=''` is the end of a literal, not a quoted key.
            return literal(text, self.after_blanks(end)).or_else(|| quote.and_then(|_| literal(text, start)));
        };
        let start = self.after_blanks(start + operator.len());
        literal(text, start)
            .or_else(|| in_double_quotes(text, start))
            .or_else(|| (operator == "=").then(|| self.bare(start)).flatten())
    }

    /// Returns the word that is the value in `password=word`; `None` for a function call or another column.
    fn bare(&mut self, start: usize) -> Option<Range<usize>> {
        let end = self
            .end_of_bare_word
            .behind(self.text, start)
            .unwrap_or(self.text.len());
        let word = &self.text[start..end];
        let is_no_secret = || {
            let first = word.split('.').next().unwrap_or_default();
            NO_SECRETS.iter().any(|known| first.eq_ignore_ascii_case(known))
        };
        let is_none =
            word.is_empty() || self.text[end..].starts_with('(') || word.starts_with(['$', ':', '<']) || is_no_secret();
        (!is_none).then_some(start..end)
    }

    /// Returns the offset behind white space and comments.
    fn after_blanks(&mut self, start: usize) -> usize {
        let mut start = start;
        for _ in 0..MOST_COMMENTS {
            start = self.text.len() - self.text[start..].trim_start().len();
            let comment = match self.text[start..].get(..2) {
                Some("--") => self.line_break.behind(self.text, start),
                Some("/*") => self.end_of_comment.behind(self.text, start).map(|end| end + 2),
                _ => None,
            };
            match comment {
                Some(end) => start = end,
                None => break,
            }
        }
        start
    }
}

/// The next occurrence of something, remembered for all places before it.
struct Next<'text> {
    find: fn(&'text str) -> Option<usize>,
    /// Start of the last search, and its result.
    known: Option<(usize, Option<usize>)>,
}

impl<'text> Next<'text> {
    fn new(find: fn(&'text str) -> Option<usize>) -> Next<'text> {
        Next { find, known: None }
    }

    /// Returns the first occurrence at or after `start`.
    fn behind(&mut self, text: &'text str, start: usize) -> Option<usize> {
        match self.known {
            Some((from, found)) if from <= start && found.is_none_or(|found| start <= found) => found,
            _ => {
                let found = (self.find)(&text[start..]).map(|length| start + length);
                self.known = Some((start, found));
                found
            }
        }
    }
}

/// Returns the content of the literal that begins at `start`, or all of the rest if the literal is not closed.
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
    // Inside another literal, the quotes are doubled or escaped with a backslash.
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

/// Returns the text between a double quote and the last double quote on its line.
fn in_double_quotes(text: &str, start: usize) -> Option<Range<usize>> {
    let begin = start + 1;
    let rest = text[start..].strip_prefix('"')?;
    let line = rest.lines().next().unwrap_or_default();
    let end = line.rfind('"').unwrap_or(line.len());
    Some(begin..begin + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the result; the secret in `text` is always `hunter2`, and must be gone.
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
    fn urls_and_comments_beside_each_other() {
        check(
            "a://b://u:hunter2@h x://y://z postgres://u:hunter2@h c://d",
            "a://b:********@h x://y://z postgres://u:********@h c://d",
        );
        check("x://y z://u:hunter2@h", "x://y z://u:********@h");
        check(
            "password /* password -- x */ 'hunter2' password -- x\n-- y\n'hunter2'",
            "password /* password -- x */ '********' password -- x\n-- y\n'********'",
        );
        check(
            "password=null.x password=$1 password=f(1) password=hunter2",
            "password=null.x password=$1 password=f(1) password=********",
        );
    }

    #[test]
    fn what_repeats_itself_takes_no_longer_for_it() {
        for part in [
            "a://",
            "password /* ",
            "password -- ",
            "-- password\n",
            "password=$a",
            "password=null.",
            "password=:",
            "password=",
            "password $a ",
            "password /**/",
            "command ",
        ] {
            let text = part.repeat(1_000_000 / part.len()) + "(";
            assert!(without_secrets(&text).len() <= text.len() + HIDDEN.len(), "{part}");
        }
        // A long text must not take much time or stack.
        let comments = format!("password {}'hunter2'", "/**/".repeat(1_000_000));
        assert!(without_secrets(&comments).len() > 1_000_000);
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
