//! Liquibase's formatted SQL: changesets in one file, each with its attributes and, in comments, its rollback.

use std::ops::Range;
use std::sync::Arc;

use super::atlas::cut;
use super::history::Migration;
use super::lines::{Line, lines};
use super::plain::is_sql;
use super::script::{Script, Send, TransactionScope};
use super::source_file::{NamedAs, SourceFile, refused};
use crate::error::Result;

/// Returns the changesets of the files, ordered by path as with `includeAll`.
pub(super) fn migrations(files: &[SourceFile], place: NamedAs) -> Result<Vec<Migration>> {
    let mut named: Vec<&SourceFile> = match place {
        NamedAs::File => files.iter().take(1).collect(),
        NamedAs::Directory => files.iter().filter(|file| is_sql(file) && is_formatted(file)).collect(),
    };
    named.sort_by(|one, other| one.path.cmp(&other.path));
    let mut migrations = Vec::new();
    for file in named {
        migrations.extend(changesets(file)?);
    }
    Ok(migrations)
}

/// Returns whether the first line that is not blank is the header that Liquibase requires.
pub(super) fn is_formatted(file: &SourceFile) -> bool {
    let first = lines(file.text()).find(|line| !line.text.trim().is_empty());
    first.is_some_and(|line| {
        line.comment_behind("liquibase")
            .is_some_and(|rest| rest.starts_with("formatted sql"))
    })
}

fn changesets(file: &SourceFile) -> Result<Vec<Migration>> {
    let mut heads: Vec<Line> = lines(file.text())
        .filter(|line| line.comment_behind("changeset").is_some())
        .collect();
    if let Some(line) = lines(file.text())
        .take_while(|line| heads.first().is_none_or(|head| line.number < head.number))
        .find(|line| !line.is_blank_or_comment())
    {
        return Err(refused(
            file,
            line.number,
            "Liquibase wants --changeset author:id before the first statement",
        ));
    }
    let ends: Vec<usize> = heads.iter().skip(1).map(|head| head.range.start).collect();
    let ends = ends.into_iter().chain([file.text().len()]);
    let found = heads.drain(..).zip(ends).map(|(head, end)| changeset(file, &head, end));
    found.filter_map(Result::transpose).collect()
}

/// Reads one changeset; `None` if it is for another database.
fn changeset(file: &SourceFile, head: &Line, end: usize) -> Result<Option<Migration>> {
    let written = head.comment_behind("changeset").unwrap_or_default();
    let mut words = written.split_whitespace();
    let name = words.next().filter(|name| name.contains(':'));
    let Some(name) = name else {
        return Err(refused(file, head.number, "Liquibase wants --changeset author:id"));
    };
    let attributes: Vec<(&str, &str)> = words.filter_map(|word| word.split_once(':')).collect();
    let attribute = |wanted: &str| {
        let found = attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.trim_matches('"'))
    };
    let is_ours = |dbms: &str| {
        let mut systems = dbms.split(',').map(str::trim);
        systems.any(|system| system == "postgresql" || system == "all")
            || dbms.starts_with('!') && !dbms.contains("!postgresql")
    };
    if attribute("dbms").is_some_and(|dbms| !is_ours(dbms)) {
        return Ok(None);
    }
    let transaction = match attribute("runInTransaction") {
        Some("false") => TransactionScope::None,
        _ => TransactionScope::PerScript,
    };
    let body = head.range.end..end;
    let whole = attribute("splitStatements") == Some("false");
    let (parts, send) = match attribute("endDelimiter").filter(|delimiter| *delimiter != ";") {
        Some(delimiter) => (cut_body(file.text(), &body, delimiter), Send::Whole),
        None if whole => (vec![body.clone()], Send::Whole),
        None => (cut_statements(file.text(), &body), Send::Whole),
    };
    let version = name.split_once(':').map_or(name, |(_, id)| id);
    Ok(Some(Migration {
        version: version.to_owned(),
        name: name.to_owned(),
        up: Script {
            file: file.clone(),
            parts,
            transaction,
            send,
            before: Vec::new(),
            after: Vec::new(),
        },
        down: rollback(file, body, transaction),
        repeats: ["runOnChange", "runAlways"]
            .iter()
            .any(|wanted| attribute(wanted) == Some("true")),
    }))
}

/// Splits at lines that consist of the delimiter, or at any occurrence if the delimiter is not a word.
fn cut_body(text: &str, body: &Range<usize>, delimiter: &str) -> Vec<Range<usize>> {
    let is_word = delimiter.chars().all(char::is_alphanumeric) || delimiter == "/";
    if !is_word {
        let delimiter = delimiter.replace("\\n", "\n");
        return cut(&text[..body.end], body.start, &delimiter);
    }
    let mut parts = Vec::new();
    let mut start = body.start;
    for line in lines(&text[body.clone()]).filter(|line| line.text.trim().eq_ignore_ascii_case(delimiter)) {
        parts.push(start..body.start + line.range.start);
        start = body.start + line.range.end;
    }
    parts.push(start..body.end);
    parts
}

/// Cuts at `;` as Liquibase does (4.29, `StringUtil.processMultiLineSQL`): it counts BEGIN and END, and does not know
/// dollar quotes.
fn cut_statements(text: &str, body: &Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = body.start;
    let mut inside = 0_u32;
    let mut tokens = Tokens {
        text: &text[..body.end],
        offset: body.start,
    };
    let mut begins = false;
    while let Some(range) = tokens.next() {
        let token = &text[range.clone()];
        let is = |words: &[&str]| words.iter().any(|word| token.eq_ignore_ascii_case(word));
        // BEGIN TRANSACTION and the like are no beginning of a body.
        if std::mem::take(&mut begins) && !is(&["transaction", "trans", "tran"]) {
            inside += 1;
        }
        if is(&["begin"]) {
            begins = true;
        } else if is(&["end"]) {
            inside = inside.saturating_sub(1);
        } else if token == ";" && inside == 0 {
            parts.push(start..range.end);
            start = range.end;
        }
    }
    parts.push(start..body.end);
    parts
}

/// Words, semicolons and everything else between quotes and comments, which are passed over.
struct Tokens<'text> {
    text: &'text str,
    offset: usize,
}

impl Tokens<'_> {
    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            let start = self.offset;
            let rest = &self.text[start..];
            let first = rest.chars().next()?;
            let up_to = |end: &str, from: usize| {
                rest[from..]
                    .find(end)
                    .map_or(rest.len(), |place| from + place + end.len())
            };
            let (length, is_token) = match first {
                '-' if rest.starts_with("--") => (up_to("\n", 2), false),
                '/' if rest.starts_with("/*") => (up_to("*/", 2), false),
                '\'' => (up_to("'", 1), false),
                '"' => (up_to("\"", 1), false),
                first if first.is_ascii_alphabetic() => {
                    let belongs = |character: char| character.is_ascii_alphanumeric() || "_$.:".contains(character);
                    (rest.find(|character| !belongs(character)).unwrap_or(rest.len()), true)
                }
                first => (first.len_utf8(), first == ';'),
            };
            self.offset += length;
            if is_token {
                return Some(start..self.offset);
            }
        }
    }
}

/// Reads `--rollback SQL` lines and `/* liquibase rollback … */` blocks. Everything else in the file is replaced by
/// blanks, so that line numbers stay the same.
fn rollback(file: &SourceFile, body: Range<usize>, transaction: TransactionScope) -> Option<Script> {
    let text = file.text();
    let mut kept: Vec<Range<usize>> = Vec::new();
    let mut block = false;
    for line in lines(&text[body.clone()]) {
        let start = body.start + line.range.start;
        let range = start..start + line.text.len();
        if block {
            let end = line.text.find("*/");
            block = end.is_none();
            kept.push(start..end.map_or(range.end, |end| start + end));
        } else if let Some(sql) = line.comment_behind("rollback") {
            let ignored = ["empty", "not required"]
                .iter()
                .any(|word| sql.eq_ignore_ascii_case(word));
            if !ignored && !sql.starts_with("changesetId") {
                let offset = line.text.rfind(sql).unwrap_or(line.text.len());
                kept.push(start + offset..range.end);
            }
        } else if line.text.trim_start().starts_with("/*") {
            let opening = line.text.trim_start().trim_start_matches("/*").trim_start();
            block = opening
                .strip_prefix("liquibase")
                .is_some_and(|rest| rest.trim_start().starts_with("rollback"));
        }
    }
    let end = kept.last()?.end;
    let mut blank: Vec<u8> = text
        .bytes()
        .map(|byte| if byte == b'\n' { b'\n' } else { b' ' })
        .collect();
    for range in kept {
        blank[range.clone()].copy_from_slice(&text.as_bytes()[range]);
    }
    let blanked = String::from_utf8(blank).ok()?;
    let file = SourceFile {
        text: Some(Arc::from(blanked)),
        ..file.clone()
    };
    Some(Script::of_part(&file, body.start..end, transaction, Send::PerStatement))
}
