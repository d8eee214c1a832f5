//! Recognises the tool from the names of all files, then from the markers in their first 4 kB, and says what the person
//! should know about that.

use std::collections::BTreeSet;

use super::drizzle::{BREAKPOINT, JOURNAL};
use super::file_name::numbered;
use super::flyway::Name;
use super::history::{History, NoMigration};
use super::lines::lines;
use super::plain::is_sql;
use super::source_file::{NamedAs, SourceFile};
use super::{flyway, graphile, liquibase, pairs, plain, sections, single_files};
use crate::error::{Error, ErrorKind, Result};
use crate::migration::tool::Tool;

/// How much of a file is searched for markers, in bytes.
const HEAD: usize = 4096;

/// File name endings of migrations that are programs, with their languages.
const PROGRAMS: [(&str, &str); 11] = [
    (".rb", "Ruby"),
    (".py", "Python"),
    (".go", "Go"),
    (".js", "JavaScript"),
    (".cjs", "JavaScript"),
    (".mjs", "JavaScript"),
    (".ts", "TypeScript"),
    (".php", "PHP"),
    (".exs", "Elixir"),
    (".kt", "Kotlin"),
    (".java", "Java"),
];

/// Returns whether the text of a file must be read; for other files only the name matters.
pub fn is_of_interest(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [".sql", ".sql.conf", ".conf"]
        .iter()
        .any(|ending| lower.ends_with(ending))
        || lower.ends_with("metadata.toml")
        || lower.ends_with(JOURNAL)
}

/// Returns the names of files next to a single file that may say how it is run, or hold its rollback.
pub fn companions(file_name: &str) -> Vec<String> {
    let mut names = plain::names_of_down(file_name);
    names.push(format!("{file_name}.conf"));
    if let Some(stem) = file_name.strip_suffix(".sql") {
        names.push(format!("{stem}.conf"));
    }
    if let Some(rest) = file_name.strip_prefix('V') {
        names.push(format!("U{rest}"));
    }
    if let Some(stem) = file_name.strip_suffix(".down.sql") {
        names.push(format!("{stem}.up.sql"));
    }
    names.extend(["atlas.sum", JOURNAL].map(str::to_owned));
    match file_name {
        "up.sql" => names.extend(["down.sql", "metadata.toml"].map(str::to_owned)),
        "down.sql" => names.extend(["up.sql", "metadata.toml"].map(str::to_owned)),
        _ => {}
    }
    names
}

/// Returns the tool that uses these files.
///
/// # Errors
/// `Usage` when none of them is SQL, or they have markers of several tools.
pub(super) fn tool(name: &str, files: &[SourceFile], place: NamedAs) -> Result<Tool> {
    let sql: Vec<&SourceFile> = match place {
        NamedAs::File => files.iter().take(1).collect(),
        NamedAs::Directory => files.iter().filter(|file| is_sql(file)).collect(),
    };
    if sql.is_empty() || (place == NamedAs::File && !is_sql(sql[0]) && language(sql[0]).is_some()) {
        return Err(nothing_found(name, files, Tool::PlainSql));
    }
    if let Some(tool) = by_names(files, &sql) {
        return Ok(tool);
    }
    if let Some(tool) = by_markers(&sql)? {
        return Ok(tool);
    }
    Ok(Tool::PlainSql)
}

fn by_names(files: &[SourceFile], sql: &[&SourceFile]) -> Option<Tool> {
    let has = |path: &str| files.iter().any(|file| file.path == path);
    let all = |holds: fn(&SourceFile) -> bool| sql.iter().all(|file| holds(file));
    if has(JOURNAL) {
        return Some(Tool::Drizzle);
    }
    if has("atlas.sum") {
        return Some(Tool::Atlas);
    }
    let in_numbered_directory = |file: &SourceFile| file.directory().starts_with(|first: char| first.is_ascii_digit());
    if all(|file| file.file_name() == "migration.sql") && sql.iter().all(|file| in_numbered_directory(file)) {
        let snapshots = files.iter().any(|file| file.path.ends_with("/snapshot.json"));
        let breakpoints = sql.iter().any(|file| file.text().contains(BREAKPOINT));
        return Some(if snapshots || breakpoints {
            Tool::Drizzle
        } else {
            Tool::Prisma
        });
    }
    if all(|file| matches!(file.file_name(), "up.sql" | "down.sql"))
        && sql.iter().all(|file| in_numbered_directory(file))
    {
        return Some(Tool::Diesel);
    }
    if sql.iter().any(|file| graphile::has_header(file)) {
        return Some(Tool::GraphileMigrate);
    }
    if all(|file| flyway::name(file).is_some()) && !all(|file| flyway::name(file) == Some(Name::Callback)) {
        // In Flyway, a U file undoes an existing version; in refinery, it is a migration like any other.
        let versions = |wanted: char| -> BTreeSet<&str> {
            let names = sql.iter().filter(|file| file.file_name().starts_with(wanted));
            names.filter_map(|file| flyway::refinery_version(file)).collect()
        };
        let undoes = versions('U').is_subset(&versions('V'));
        let refinery = !undoes && all(|file| flyway::refinery_version(file).is_some());
        return Some(if refinery { Tool::Refinery } else { Tool::Flyway });
    }
    if all(|file| pairs::direction(file.file_name()).is_some()) && !sql.iter().any(|file| has_marker_of_pairs(file)) {
        let sqlx = sql.iter().any(|file| pairs::refuses_transaction(file));
        return Some(if sqlx { Tool::Sqlx } else { Tool::GolangMigrate });
    }
    None
}

/// Returns whether a file of a pair also contains markers that split it.
fn has_marker_of_pairs(file: &SourceFile) -> bool {
    marker(file).is_some_and(|tool| tool != Tool::Sqlx)
}

fn by_markers(sql: &[&SourceFile]) -> Result<Option<Tool>> {
    let mut found: Option<(Tool, &SourceFile)> = None;
    for file in sql {
        let Some(tool) = marker(file) else {
            continue;
        };
        match found {
            Some((other, first)) if other != tool => {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!(
                        "{} looks like {}, {} like {}",
                        first.name,
                        other.name(),
                        file.name,
                        tool.name()
                    ),
                )
                .with_hint("say with --format-of which tool runs them"));
            }
            _ => found = Some((tool, file)),
        }
    }
    Ok(found.map(|(tool, _)| tool))
}

fn marker(file: &SourceFile) -> Option<Tool> {
    let text = file.text();
    let end = (0..=text.len().min(HEAD))
        .rev()
        .find(|end| text.is_char_boundary(*end))?;
    let head = &text[..end];
    if liquibase::is_formatted(file) {
        return Some(Tool::Liquibase);
    }
    for line in lines(head) {
        if sections::opens_forward(&line, "+goose") {
            return Some(Tool::Goose);
        }
        if sections::opens_forward(&line, "+migrate") {
            return Some(Tool::SqlMigrate);
        }
        if single_files::section_of_dbmate(&line, "up").is_some() {
            return Some(Tool::Dbmate);
        }
        if single_files::is_marker_of_node_pg_migrate(&line, "up")
            || single_files::is_marker_of_node_pg_migrate(&line, "down")
        {
            return Some(Tool::NodePgMigrate);
        }
        if line.text.starts_with("---- tern:") || line.text == single_files::TERN_SEPARATOR {
            return Some(Tool::Tern);
        }
        if line.comment_behind("atlas:txmode").is_some() || line.comment_behind("atlas:delimiter").is_some() {
            return Some(Tool::Atlas);
        }
        if line.text.contains(BREAKPOINT) {
            return Some(Tool::Drizzle);
        }
    }
    let numbered = numbered(file.file_name()).is_some();
    (numbered && pairs::refuses_transaction(file)).then_some(Tool::Sqlx)
}

/// Returns what the person should know: other tools that fit the names, and what was left out.
pub(super) fn remarks(history: &History, files: &[SourceFile], place: NamedAs, told: bool) -> Vec<String> {
    let mut remarks = Vec::new();
    if !told {
        remarks.extend(others(history));
    }
    if place == NamedAs::Directory {
        remarks.extend(left_out(history, files));
    }
    for file in files
        .iter()
        .filter(|file| file.text().contains("flyway:executeInTransaction"))
    {
        remarks.push(format!(
            "{}: a comment does not set executeInTransaction as far as is known; Flyway reads it from {}.conf",
            file.name,
            file.file_name()
        ));
    }
    remarks
}

/// Returns which other tools use the same names, and what would differ.
fn others(history: &History) -> Option<String> {
    let first = &history.migrations[0].up.file;
    let advice = match history.tool {
        Tool::Flyway if flyway::refinery_version(first).is_some() => {
            "the names are also those of refinery, which sends each file whole"
        }
        Tool::GolangMigrate => "the names are also those of sqlx, which runs each file in a transaction",
        Tool::PlainSql if numbered(first.file_name()).is_some() => {
            "the names are also those of sqlx, tern and Atlas, which run each file in a transaction, and of \
             node-pg-migrate"
        }
        _ => return None,
    };
    Some(format!("{advice}: if that is yours, say so with --format-of"))
}

fn left_out(history: &History, files: &[SourceFile]) -> Vec<String> {
    let scripts = history
        .migrations
        .iter()
        .flat_map(|migration| std::iter::once(&migration.up).chain(&migration.down));
    let used: BTreeSet<&str> = scripts.map(|script| script.file.path.as_str()).collect();
    let mut remarks = Vec::new();
    let unused: Vec<&str> = files
        .iter()
        .filter(|file| is_sql(file) && !used.contains(file.path.as_str()))
        .map(|file| file.path.as_str())
        .collect();
    if !unused.is_empty() {
        remarks.push(format!(
            "left out, because {} does not run them as migrations: {}",
            history.tool.name(),
            some_of(&unused)
        ));
    }
    let programs: Vec<&str> = programs(files).map(|(file, _)| file.path.as_str()).collect();
    if !programs.is_empty() && history.tool != Tool::Prisma && history.tool != Tool::Drizzle {
        remarks.push(format!("left out, because they are programs: {}", some_of(&programs)));
    }
    remarks
}

fn some_of(names: &[&str]) -> String {
    match names {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        _ => names.join(", "),
    }
}

/// Returns the files directly in the directory that are programs, with their languages.
fn programs(files: &[SourceFile]) -> impl Iterator<Item = (&SourceFile, &'static str)> {
    let top = files.iter().filter(|file| file.directory().is_empty());
    top.filter(|file| file.file_name() != "__init__.py")
        .filter_map(|file| Some((file, language(file)?)))
}

fn language(file: &SourceFile) -> Option<&'static str> {
    let ending = PROGRAMS.iter().find(|(ending, _)| file.path.ends_with(ending));
    ending.map(|(_, language)| *language)
}

/// Returns the error that says why there is nothing to run, and where to look.
pub(super) fn nothing_found(name: &str, files: &[SourceFile], tool: Tool) -> Error {
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    if let Some((file, language)) = programs(files).next() {
        let hint = match language {
            "Python" => {
                "generate their SQL (manage.py sqlmigrate APP NAME, or alembic upgrade --sql), or run the tool itself \
                 with --exec"
            }
            "Ruby" => "run the tool itself: --exec 'bin/rails db:migrate'",
            _ => "generate their SQL, or run the tool itself with --exec",
        };
        return usage(format!(
            "{} is a program in {language}, which is not read as a migration",
            file.name
        ))
        .with_hint(hint);
    }
    let changelog = files.iter().find(|file| {
        let name = file.file_name().to_ascii_lowercase();
        name.contains("changelog") && [".xml", ".yaml", ".yml"].iter().any(|ending| name.ends_with(ending))
    });
    if let Some(changelog) = changelog {
        return usage(format!("{}: of Liquibase only formatted SQL is read", changelog.name))
            .with_hint("let it write the SQL: liquibase update-sql");
    }
    let nested = files
        .iter()
        .find(|file| is_sql(file) && !file.directory().is_empty())
        .map(SourceFile::directory);
    match nested {
        Some(directory) if tool == Tool::PlainSql => usage(format!("{name}: no .sql file lies directly in it"))
            .with_hint(format!(
                "name the directory that holds the migrations, perhaps {name}/{directory}"
            )),
        _ if tool == Tool::PlainSql => usage(format!("{name}: there is no .sql file in it"))
            .with_hint("name a file of SQL, or the directory of a tool's migrations"),
        _ => usage(format!("{name}: there is no migration of {} in it", tool.name()))
            .with_hint(
                "--format-of says whose files these are; without it they are recognised by their names and markers",
            )
            .because(NoMigration),
    }
}
