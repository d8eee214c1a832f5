//! What is not read as a migration: files beside those of the tool, programs, and directories of other tools.

use std::collections::BTreeSet;

use super::file_name::{numbers, split_digits};
use super::history::{LeftOut, Migration, NoMigration};
use super::plain::is_sql;
use super::script::Script;
use super::source_file::SourceFile;
use crate::error::{Error, ErrorKind};
use crate::migration::tool::Tool;

/// File name endings of migrations that are programs, with their languages.
const PROGRAMS: [(&str, &str); 12] = [
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
    (".cs", "C#"),
];

/// Name endings of programs that are no migrations themselves.
const NO_MIGRATIONS: [&str; 5] = ["_test.go", ".test.ts", ".spec.ts", ".d.ts", ".Designer.cs"];

/// Returns the files that the history does not run although they are SQL or look like migrations in another language.
pub(super) fn left_out(migrations: &[Migration], files: &[SourceFile]) -> Vec<LeftOut> {
    let scripts = migrations
        .iter()
        .flat_map(|migration| std::iter::once(&migration.up).chain(&migration.down));
    let files_of = |script: &Script| -> Vec<String> {
        let around = script.before.iter().chain(&script.after);
        std::iter::once(&script.file)
            .chain(around)
            .map(|file| file.path.clone())
            .collect()
    };
    let used: BTreeSet<String> = scripts.flat_map(files_of).collect();
    let unused = files.iter().filter(|file| !used.contains(&file.path));
    let left_out = unused.filter_map(|file| {
        let language = program_in(file);
        (language.is_some() || is_sql(file)).then(|| LeftOut {
            file: file.name.clone(),
            path: file.path.clone(),
            language,
            is_like_a_migration: is_named_like_a_migration(file),
        })
    });
    left_out.collect()
}

/// Returns the language of a program that is named like a migration.
fn program_in(file: &SourceFile) -> Option<&'static str> {
    language(file)
        .filter(|_| is_named_like_a_migration(file) && !NO_MIGRATIONS.iter().any(|ending| file.path.ends_with(ending)))
}

fn is_named_like_a_migration(file: &SourceFile) -> bool {
    let directory = file.directory().rsplit('/').next().unwrap_or_default();
    let (name, _) = file.file_name().split_once('.').unwrap_or((file.file_name(), ""));
    split_digits(name).is_some()
        || split_digits(directory).is_some()
        || name.split_once("__").is_some_and(|(head, _)| {
            head == "R" || head.strip_prefix('V').is_some_and(|version| numbers(version).is_some())
        })
}

/// Returns the language in which a program is written.
pub(super) fn language(file: &SourceFile) -> Option<&'static str> {
    let ending = PROGRAMS.iter().find(|(ending, _)| file.path.ends_with(ending));
    ending.map(|(_, language)| *language)
}

/// Returns the program that says whose directory this is: one that is named like a migration, or any at the top.
fn program(files: &[SourceFile]) -> Option<(&SourceFile, &'static str)> {
    let like_migrations = files.iter().filter_map(|file| Some((file, program_in(file)?)));
    let at_the_top = files
        .iter()
        .filter(|file| file.directory().is_empty() && file.file_name() != "__init__.py")
        .filter_map(|file| Some((file, language(file)?)));
    like_migrations.chain(at_the_top).next()
}

/// Returns the error that says why there is nothing to run, and where to look.
pub(super) fn nothing_found(name: &str, files: &[SourceFile], tool: Tool) -> Error {
    if let Some(error) = other_language(files) {
        return error.because(NoMigration);
    }
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    let nested = files
        .iter()
        .find(|file| is_sql(file) && !file.directory().is_empty())
        .map(|file| match file.file_name() {
            // Each of these lies in a directory of its own.
            "migration.sql" | "up.sql" | "down.sql" => file.directory().rsplit_once('/').map_or("", |(above, _)| above),
            _ => file.directory(),
        })
        .filter(|directory| !directory.is_empty());
    let error = match nested {
        Some(directory) if tool == Tool::PlainSql => usage(format!("{name}: no .sql file lies directly in it"))
            .with_hint(format!(
                "name the directory that holds the migrations, perhaps {name}/{directory}"
            )),
        _ if tool == Tool::PlainSql => usage(format!("{name}: there is no .sql file in it"))
            .with_hint("name a file of SQL, or the directory of a tool's migrations"),
        _ => usage(format!("{name}: there is no migration of {} in it", tool.name())).with_hint(
            "--format-of says whose files these are; without it they are recognised by their names and markers",
        ),
    };
    error.because(NoMigration)
}

/// Returns the error for files that are migrations, but not in SQL.
fn other_language(files: &[SourceFile]) -> Option<Error> {
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    if let Some((file, language)) = program(files) {
        let hint = match language {
            "Python" => {
                "generate their SQL (manage.py sqlmigrate APP NAME, or alembic upgrade --sql), or run the tool itself \
                 with --exec"
            }
            "Ruby" => "run the tool itself: --exec 'bin/rails db:migrate'",
            _ => "generate their SQL, or run the tool itself with --exec",
        };
        return Some(
            usage(format!(
                "{} is a program in {language}, which is not read as a migration",
                file.name
            ))
            .with_hint(hint),
        );
    }
    let numbered = |endings: &[&str]| {
        let named = |file: &&SourceFile| endings.iter().any(|ending| file.path.ends_with(ending));
        let mut files = files.iter().filter(named);
        files.find(|file| file.directory().is_empty() && split_digits(file.file_name()).is_some())
    };
    let declared = numbered(&[".toml"])
        .map(|file| (file, "reshape"))
        .or_else(|| numbered(&[".json", ".yaml", ".yml"]).map(|file| (file, "pgroll")));
    if let Some((file, tool)) = declared {
        return Some(
            usage(format!(
                "{}: it looks like a migration of {tool}, which is no SQL",
                file.name
            ))
            .with_hint(format!("run the tool itself: --exec '{tool} migrate …'")),
        );
    }
    let changelog = files.iter().find(|file| {
        let name = file.file_name().to_ascii_lowercase();
        name.contains("changelog") && [".xml", ".yaml", ".yml"].iter().any(|ending| name.ends_with(ending))
    });
    changelog.map(|changelog| {
        usage(format!("{}: of Liquibase only formatted SQL is read", changelog.name))
            .with_hint("let it write the SQL: liquibase update-sql")
    })
}
