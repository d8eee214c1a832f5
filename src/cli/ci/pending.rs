//! Finds the new migrations: those of the current history that the base's history does not contain.
//!
//! Histories are compared, not files: a tool may keep several migrations in one file, or one in several.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::super::{files_below, output, source_files, tool_settings};
use super::git::Repository;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::Tool;
use crate::migration::formats::{
    self, History, LeftOut, Migration, NamedAs, NoMigration, SourceFile, TransactionScope,
};
use crate::units::counted;

/// What the person said about the tool.
pub struct Told {
    /// The tool.
    pub tool: Option<Tool>,
    /// Its version.
    pub version: Option<String>,
}

/// What a branch changes in a history.
pub struct Pending {
    /// The tool that uses these files.
    pub tool: Tool,
    /// The migrations already applied to databases that follow the base, in order, as the base has them.
    pub applied: Vec<Migration>,
    /// The migrations that the branch adds, in order.
    pub new: Vec<Migration>,
    /// The migrations of the base that the branch changed, as they are now.
    pub changed: Vec<Migration>,
    /// The files that the branch adds and that are not run with the migrations.
    pub left_out: Vec<LeftOut>,
    /// The names of all migrations that are programs, which nothing runs.
    pub programs: Vec<String>,
}

impl Pending {
    /// Compares `path` now with `path` at `commit`.
    ///
    /// # Errors
    /// `Usage` for what cannot be read; see [`formats::read`].
    pub fn since(repository: &Repository, commit: &str, path: &Path, told: &Told) -> Result<Pending> {
        let name = path.display().to_string();
        let (files, place) = source_files::read(path)?;
        let mut now = formats::read(&name, files, place, told.tool)?;
        told.version.iter().for_each(|version| now.as_of_version(version));
        for remark in &now.remarks {
            output::print_note(&format!("hint: {remark}"));
        }
        tool_settings::tell(now.tool, path);
        let files = files_at(repository, commit, path, place)?;
        let mut before = None;
        if files.iter().any(|file| file.text.is_some()) {
            before = read_before(&name, files, place, now.tool)?;
        }
        for (version, before) in told.version.iter().zip(&mut before) {
            before.as_of_version(version);
        }
        Ok(compared(now, before))
    }

    /// Returns the new migrations, those together that the tool runs in one transaction.
    pub fn units(&self) -> Vec<&[Migration]> {
        let together = |migration: &Migration| migration.up.transaction == TransactionScope::AllPending;
        if self.new.iter().any(together) {
            vec![&self.new]
        } else {
            self.new.chunks(1).collect()
        }
    }

    /// Returns what else may be the reason where a migration fails: programs that were not run before it.
    pub fn not_run(&self) -> Option<String> {
        let (first, others) = self.programs.split_first()?;
        let others = match others.len() {
            0 => String::new(),
            others => format!(" and {}", counted(others, "other program", "other programs")),
        };
        Some(format!("not run: {first}{others} beside the migrations"))
    }
}

/// Reads the history of the base; `None` if it had no migration yet.
fn read_before(name: &str, files: Vec<SourceFile>, place: NamedAs, tool: Tool) -> Result<Option<History>> {
    match formats::read(name, files, place, Some(tool)) {
        Ok(history) => Ok(Some(history)),
        Err(error) if error.cause::<NoMigration>().is_some() => Ok(None),
        Err(error) => Err(error.in_context("on the base")),
    }
}

fn compared(now: History, before: Option<History>) -> Pending {
    let (applied, left_out) = before.map_or_else(Default::default, |before| (before.migrations, before.left_out));
    let mut pending = Pending {
        tool: now.tool,
        new: Vec::new(),
        changed: Vec::new(),
        programs: now
            .left_out
            .iter()
            .filter(|left| left.language.is_some())
            .map(|left| left.file.clone())
            .collect(),
        left_out: now
            .left_out
            .into_iter()
            .filter(|left| !left_out.iter().any(|before| before.path == left.path))
            .collect(),
        applied,
    };
    let before = pending.applied.as_slice();
    let known = numbered(now.tool, before);
    for ((identity, place), migration) in numbered(now.tool, &now.migrations)
        .into_iter()
        .zip(now.migrations.iter())
    {
        let same = known.iter().position(|(known, at)| *known == identity && *at == place);
        let is_same = same.map(|same| before[same].up.text() == migration.up.text());
        let is_known = known.iter().any(|(known, _)| *known == identity);
        match is_same {
            Some(true) => {}
            Some(false) if migration.repeats => pending.new.push(migration.clone()),
            Some(false) => pending.changed.push(migration.clone()),
            // The tool does not run a second part of what it has run already.
            None if is_known => pending.changed.push(migration.clone()),
            None if now.tool == Tool::Atlas && formats::is_checkpoint_of_atlas(migration) => {}
            None => pending.new.push(migration.clone()),
        }
    }
    // The current migration of graphile-migrate runs only where it is being written.
    if now.tool == Tool::GraphileMigrate {
        pending.applied.retain(|migration| !migration.repeats);
    }
    pending
}

/// Returns by what the tool knows each migration, with a number for those that share it: sections of one file.
fn numbered(tool: Tool, migrations: &[Migration]) -> Vec<(String, usize)> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let of = |migration: &Migration| {
        let identity = migration.identity(tool);
        let place = seen.entry(identity.clone()).or_default();
        *place += 1;
        (identity, *place)
    };
    migrations.iter().map(of).collect()
}

/// Returns the files that `source_files::read` would have found at `commit`.
fn files_at(repository: &Repository, commit: &str, path: &Path, place: NamedAs) -> Result<Vec<SourceFile>> {
    let absolute = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let root = std::fs::canonicalize(repository.root()).unwrap_or_else(|_| repository.root().to_path_buf());
    let inside = absolute.strip_prefix(&root).map_err(|_| {
        let message = format!("{} is not in the repository {}", path.display(), root.display());
        Error::new(ErrorKind::Usage, message)
    })?;
    let inside = inside.to_string_lossy().into_owned();
    if place == NamedAs::File {
        return companions_at(repository, commit, &inside);
    }
    let prefix = match inside.as_str() {
        "" => String::new(),
        inside => format!("{inside}/"),
    };
    let mut files: Vec<SourceFile> = repository
        .files_at(commit, &prefix)?
        .into_iter()
        .filter_map(|file| {
            let relative = file.path.strip_prefix(&prefix)?.to_string();
            files_below::is_within_reach(&relative).then(|| source_file(&file.path, relative, &file.content))
        })
        .collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// Returns a file at `commit` with the files next to it that say how it is run; empty if it did not exist.
fn companions_at(repository: &Repository, commit: &str, inside: &str) -> Result<Vec<SourceFile>> {
    let (directory, name) = inside.rsplit_once('/').unwrap_or(("", inside));
    let parent = directory.rsplit('/').next().unwrap_or_default();
    let mut files = Vec::new();
    for name in std::iter::once(name.to_string()).chain(formats::companions(name)) {
        let path = if directory.is_empty() {
            name.clone()
        } else {
            format!("{directory}/{name}")
        };
        for file in repository.files_at(commit, &path)? {
            files.push(source_file(&file.path, format!("{parent}/{name}"), &file.content));
        }
        if files.is_empty() {
            break;
        }
    }
    Ok(files)
}

fn source_file(name: &str, path: String, content: &[u8]) -> SourceFile {
    let text = formats::is_of_interest(&path).then(|| Arc::from(String::from_utf8_lossy(content).as_ref()));
    SourceFile {
        name: name.to_string(),
        path,
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(files: &[(&str, &str)]) -> Option<History> {
        let file = |(path, text): &(&str, &str)| SourceFile {
            name: (*path).to_owned(),
            path: (*path).to_owned(),
            text: formats::is_of_interest(path).then(|| Arc::from(*text)),
        };
        let files: Vec<SourceFile> = files.iter().map(file).collect();
        (!files.is_empty()).then(|| formats::read("dir", files, NamedAs::Directory, None).expect("reads"))
    }

    /// Writes the versions that are new, and those that are changed.
    fn check(before: &[(&str, &str)], now: &[(&str, &str)], expected: &str) -> Pending {
        let pending = compared(history(now).expect("files"), history(before));
        let of = |migrations: &[Migration]| {
            let names: Vec<&str> = migrations.iter().map(|migration| migration.version.as_str()).collect();
            names.join(" ")
        };
        assert_eq!(format!("{} / {}", of(&pending.new), of(&pending.changed)), expected);
        pending
    }

    #[test]
    fn what_runs_again_when_it_changes_is_new_work() {
        let flyway = [("V1__a.sql", "SELECT 1"), ("R__view.sql", "SELECT 2")];
        check(&flyway, &flyway, " / ");
        check(&flyway, &[flyway[0], ("R__view.sql", "SELECT 3")], "R__view / ");
        check(&flyway, &[("V1__a.sql", "SELECT 0"), flyway[1]], " / 1");
        let liquibase = |attributes: &str, sql: &str| {
            format!("--liquibase formatted sql\n--changeset mia:view {attributes}\n{sql};\n")
        };
        for (attributes, expected) in [
            ("runOnChange:true", "view / "),
            ("runAlways:true", "view / "),
            ("", " / view"),
        ] {
            let (before, now) = (liquibase(attributes, "SELECT 1"), liquibase(attributes, "SELECT 2"));
            check(&[("a.sql", &before)], &[("a.sql", &now)], expected);
        }
        let committed = ("committed/000001.sql", "--! Previous: -\nSELECT 1;");
        let before = [committed, ("current.sql", "SELECT 2;")];
        let pending = check(&before, &[committed, ("current.sql", "SELECT 3;")], "current.sql / ");
        assert_eq!(
            pending.applied.len(),
            1,
            "the current one runs nowhere but where it is written"
        );
    }

    #[test]
    fn names_tell_migrations_apart_where_two_may_share_a_version() {
        let prisma = [("1_a/migration.sql", "SELECT 1"), ("1_b/migration.sql", "SELECT 2")];
        check(&prisma, &prisma, " / ");
        check(&prisma[..1], &prisma, "1 / ");
        let sql_migrate = [
            ("1-a.sql", "-- +migrate Up\nSELECT 1;"),
            ("1-b.sql", "-- +migrate Up\nSELECT 2;"),
        ];
        check(&sql_migrate, &sql_migrate, " / ");
        check(&sql_migrate[1..], &sql_migrate, "1 / ");
        check(
            &[("1_a.sql", "SELECT 1")],
            &[("1_a.sql", "SELECT 1"), ("1_b.sql", "SELECT 2")],
            "1 / ",
        );
    }

    #[test]
    fn a_version_may_be_written_in_several_ways() {
        let goose = "-- +goose Up\nSELECT 1;";
        check(&[("1_a.sql", goose)], &[("00001_a.sql", goose)], " / ");
        let diesel = [("2024-01-01-000000_a/up.sql", "SELECT 1")];
        check(&diesel, &[("20240101000000_a/up.sql", "SELECT 1")], " / ");
    }

    #[test]
    fn sections_of_one_file_are_told_apart() {
        let first = "-- migrate:up\nSELECT 1;\n-- migrate:down\n";
        let both = format!("{first}-- migrate:up\nSELECT 2;\n");
        check(&[("1_a.sql", &both)], &[("1_a.sql", &both)], " / ");
        check(&[("1_a.sql", first)], &[("1_a.sql", &both)], " / 1");
        check(&[], &[("1_a.sql", &both)], "1 1 / ");
    }

    #[test]
    fn new_programs_are_named_and_remembered() {
        let first = ("00001_a.sql", "-- +goose Up\nSELECT 1;");
        let pending = check(
            &[first, ("00002_b.go", "-")],
            &[first, ("00002_b.go", "-"), ("00003_c.go", "-")],
            " / ",
        );
        let left: Vec<&str> = pending.left_out.iter().map(|left| left.path.as_str()).collect();
        assert_eq!(left, ["00003_c.go"]);
        let said = pending.not_run();
        assert_eq!(
            said.as_deref(),
            Some("not run: 00002_b.go and 1 other program beside the migrations")
        );
    }
}
