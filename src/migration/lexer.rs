//! Splits SQL text into the few kinds of token that decide where a statement ends and where a batch placeholder is.
//!
//! Follows PostgreSQL's lexical rules for everything that hides text: strings, quoted names, dollar quotes, nested
//! comments. Knows no grammar, no files and no error messages.

use std::ops::Range;

/// The end of a batch that a placeholder represents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchEdge {
    /// `<batch_start>` or `:batch_start`.
    Start,
    /// `<batch_end>` or `:batch_end`.
    End,
}

/// The kind of a token, as far as splitting needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Space,
    Comment,
    /// An unquoted name, keyword or number.
    Word,
    /// A string or a quoted name.
    Quoted,
    Placeholder(BatchEdge),
    OpenParenthesis,
    CloseParenthesis,
    Semicolon,
    /// A backslash outside quotes, with the rest of its line: a psql command.
    MetaCommand,
    Symbol,
}

/// A token and its byte range in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub range: Range<usize>,
}

/// A quote or comment that is never closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unterminated {
    pub what: &'static str,
    /// The opening mark.
    pub range: Range<usize>,
}

/// The spellings of the placeholders; psql's quoted form `:'batch_start'` is one of them.
const PLACEHOLDERS: [(&str, BatchEdge); 6] = [
    ("<batch_start>", BatchEdge::Start),
    ("<batch_end>", BatchEdge::End),
    (":batch_start", BatchEdge::Start),
    (":batch_end", BatchEdge::End),
    (":'batch_start'", BatchEdge::Start),
    (":'batch_end'", BatchEdge::End),
];

/// Reads tokens one by one, so that a caller can stop before text that is not SQL.
pub(super) struct Lexer<'text> {
    text: &'text str,
    offset: usize,
}

impl<'text> Lexer<'text> {
    /// Starts at the beginning of `text`.
    pub fn new(text: &'text str) -> Self {
        Lexer { text, offset: 0 }
    }

    /// Starts at a byte offset of `text`.
    pub fn starting_at(text: &'text str, offset: usize) -> Self {
        Lexer { text, offset }
    }

    /// Goes on at a byte offset, behind text that is not SQL.
    pub fn skip_to(&mut self, offset: usize) {
        self.offset = offset;
    }

    /// Returns the next token; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Token>, Unterminated> {
        let rest = &self.text[self.offset..];
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        let (kind, length) = self.measure(rest, first)?;
        let range = self.offset..self.offset + length;
        self.offset = range.end;
        Ok(Some(Token { kind, range }))
    }

    /// Returns the kind and the length in bytes of the token at the start of `rest`.
    fn measure(&self, rest: &str, first: char) -> Result<(TokenKind, usize), Unterminated> {
        let unterminated = |what, opening: usize| Unterminated {
            what,
            range: self.offset..self.offset + opening,
        };
        let quoted = |length: Option<usize>, what, opening| {
            length
                .map(|length| (TokenKind::Quoted, length))
                .ok_or_else(|| unterminated(what, opening))
        };
        if let Some(found) = placeholder(rest) {
            return Ok(found);
        }
        match first {
            '\'' => quoted(quoted_length(rest, 0, b'\'', false), "string", 1),
            'e' | 'E' if rest[1..].starts_with('\'') => quoted(quoted_length(rest, 1, b'\'', true), "string", 2),
            '"' => quoted(quoted_length(rest, 0, b'"', false), "quoted name", 1),
            '$' => match dollar_tag(rest) {
                Some(tag) => quoted(dollar_length(rest, tag), "dollar-quoted string", tag.len()),
                None => Ok((TokenKind::Symbol, 1)),
            },
            '-' if rest.starts_with("--") => Ok((TokenKind::Comment, line_length(rest))),
            '/' if rest.starts_with("/*") => block_comment_length(rest)
                .map(|length| (TokenKind::Comment, length))
                .ok_or_else(|| unterminated("comment", 2)),
            '\\' => Ok((TokenKind::MetaCommand, line_length(rest))),
            ':' if rest.starts_with("::") => Ok((TokenKind::Symbol, 2)),
            '(' => Ok((TokenKind::OpenParenthesis, 1)),
            ')' => Ok((TokenKind::CloseParenthesis, 1)),
            ';' => Ok((TokenKind::Semicolon, 1)),
            _ if is_space(first) => Ok((TokenKind::Space, prefix_length(rest, is_space))),
            _ if is_word(first) => Ok((TokenKind::Word, prefix_length(rest, is_word))),
            _ => Ok((TokenKind::Symbol, first.len_utf8())),
        }
    }
}

/// A byte order mark counts as space: Windows editors put one before the first statement.
fn is_space(character: char) -> bool {
    character.is_ascii_whitespace() || character == '\u{b}' || character == '\u{feff}'
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || character == '$' || !character.is_ascii()
}

fn prefix_length(text: &str, belongs: fn(char) -> bool) -> usize {
    text.find(|character| !belongs(character)).unwrap_or(text.len())
}

fn line_length(text: &str) -> usize {
    text.find(['\n', '\r']).unwrap_or(text.len())
}

fn placeholder(rest: &str) -> Option<(TokenKind, usize)> {
    PLACEHOLDERS.iter().find_map(|(spelling, edge)| {
        let head = rest.get(..spelling.len())?;
        let ends_here = spelling.ends_with(['>', '\'']) || !rest[spelling.len()..].starts_with(is_word);
        (head.eq_ignore_ascii_case(spelling) && ends_here).then_some((TokenKind::Placeholder(*edge), spelling.len()))
    })
}

/// Returns the length of a quoted token whose opening quote is at `opening`; a doubled quote does not end it.
fn quoted_length(text: &str, opening: usize, quote: u8, backslash_escapes: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut position = opening + 1;
    while position < bytes.len() {
        match bytes[position] {
            b'\\' if backslash_escapes => position += 2,
            byte if byte == quote && bytes.get(position + 1) == Some(&quote) => position += 2,
            byte if byte == quote => return Some(position + 1),
            _ => position += 1,
        }
    }
    None
}

/// Returns `$tag$` when the text opens a dollar quote; `$1` is a parameter.
fn dollar_tag(text: &str) -> Option<&str> {
    let name_length = text[1..].find('$')?;
    let name = &text[1..1 + name_length];
    let valid = name.chars().all(is_word) && !name.starts_with(|first: char| first.is_ascii_digit());
    valid.then(|| &text[..name_length + 2])
}

fn dollar_length(text: &str, tag: &str) -> Option<usize> {
    text[tag.len()..].find(tag).map(|body| body + 2 * tag.len())
}

fn block_comment_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut position, mut depth) = (2, 1);
    while depth > 0 {
        match bytes.get(position..position + 2)? {
            b"/*" => (position, depth) = (position + 2, depth + 1),
            b"*/" => (position, depth) = (position + 2, depth - 1),
            _ => position += 1,
        }
    }
    Some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes the tokens, except spaces, as `kind:text`, with one letter for the kind.
    fn check(text: &str, expected: &[&str]) {
        let mut lexer = Lexer::new(text);
        let mut found = Vec::new();
        while let Some(token) = lexer.next().expect("terminated") {
            let letter = match token.kind {
                TokenKind::Space => continue,
                TokenKind::Comment => 'c',
                TokenKind::Word => 'w',
                TokenKind::Quoted => 'q',
                TokenKind::Placeholder(BatchEdge::Start) => '<',
                TokenKind::Placeholder(BatchEdge::End) => '>',
                TokenKind::OpenParenthesis | TokenKind::CloseParenthesis => 'p',
                TokenKind::Semicolon => ';',
                TokenKind::MetaCommand => 'm',
                TokenKind::Symbol => 's',
            };
            found.push(format!("{letter}:{}", &text[token.range]));
        }
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn quotes_hide_what_they_hold() {
        check(r"'a;''b'", &["q:'a;''b'"]);
        check(r"E'\';' e'\\'", &[r"q:E'\';'", r"q:e'\\'"]);
        check(r"'\' ;", &[r"q:'\'", ";:;"]);
        check("\"a\"\";\"", &["q:\"a\"\";\""]);
        check("$$;$$ $t$ $$;$ $t$", &["q:$$;$$", "q:$t$ $$;$ $t$"]);
        check("$1 a$b$c", &["s:$", "w:1", "w:a$b$c"]);
        check(
            "/* /* ; */ ' */ x -- ;'\ny",
            &["c:/* /* ; */ ' */", "w:x", "c:-- ;'", "w:y"],
        );
        check("née 'ü'", &["w:née", "q:'ü'"]);
    }

    #[test]
    fn placeholders_are_found_outside_quotes_only() {
        check("<batch_start>", &["<:<batch_start>"]);
        check("id>=<BATCH_END>", &["w:id", "s:>", "s:=", ">:<BATCH_END>"]);
        check(":batch_start :'batch_end'", &["<::batch_start", ">::'batch_end'"]);
        check("x::batch_start", &["w:x", "s:::", "w:batch_start"]);
        check(":batch_started", &["s::", "w:batch_started"]);
        check(
            "'<batch_start>' \":batch_end\" $$<batch_end>$$ -- :batch_end",
            &[
                "q:'<batch_start>'",
                "q:\":batch_end\"",
                "q:$$<batch_end>$$",
                "c:-- :batch_end",
            ],
        );
    }

    #[test]
    fn what_is_never_closed_is_named() {
        for (text, what, opening) in [
            ("a 'b", "string", 2..3),
            ("E'\\'", "string", 0..2),
            ("\"a", "quoted name", 0..1),
            ("$x$ $y$", "dollar-quoted string", 0..3),
            ("/* /* */", "comment", 0..2),
        ] {
            let mut lexer = Lexer::new(text);
            let failure = loop {
                match lexer.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{text} ended"),
                    Err(failure) => break failure,
                }
            };
            assert_eq!(failure, Unterminated { what, range: opening }, "{text}");
        }
    }

    #[test]
    fn other_tokens() {
        check("\u{feff}a\\i x\r\nb", &["w:a", "m:\\i x", "w:b"]);
        check("f(1);", &["w:f", "p:(", "w:1", "p:)", ";:;"]);
    }
}
