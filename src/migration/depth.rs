//! Limits how deeply a statement nests before it reaches a parser that needs stack for every level.
//!
//! Knows no grammar: it counts everything that could nest, which is more than what does. Brackets, `CASE` and bodies of
//! routines each open a level; within a level, each token since the last comma could open one more, as in `- - - a`.

use super::lexer::{Lexer, Token, TokenKind};

/// Most nested levels that are accepted; PostgreSQL itself gives up at a few thousand.
const DEEPEST: usize = 1_000;

/// Words that add a level to the parser's tree and are not ended by a comma, or that are slow to be rejected.
const CONNECTIVES: [&str; 8] = ["and", "or", "not", "union", "intersect", "except", "explain", "prepare"];

/// Most such words in one statement.
const MOST_CONNECTIVES: usize = 10_000;

/// Most tokens since the last comma, over all open levels: as many as in 10,000 times `OR a = 1`, so that no chain with
/// few enough connectives is refused for its length alone.
const LONGEST: usize = 60_000;

/// What an operator sign counts as: operators are the most certain to nest, and the time to read a chain grows with the
/// square of its length.
const SIGN: usize = 3;

/// Stack in bytes of the thread that reads a long statement: several times what the deepest accepted statement needs.
/// Only the part that is used takes memory.
const STACK_BYTES: usize = 1 << 30;

/// Length in bytes up to which a statement fits any thread's stack, however it nests.
const SHORT: usize = 500;

/// The nesting of the statement being read.
#[derive(Default)]
pub(super) struct Depth {
    /// The open levels, each with its tokens since the last comma.
    open: Vec<(Opened, usize)>,
    /// Tokens outside all levels since the last comma.
    outside: usize,
    /// The sum of all those tokens.
    tokens: usize,
    connectives: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Opened {
    Parenthesis,
    Bracket,
    /// Opened by `CASE` or `BEGIN`, and closed by `END`.
    Words,
}

impl Depth {
    /// Takes the next token of the statement, with its text; `begins_body` is true if the word `BEGIN` opens a
    /// routine's body.
    ///
    /// # Errors
    /// A message that says what is too deep.
    pub(super) fn take(&mut self, token: &Token, text: &str, begins_body: bool) -> Result<(), String> {
        match (token.kind, text) {
            (TokenKind::OpenParenthesis, _) => self.open(Opened::Parenthesis)?,
            (TokenKind::CloseParenthesis, _) => self.close(Opened::Parenthesis),
            (TokenKind::Symbol, "[") => self.open(Opened::Bracket)?,
            (TokenKind::Symbol, "]") => self.close(Opened::Bracket),
            (TokenKind::Symbol, ",") | (TokenKind::Semicolon, _) => self.separate(),
            (TokenKind::Word, word) => self.word(word, begins_body)?,
            _ => {}
        }
        let weight = match token.kind {
            TokenKind::Symbol if text != "." => SIGN,
            _ => 1,
        };
        self.tokens += weight;
        *self.current() += weight;
        if self.tokens > LONGEST {
            return Err("too many words and signs without a comma between them".to_string());
        }
        Ok(())
    }

    fn word(&mut self, word: &str, begins_body: bool) -> Result<(), String> {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        if is("case") || begins_body {
            self.open(Opened::Words)?;
        } else if is("end") {
            self.close(Opened::Words);
        } else if CONNECTIVES.into_iter().any(is) {
            self.connectives += 1;
            if self.connectives > MOST_CONNECTIVES {
                return Err("too many conditions in one statement".to_string());
            }
        }
        Ok(())
    }

    fn open(&mut self, opened: Opened) -> Result<(), String> {
        if self.open.len() == DEEPEST {
            return Err(format!("nested more than {DEEPEST} levels deep"));
        }
        self.open.push((opened, 0));
        Ok(())
    }

    /// A token that does not close the innermost level closes none, because the parser may still be inside it.
    fn close(&mut self, opened: Opened) {
        if let Some((_, tokens)) = self.open.pop_if(|(innermost, _)| *innermost == opened) {
            self.tokens -= tokens;
        }
    }

    fn separate(&mut self) {
        self.tokens -= std::mem::take(self.current());
    }

    fn current(&mut self) -> &mut usize {
        self.open.last_mut().map_or(&mut self.outside, |(_, tokens)| tokens)
    }
}

/// Says whether a text nests little enough to be read: several statements, or the body of a routine in PL/pgSQL, whose
/// statements nest too.
pub(super) fn is_bearable(text: &str, is_body: bool) -> bool {
    let mut depth = Depth::default();
    let mut lexer = Lexer::new(text);
    let mut after_end = false;
    loop {
        let token = match lexer.next() {
            Ok(Some(token)) => token,
            Ok(None) => return true,
            Err(_) => return false,
        };
        if matches!(token.kind, TokenKind::Space | TokenKind::Comment) {
            continue;
        }
        let text = &text[token.range.clone()];
        let is = |keyword: &str| token.kind == TokenKind::Word && text.eq_ignore_ascii_case(keyword);
        // END IF and END LOOP open nothing; IF EXISTS of a statement counts as what never ends.
        let opens = is_body && !after_end && (is("if") || is("loop") || is("begin"));
        if depth.take(&token, text, opens).is_err() {
            return false;
        }
        after_end = is("end");
    }
}

/// Runs `read` with enough stack for the statement; `None` if no thread could be started, or the parser panicked.
pub(super) fn with_stack_for<T: Send>(text: &str, read: impl FnOnce() -> T + Send) -> Option<T> {
    if text.len() <= SHORT {
        return Some(read());
    }
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().stack_size(STACK_BYTES);
        reader.spawn_scoped(scope, read).ok()?.join().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deep(text: &str) -> Option<String> {
        let mut depth = Depth::default();
        let mut lexer = Lexer::new(text);
        while let Ok(Some(token)) = lexer.next() {
            if token.kind != TokenKind::Space
                && let Err(message) = depth.take(&token, &text[token.range.clone()], false)
            {
                return Some(message);
            }
        }
        None
    }

    #[test]
    fn what_opens_a_level_is_counted_until_it_is_closed() {
        for (opening, closing) in [("(", ")"), ("[", "]"), ("case when ", " end")] {
            let at_most = format!("{}a{}", opening.repeat(DEEPEST), closing.repeat(DEEPEST));
            assert_eq!(deep(&at_most), None);
            let too_deep = Some("nested more than 1000 levels deep".to_string());
            assert_eq!(deep(&opening.repeat(DEEPEST + 1)), too_deep);
            assert_eq!(deep(&format!("{opening}a{closing}, ").repeat(20_000)), None);
            // A level that is not closed stays open, whatever else ends.
            assert_eq!(deep(&format!("{opening}a ; , end case ").repeat(DEEPEST + 1)), too_deep);
        }
    }

    #[test]
    fn a_chain_is_as_long_as_what_no_comma_ends() {
        assert_eq!(deep(&"1, ".repeat(200_000)), None);
        assert_eq!(deep(&"(1, 2), ".repeat(100_000)), None);
        let long = Some("too many words and signs without a comma between them");
        assert_eq!(deep(&"is ".repeat(LONGEST + 1)).as_deref(), long);
        assert_eq!(deep(&"- ".repeat(LONGEST / SIGN + 1)).as_deref(), long);
        assert_eq!(
            deep(&format!("{}(f({}", "- ".repeat(15_000), "+ ".repeat(15_000))).as_deref(),
            long
        );
        assert_eq!(deep(&"a = 1 or ".repeat(10_000)), None);
        assert_eq!(
            deep(&"select 1, 2 except ".repeat(10_001)).as_deref(),
            Some("too many conditions in one statement")
        );
    }
}
