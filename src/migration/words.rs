//! A statement as a row of words, with a reader that accepts what it expects.
//!
//! The statement is known to be valid SQL; what is not understood is left standing, for the caller to see. Knows nothing of locks.

use super::lexer::{Lexer, TokenKind};
use super::names::name_path;

/// A word, string, number, parenthesis or other symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word<'text> {
    text: &'text str,
    kind: TokenKind,
}

/// A row of words, read from the front.
#[derive(Clone, Debug)]
pub(super) struct Words<'text> {
    words: Vec<Word<'text>>,
    next: usize,
}

impl<'text> Words<'text> {
    /// Cuts a statement into words; spaces and comments are left out.
    pub fn new(text: &'text str) -> Self {
        let mut lexer = Lexer::new(text);
        let mut words = Vec::new();
        while let Ok(Some(token)) = lexer.next() {
            if !matches!(token.kind, TokenKind::Space | TokenKind::Comment) {
                words.push(Word {
                    text: &text[token.range],
                    kind: token.kind,
                });
            }
        }
        Words { words, next: 0 }
    }

    /// Says whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.next >= self.words.len()
    }

    /// Says whether these keywords come next, in upper case and parted by single spaces.
    pub fn at(&self, keywords: &str) -> bool {
        keywords
            .split(' ')
            .enumerate()
            .all(|(offset, keyword)| self.is_at(self.next + offset, keyword))
    }

    /// Steps over these keywords when they come next, and says whether they did.
    pub fn accept(&mut self, keywords: &str) -> bool {
        let found = self.at(keywords);
        if found {
            self.next += keywords.split(' ').count();
        }
        found
    }

    /// Steps over the first of several alternatives that comes next, and returns it.
    pub fn accept_any<'k>(&mut self, alternatives: &[&'k str]) -> Option<&'k str> {
        alternatives.iter().copied().find(|keywords| self.accept(keywords))
    }

    /// Says whether one of the remaining words outside parentheses is this keyword.
    pub fn holds(&self, keywords: &str) -> bool {
        let mut rest = self.clone();
        while !rest.is_empty() {
            if rest.at(keywords) {
                return true;
            }
            rest.skip();
        }
        false
    }

    /// Steps over one word, or a whole parenthesis.
    pub fn skip(&mut self) {
        if self.parenthesis().is_none() && !self.is_empty() {
            self.next += 1;
        }
    }

    /// Steps on until one of the alternatives comes next; returns what was passed over.
    pub fn until(&mut self, alternatives: &[&str]) -> Words<'text> {
        let start = self.next.min(self.words.len());
        while !self.is_empty() && !alternatives.iter().any(|keywords| self.at(keywords)) {
            self.skip();
        }
        Words {
            words: self.words[start..self.next.min(self.words.len())].to_vec(),
            next: 0,
        }
    }

    /// Reads a possibly qualified name, as written.
    pub fn name(&mut self) -> Option<String> {
        let mut name = self.part()?;
        while self.is_at(self.next, ".") {
            self.next += 1;
            name.push('.');
            name.push_str(&self.part()?);
        }
        Some(name)
    }

    /// Reads a single name and returns what PostgreSQL sees of it.
    pub fn identifier(&mut self) -> Option<String> {
        self.part().map(|part| name_path(&part).concat())
    }

    /// Reads a table: `ONLY`, the name, `*`. Returns the name and whether `ONLY` stood there.
    pub fn table(&mut self) -> Option<(String, bool)> {
        let only = self.accept("ONLY");
        let parenthesised = only && self.accept("(");
        let name = self.name()?;
        if parenthesised {
            self.accept(")");
        }
        self.accept("*");
        Some((name, only))
    }

    /// Reads a parenthesis and returns what it holds.
    pub fn parenthesis(&mut self) -> Option<Words<'text>> {
        if self.words.get(self.next)?.kind != TokenKind::OpenParenthesis {
            return None;
        }
        let start = self.next + 1;
        let mut depth = 0usize;
        for (offset, word) in self.words[self.next..].iter().enumerate() {
            match word.kind {
                TokenKind::OpenParenthesis => depth += 1,
                TokenKind::CloseParenthesis => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let end = self.next + offset;
                self.next = end + 1;
                return Some(Words {
                    words: self.words[start..end].to_vec(),
                    next: 0,
                });
            }
        }
        None
    }

    /// Splits what is left at commas outside parentheses.
    pub fn split_at_commas(&mut self) -> Vec<Words<'text>> {
        let parts = self.split_at(",");
        self.next = self.words.len();
        parts
    }

    /// Splits what is left wherever this keyword stands outside parentheses.
    pub fn split_at(&self, keyword: &str) -> Vec<Words<'text>> {
        let mut rest = self.clone();
        let mut parts = Vec::new();
        while !rest.is_empty() {
            parts.push(rest.until(&[keyword]));
            rest.accept(keyword);
        }
        parts
    }

    /// Reads names parted by commas, as SQL sees them; for column lists.
    pub fn identifiers(&mut self) -> Vec<String> {
        let parts = self.split_at_commas();
        parts.into_iter().filter_map(|mut part| part.identifier()).collect()
    }

    /// Returns what is left as text, words parted by single spaces.
    pub fn text(&self) -> String {
        let rest = self.words.iter().skip(self.next).map(|word| word.text);
        rest.collect::<Vec<_>>().join(" ")
    }

    /// Returns the content of a string literal that comes next.
    pub fn string(&mut self) -> Option<String> {
        let word = self.words.get(self.next)?;
        let inner = word.text.strip_prefix('\'')?.strip_suffix('\'')?;
        self.next += 1;
        Some(inner.replace("''", "'"))
    }

    /// Returns the names of the functions that are called, as SQL sees their last part, and the names and keywords that
    /// stand alone.
    pub fn calls_and_names(&self) -> (Vec<String>, Vec<String>) {
        let (mut calls, mut names) = (Vec::new(), Vec::new());
        for (place, word) in self.words.iter().enumerate().skip(self.next) {
            if !is_name(word) {
                continue;
            }
            let name = name_path(word.text).concat();
            if self.is_at(place + 1, "(") {
                calls.push(name);
            } else {
                names.push(name);
            }
        }
        (calls, names)
    }

    fn is_at(&self, place: usize, keyword: &str) -> bool {
        self.words
            .get(place)
            .is_some_and(|word| word.text.eq_ignore_ascii_case(keyword))
    }

    fn part(&mut self) -> Option<String> {
        let word = self.words.get(self.next).copied().filter(is_name)?;
        self.next += 1;
        Some(word.text.to_owned())
    }
}

fn is_name(word: &Word) -> bool {
    match word.kind {
        TokenKind::Word => !word.text.starts_with(|first: char| first.is_ascii_digit()),
        TokenKind::Quoted => word.text.starts_with('"'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_from_the_front() {
        let mut words = Words::new("alter /* x */ table only (a.\"B c\") add (x int), drop y");
        assert!(!words.at("ALTER INDEX") && words.accept("ALTER TABLE"));
        assert_eq!(words.table(), Some(("a.\"B c\"".to_owned(), true)));
        assert!(words.holds("DROP") && !words.holds("INT"));
        let parts: Vec<String> = words.split_at_commas().iter().map(Words::text).collect();
        assert_eq!(parts, ["add ( x int )", "drop y"]);
    }

    #[test]
    fn calls_are_told_from_names() {
        let words = Words::new("pg_catalog.lower(a) || current_user || '(f())'");
        let (calls, names) = words.calls_and_names();
        assert_eq!(calls, ["lower"]);
        assert_eq!(names, ["pg_catalog", "a", "current_user"]);
    }
}
