//! What a Rust file imports and which paths its code names, ignoring comments, strings and tests.

use std::collections::BTreeSet;

/// A file's references to other files.
#[derive(Debug, Default)]
pub struct Source {
    /// Names that it imports, each with its path.
    pub imports: Vec<Import>,
    /// Paths with more than one segment in its code.
    pub paths: Vec<Vec<String>>,
    /// Modules that it declares only for tests.
    pub test_modules: Vec<String>,
    /// All names in its code, except those of fields and methods.
    names: BTreeSet<String>,
}

/// A name that a `use` brings in.
#[derive(Clone, Debug)]
pub struct Import {
    /// The name in this file.
    pub name: String,
    /// What it refers to, starting with `crate`, `super`, `self` or a name of this file.
    pub path: Vec<String>,
    /// Whether it is re-exported.
    pub is_passed_on: bool,
}

impl Source {
    /// Reads a file.
    pub fn read(text: &str) -> Source {
        let mut source = Source::default();
        let tokens = source.without_tests(&tokens(&code(text)));
        let mut at = 0;
        while at < tokens.len() {
            at = match tokens[at].as_str() {
                "use" => source.import(&tokens, at),
                "mod" => at + 2,
                token if is_name(token) => source.path(&tokens, at),
                _ => at + 1,
            };
        }
        source
    }

    /// Returns whether the file itself uses what it imports.
    pub fn uses(&self, import: &Import) -> bool {
        !import.is_passed_on || self.names.contains(&import.name)
    }

    /// Removes every item under `#[cfg(test)]`, and records the names of the modules among them.
    fn without_tests(&mut self, tokens: &[String]) -> Vec<String> {
        const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
        let mut kept = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            if !tokens[at..].iter().take(TEST.len()).eq(TEST.iter()) {
                kept.push(tokens[at].clone());
                at += 1;
                continue;
            }
            let end = end_of_item(tokens, at + TEST.len());
            let item = &tokens[at..end];
            let declared = item.windows(3).find(|three| three[0] == "mod" && three[2] == ";");
            self.test_modules.extend(declared.map(|three| three[1].clone()));
            at = end;
        }
        kept
    }

    fn import(&mut self, tokens: &[String], at: usize) -> usize {
        let is_passed_on = at > 0 && ["pub", ")"].contains(&tokens[at - 1].as_str());
        let length = tokens[at..].iter().position(|token| token == ";");
        let end = length.map_or(tokens.len(), |length| at + length);
        for (name, path) in leaves(&tokens[at + 1..end]) {
            self.imports.push(Import {
                name,
                path,
                is_passed_on,
            });
        }
        end + 1
    }

    fn path(&mut self, tokens: &[String], at: usize) -> usize {
        let mut path = vec![tokens[at].clone()];
        let mut end = at + 1;
        while end + 1 < tokens.len() && tokens[end] == "::" && is_name(&tokens[end + 1]) {
            path.push(tokens[end + 1].clone());
            end += 2;
        }
        let is_of_a_value = at > 0 && tokens[at - 1] == ".";
        if !is_of_a_value {
            self.names.insert(path[0].clone());
            if path.len() > 1 {
                self.paths.push(path);
            }
        }
        end
    }
}

/// Returns the names of one `use`, each with its path.
fn leaves(tokens: &[String]) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    let mut prefixes: Vec<usize> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut name: Option<String> = None;
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "{" => prefixes.push(path.len()),
            "," | "}" => {
                let prefix = prefixes.last().copied().unwrap_or(0);
                found.extend(leaf(name.take(), &path, prefix));
                path.truncate(prefix);
                if tokens[at] == "}" {
                    prefixes.pop();
                    // Whatever follows a closing brace belongs to the enclosing list, and adds no name of its own.
                    path.truncate(prefixes.last().copied().unwrap_or(0));
                }
            }
            "as" => {
                name = tokens.get(at + 1).cloned();
                at += 1;
            }
            "::" => {}
            part => path.push(part.to_string()),
        }
        at += 1;
    }
    found.extend(leaf(name, &path, 0));
    found
}

fn leaf(name: Option<String>, path: &[String], prefix: usize) -> Option<(String, Vec<String>)> {
    if path.len() <= prefix {
        return None;
    }
    let mut path = path.to_vec();
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let own = path.last()?.clone();
    Some((name.unwrap_or(own), path))
}

/// Returns the position after an item: after its closing brace or its semicolon.
fn end_of_item(tokens: &[String], start: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        let ends = token == ";" || (token == "}" && tokens.get(index + 1).is_none_or(|next| next != ";"));
        if depth == 0 && ends {
            return index + 1;
        }
    }
    tokens.len()
}

fn tokens(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let name = rest.find(|character: char| !character.is_alphanumeric() && character != '_');
        let length = match name.unwrap_or(rest.len()) {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            length => length,
        };
        found.push(rest[..length].to_string());
        rest = rest[length..].trim_start();
    }
    found
}

fn is_name(token: &str) -> bool {
    token.starts_with(|character: char| character.is_alphabetic() || character == '_')
}

/// Returns a file's text without comments and without quoted text.
fn code(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = length_of_text(rest, kept.chars().last());
        if skipped > 0 {
            kept.push(' ');
            rest = &rest[skipped..];
        } else {
            kept.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    kept
}

/// Returns the length of the comment or literal that starts here; 0 if none does.
fn length_of_text(rest: &str, before: Option<char>) -> usize {
    let until = |start: usize, end: &str| rest[start..].find(end).map_or(rest.len(), |at| start + at + end.len());
    let after_a_name = before.is_some_and(|character| character.is_alphanumeric() || character == '_');
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return until(2, "*/");
    }
    if rest.starts_with("r#\"") && !after_a_name {
        return until(3, "\"#");
    }
    if rest.starts_with("r\"") && !after_a_name {
        return until(2, "\"");
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    // A lifetime has no closing quote directly after its first letter.
    let is_character = rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'');
    if rest.starts_with('\'') && is_character {
        return quoted(rest, '\'');
    }
    0
}

fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    text.len()
}
