//! How deep a statement nests, bounded before a parser reads it that needs stack for every level.
//!
//! Knows no grammar: it counts what could nest, which is more than what does. Brackets, `CASE` and the bodies of routines open
//! a level each; within a level each token since the last comma could be one more, as in `- - - a` or `a + b + c`.

use super::lexer::{Token, TokenKind};

/// Levels within levels that are still read; PostgreSQL gives up at a few thousand.
const DEEPEST: usize = 1_000;

/// Words that nest the parser's tree by one each, which no comma ends, or which take long to be refused.
const CONNECTIVES: [&str; 8] = ["and", "or", "not", "union", "intersect", "except", "explain", "prepare"];

/// How many of them one statement may have.
const MOST_CONNECTIVES: usize = 10_000;

/// Tokens of all open levels together, each since its last comma: what 10,000 times `OR a = 1` has, so that no chain is refused
/// for its length alone that has few enough connectives.
const LONGEST: usize = 60_000;

/// What a sign counts as: an operator nests most surely, and the time to read a chain grows with its square.
const SIGN: usize = 3;

/// Stack of the thread that reads a long statement: what the deepest one that is let through takes, several times over. Only
/// what is used of it takes memory.
const STACK_BYTES: usize = 1 << 30;

/// Bytes of a statement that the stack of any thread carries, however they nest.
const SHORT: usize = 500;

/// The nesting of the statement that is being read.
#[derive(Default)]
pub(super) struct Depth {
    /// What is open, and the tokens in it since the last comma.
    open: Vec<(Opened, usize)>,
    /// Tokens outside of everything since the last comma.
    outside: usize,
    /// The sum of all those tokens.
    tokens: usize,
    connectives: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Opened {
    Parenthesis,
    Bracket,
    /// By `CASE` or by `BEGIN`, which end with `END`.
    Words,
}

impl Depth {
    /// Takes the next token of the statement, with its text; `begins_body` says that the word `BEGIN` opens a routine's body.
    ///
    /// # Errors
    /// What is too deep, in words.
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

    /// What does not close the innermost level closes none: the parser may stay in it.
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

/// Reads a statement where there is stack enough for it; `None` when no thread could be had for it, or the parser gave up.
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
    use super::super::lexer::Lexer;
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
            // What is not closed stays open, whatever else ends.
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
