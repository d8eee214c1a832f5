//! SQL text as words, without spaces and comments. Names and strings are decoded as the server sees them, whatever
//! hides them: escapes, `U&"…"`.

use crate::migration::lexer::{Lexer, TokenKind};

/// A token that is neither space nor comment.
pub(super) struct Word<'text> {
    /// As written, without the `U&` of a quoted one.
    pub text: &'text str,
    pub kind: TokenKind,
    /// As the server sees a name or a keyword: folded if unquoted.
    pub name: String,
    /// The content of a string; empty for everything else.
    pub content: String,
    /// Its start and end.
    place: (usize, usize),
    is_unicode: bool,
}

/// Returns whether it is a string, as opposed to a quoted name.
pub(super) fn is_string(word: &Word) -> bool {
    word.kind == TokenKind::Quoted && !word.text.starts_with('"')
}

/// Returns the tokens, and whether the text could be read to its end.
pub(super) fn words(sql: &str) -> (Vec<Word<'_>>, bool) {
    let mut lexer = Lexer::new(sql);
    let mut words: Vec<Word> = Vec::new();
    loop {
        let token = match lexer.next() {
            Ok(Some(token)) => token,
            end => return (words, end.is_ok()),
        };
        if matches!(token.kind, TokenKind::Space | TokenKind::Comment) {
            continue;
        }
        let is_unicode = token.kind == TokenKind::Quoted && ends_in_unicode_mark(&words, token.range.start);
        if is_unicode {
            words.truncate(words.len() - 2);
        }
        let text = &sql[token.range.clone()];
        let mut word = Word {
            text,
            kind: token.kind,
            name: String::new(),
            content: String::new(),
            place: (token.range.start, token.range.end),
            is_unicode,
        };
        understand(&mut word, '\\');
        words.push(word);
        take_escape(&mut words);
    }
}

/// Returns whether `U&` directly precedes the quote.
fn ends_in_unicode_mark(words: &[Word], quote: usize) -> bool {
    match words {
        [.., mark, sign] => {
            mark.text.eq_ignore_ascii_case("u")
                && sign.text == "&"
                && mark.place.1 == sign.place.0
                && sign.place.1 == quote
        }
        _ => false,
    }
}

/// Applies `UESCAPE '!'`, which after such a name or string sets the escape character in place of the backslash.
fn take_escape(words: &mut Vec<Word>) {
    if let [.., quoted, keyword, escape] = words.as_mut_slice()
        && quoted.is_unicode
        && keyword.name == "uescape"
        && let Some(mark) = escape.content.chars().next()
    {
        understand(quoted, mark);
        words.truncate(words.len() - 2);
    }
}

fn understand(word: &mut Word, mark: char) {
    let decoded = |inside: String| {
        if word.is_unicode {
            without_unicode_escapes(&inside, mark)
        } else {
            inside
        }
    };
    if let Some(quoted) = word.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        word.name = decoded(quoted.replace("\"\"", "\""));
    } else {
        word.name = word.text.to_ascii_lowercase();
        if is_string(word) {
            word.content = decoded(content(word.text));
        }
    }
}

/// Returns the text between the quotes.
fn content(quoted: &str) -> String {
    if let Some(rest) = quoted.strip_prefix('$') {
        let tag = rest.find('$').map_or(0, |end| end + 2);
        return quoted
            .get(tag..quoted.len().saturating_sub(tag))
            .unwrap_or_default()
            .to_string();
    }
    let has_escapes = quoted.starts_with(['e', 'E']);
    let inside = quoted.trim_start_matches(['e', 'E']);
    let inside = inside.strip_prefix('\'').unwrap_or(inside);
    let inside = inside.strip_suffix('\'').unwrap_or(inside).replace("''", "'");
    if has_escapes {
        without_backslashes(&inside)
    } else {
        inside
    }
}

/// Decodes the escapes of `E'…'`.
fn without_backslashes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut characters = after.chars();
        let escaped = characters.next().unwrap_or('\\');
        rest = characters.as_str();
        let (digits, radix) = match escaped {
            'x' => (digits(rest, 2, 16), 16),
            'u' => (digits(rest, 4, 16), 16),
            'U' => (digits(rest, 8, 16), 16),
            '0'..='7' => (digits(after, 3, 8), 8),
            _ => ("", 10),
        };
        let by_number = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
        plain.push(match (escaped, by_number) {
            (_, Some(character)) => character,
            ('n', None) => '\n',
            ('r', None) => '\r',
            ('t', None) => '\t',
            (other, None) => other,
        });
        rest = match radix {
            8 => after.get(digits.len()..).unwrap_or_default(),
            _ => rest.get(digits.len()..).unwrap_or_default(),
        };
    }
    plain + rest
}

/// Decodes the escapes of `U&"…"`: four digits, or `+` and six.
fn without_unicode_escapes(text: &str, mark: char) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(mark) {
        plain.push_str(before);
        let (found, skipped) = match after.strip_prefix('+') {
            Some(after) => (digits(after, 6, 16), 1),
            None => (digits(after, 4, 16), 0),
        };
        match u32::from_str_radix(found, 16).ok().and_then(char::from_u32) {
            Some(character) => {
                plain.push(character);
                rest = &after[skipped + found.len()..];
            }
            None => {
                plain.push(mark);
                rest = after.strip_prefix(mark).unwrap_or(after);
            }
        }
    }
    plain + rest
}

/// Returns the leading digits, at most `most`.
fn digits(text: &str, most: usize, radix: u32) -> &str {
    let count = text
        .chars()
        .take(most)
        .take_while(|digit| digit.is_digit(radix))
        .count();
    &text[..count]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_say_what_the_server_reads() {
        fn check(sql: &str, expected: &str) {
            let (words, _) = words(sql);
            assert_eq!(words.len(), 1, "{sql}");
            assert_eq!(words[0].content, expected, "{sql}");
        }
        check("'it''s \\n'", "it's \\n");
        check("E'\\x44ROP\\040\\u0064\\'\\n\\\\'", "DROP d'\n\\");
        check("$a$it's$a$", "it's");
        check("U&'d\\0061t\\+000061'", "data");
        check("u&'d!0061ta!!' UESCAPE '!'", "data!");
    }

    #[test]
    fn names_are_what_the_server_reads() {
        fn check(sql: &str, expected: &[&str]) {
            let (words, _) = words(sql);
            let names: Vec<&str> = words.iter().map(|word| word.name.as_str()).collect();
            assert_eq!(names, expected, "{sql}");
        }
        check("\"A\"\"b\" AB", &["A\"b", "ab"]);
        check("U&\"d\\0062link\" (1)", &["dblink", "(", "1", ")"]);
        check("u & \"a\\0062\"", &["u", "&", "a\\0062"]);
        check("U&\"d!0062link\" UESCAPE '!' x", &["dblink", "x"]);
    }
}
