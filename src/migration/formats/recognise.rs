//! Recognises the tool from the names of all files, then from the markers in their first 4 kB.

use std::collections::BTreeSet;

use super::drizzle::{BREAKPOINT, JOURNAL};
use super::file_name::numbered;
use super::flyway::Name;
use super::lines::lines;
use super::plain::is_sql;
use super::source_file::{NamedAs, SourceFile};
use super::{flyway, graphile, liquibase, not_read, other_tools, pairs, plain, sections, single_files};
use crate::error::{Error, ErrorKind, Result};
use crate::migration::tool::Tool;

/// How much of a file is searched for markers, in bytes.
const HEAD: usize = 4096;

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
    if sql.is_empty() || (place == NamedAs::File && !is_sql(sql[0]) && not_read::language(sql[0]).is_some()) {
        return Err(not_read::nothing_found(name, files, Tool::PlainSql));
    }
    if let Some(refused) = other_tools::refusal(name, files) {
        return Err(refused);
    }
    if sql.iter().any(|file| is_of_supabase(file)) {
        return Ok(Tool::Supabase);
    }
    let tool = match by_names(name, files, &sql)? {
        Some(tool) => Some(tool),
        None => by_markers(&sql)?,
    };
    Ok(tool.unwrap_or_default())
}

fn is_of_supabase(file: &SourceFile) -> bool {
    file.name.contains("supabase/migrations/") || lines(file.text()).any(|line| line.text.starts_with("-- supabase:"))
}

fn by_names(name: &str, files: &[SourceFile], sql: &[&SourceFile]) -> Result<Option<Tool>> {
    let has = |path: &str| files.iter().any(|file| file.path == path);
    if has(JOURNAL) {
        return Ok(Some(Tool::Drizzle));
    }
    if sql.iter().any(|file| graphile::has_header(file)) {
        return Ok(Some(Tool::GraphileMigrate));
    }
    let form = match most_common(name, sql) {
        Ok(form) => form,
        // Where names are undecided, markers may decide.
        Err(undecided) => return by_markers(sql)?.map(Some).ok_or(undecided),
    };
    if has("atlas.sum") {
        // Atlas also keeps the sum of directories in the forms of other tools.
        let other = form.map(|form| of_form(form, files, sql)).or(by_markers(sql)?);
        return Ok(other.or(Some(Tool::Atlas)));
    }
    Ok(form.map(|form| of_form(form, files, sql)))
}

/// A form of names that tools give to their files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `20240101_name/migration.sql`.
    Directory,
    /// `2024-01-01-000000_name/up.sql` and `down.sql`.
    UpAndDown,
    /// `V1__name.sql`.
    Prefixed,
    /// `0001_name.up.sql` and `.down.sql`.
    Pair,
}

fn form_of(file: &SourceFile) -> Option<Form> {
    let in_numbered_directory = file.directory().starts_with(|first: char| first.is_ascii_digit());
    match file.file_name() {
        "migration.sql" if in_numbered_directory => Some(Form::Directory),
        "up.sql" | "down.sql" if in_numbered_directory => Some(Form::UpAndDown),
        _ if flyway::name(file).is_some() => Some(Form::Prefixed),
        name => (pairs::direction(name).is_some() && !has_marker_of_pairs(file)).then_some(Form::Pair),
    }
}

/// Returns the form that more of the files have than have another or none. A few stray files do not change whose
/// directory it is.
///
/// # Errors
/// `Usage` when as many files have another form or none.
fn most_common(name: &str, sql: &[&SourceFile]) -> Result<Option<Form>> {
    let is_callback = |file: &&&SourceFile| flyway::name(file) == Some(Name::Callback);
    let forms: Vec<(Option<Form>, &SourceFile)> = sql
        .iter()
        .filter(|file| !is_callback(file))
        .map(|file| (form_of(file), *file))
        .collect();
    let count = |wanted: Form| forms.iter().filter(|(form, _)| *form == Some(wanted)).count();
    let kinds = [Form::Directory, Form::UpAndDown, Form::Prefixed, Form::Pair];
    let Some(most) = kinds.into_iter().max_by_key(|form| count(*form)) else {
        return Ok(None);
    };
    match (count(most), forms.len() - count(most)) {
        (of_form, others) if of_form > others => Ok(Some(most)),
        (of_form, others) if of_form == others && of_form > 0 => {
            let first = |of_form: bool| forms.iter().find(|(form, _)| (*form == Some(most)) == of_form);
            let named = [first(true), first(false)].map(|found| found.map_or("", |(_, file)| file.name.as_str()));
            Err(Error::new(
                ErrorKind::Usage,
                format!(
                    "{name}: as many files are named like {} as like {}, so it is not clear whose they are",
                    named[0], named[1]
                ),
            )
            .with_hint("say with --format-of which tool runs them, or move the others elsewhere"))
        }
        _ => Ok(None),
    }
}

fn of_form(form: Form, files: &[SourceFile], sql: &[&SourceFile]) -> Tool {
    match form {
        Form::Directory => {
            let snapshots = files.iter().any(|file| file.path.ends_with("/snapshot.json"));
            let breakpoints = sql.iter().any(|file| file.text().contains(BREAKPOINT));
            if snapshots || breakpoints {
                Tool::Drizzle
            } else {
                Tool::Prisma
            }
        }
        Form::UpAndDown => Tool::Diesel,
        Form::Prefixed => {
            // In Flyway, a U file undoes an existing version; in refinery, it is a migration like any other.
            let named = || sql.iter().filter(|file| form_of(file) == Some(Form::Prefixed));
            let versions = |wanted: char| -> BTreeSet<&str> {
                let names = named().filter(|file| file.file_name().starts_with(wanted));
                names.filter_map(|file| flyway::refinery_version(file)).collect()
            };
            let undoes = versions('U').is_subset(&versions('V'));
            let refinery = !undoes && named().all(|file| flyway::refinery_version(file).is_some());
            if refinery { Tool::Refinery } else { Tool::Flyway }
        }
        Form::Pair => {
            if sql.iter().any(|file| pairs::refuses_transaction(file)) {
                Tool::Sqlx
            } else {
                Tool::GolangMigrate
            }
        }
    }
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
