//! The program understands every command in the documents, and the tutorial works as written.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{CommandFactory, Parser};
use migtime::cli::Arguments;

use super::support::{Database, migtime};

const README: &str = include_str!("../../README.md");
/// Heading of the section whose commands are run one after the other.
const TUTORIAL: &str = "## Five minutes on your own database";
/// Maximum number of words of the README, which a newcomer can read in five minutes. Longer texts belong in docs/.
const MOST_WORDS: usize = 1100;
/// Maximum length of a line, as in the code.
const MOST_CHARACTERS: usize = 120;

/// Returns the README and all other documents, each with its path from the root.
fn documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = std::fs::read_dir(root.join("docs")).expect("docs/ is there");
    let mut paths: Vec<PathBuf> = beside
        .map(|entry| Path::new("docs").join(entry.expect("an entry").file_name()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    paths.sort();
    paths.insert(0, PathBuf::from("README.md"));
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(root.join(&path)).expect("a document");
        (path, text)
    };
    let documents: Vec<_> = paths.into_iter().map(read).collect();
    assert!(documents.len() >= 5, "only {} documents were found", documents.len());
    documents
}

/// Returns the text of the `sh` blocks in `document`, in order.
fn shell_blocks(document: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in document.lines() {
        match &mut open {
            Some(block) if line == "```" => {
                blocks.push(std::mem::take(block));
                open = None;
            }
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
            None if line == "```sh" => open = Some(String::new()),
            None => {}
        }
    }
    blocks
}

/// Runs `script` in a shell that only records the arguments of each call of migtime; other commands do nothing.
fn calls(script: &str) -> Vec<Vec<String>> {
    let quiet = "command_not_found_handle() { :; }; for name in make cargo createdb pg_dump psql git cat mkdir; do \
                 eval \"$name() { :; }\"; done; migtime() { printf '%s\\0' \"$@\" >&3; printf '\\n\\0' >&3; }";
    let output = Command::new("bash")
        .args(["-c", &format!("exec 3>&1 >/dev/null; {quiet}; {script}")])
        .output()
        .expect("bash");
    assert!(
        output.stderr.is_empty(),
        "{script}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let words = String::from_utf8(output.stdout).expect("text");
    let mut all = vec![Vec::new()];
    for word in words.split_terminator('\0') {
        match word {
            "\n" => all.push(Vec::new()),
            word => all.last_mut().expect("one is open").push(word.to_string()),
        }
    }
    all.pop();
    all
}

fn check_understood(call: &[String]) {
    let typed = std::iter::once("migtime").chain(call.iter().map(String::as_str));
    if let Err(error) = Arguments::try_parse_from(typed) {
        let asks_for_help = matches!(
            error.kind(),
            clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion
        );
        assert!(asks_for_help, "migtime {}: {error}", call.join(" "));
    }
}

#[test]
fn every_command_in_the_documents_is_understood() {
    let calls: Vec<Vec<String>> = documents()
        .iter()
        .flat_map(|(_, text)| shell_blocks(text))
        // Only the tutorial writes files, and its commands are run below.
        .filter(|block| !block.contains("<<"))
        .flat_map(|block| calls(&block))
        .collect();
    assert!(calls.len() >= 15, "only {} commands were found", calls.len());
    calls.iter().for_each(|call| check_understood(call));
}

/// Returns the lines of `document` outside its code blocks, with their numbers.
fn lines_of_prose(document: &str) -> Vec<(usize, &str)> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(document.lines()) {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            lines.push((number, line));
        }
    }
    lines
}

#[test]
fn the_readme_is_short_enough_to_be_read() {
    let words = README.split_whitespace().count();
    assert!(
        words <= MOST_WORDS,
        "README.md has {words} words, at most {MOST_WORDS} may be"
    );
    for (number, line) in (1..).zip(README.lines()) {
        let width = line.chars().count();
        assert!(width <= MOST_CHARACTERS, "README.md:{number} has {width} characters");
    }
}

#[test]
fn documents_are_wrapped() {
    for (path, text) in documents() {
        // A row of a table cannot be wrapped.
        for (number, line) in lines_of_prose(&text)
            .into_iter()
            .filter(|(_, line)| !line.starts_with('|'))
        {
            let width = line.chars().count();
            assert!(
                width <= MOST_CHARACTERS,
                "{}:{number} has {width} characters",
                path.display()
            );
        }
    }
}

/// Returns the targets of the links in `document`.
fn links(document: &str) -> Vec<&str> {
    let prose = lines_of_prose(document).into_iter().map(|(_, line)| line);
    prose
        .flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split(')').next()))
        .filter(|link| !link.starts_with("https://"))
        .collect()
}

/// Returns the anchor that GitHub generates for each heading of `document`.
fn anchors(document: &str) -> Vec<String> {
    let headings = lines_of_prose(document)
        .into_iter()
        .filter(|(_, line)| line.starts_with('#'));
    headings
        .map(|(_, line)| {
            let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
            title
                .chars()
                .filter(|character| character.is_alphanumeric() || *character == '-')
                .collect()
        })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    for (path, text) in documents() {
        for link in links(&text) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => root.join(&path),
                file => root.join(path.with_file_name(file)),
            };
            assert!(target.exists(), "{}: {link}", path.display());
            if !anchor.is_empty() {
                let there = anchors(&std::fs::read_to_string(&target).expect("a document"));
                assert!(
                    there.iter().any(|one| one == anchor),
                    "{}: {link} is none of {there:?}",
                    path.display()
                );
            }
            found += 1;
        }
    }
    assert!(found >= 10, "only {found} links were found");
}

#[test]
fn every_example_in_the_help_is_understood() {
    let mut found = 0;
    for command in Arguments::command().get_subcommands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = help
            .lines()
            .filter(|line| line.starts_with("  ") && line.contains("migtime "))
            // Redirections in the help texts are removed, so that no file is written.
            .filter_map(|line| line.split(" > ").next()?.split(" | ").next());
        for call in examples.flat_map(calls) {
            check_understood(&call);
            found += 1;
        }
    }
    assert!(found >= 15, "only {found} examples were found");
}

/// Writes `name` as a program that runs the server's own client program with this name, or migtime.
fn link(directory: &Path, name: &str, program: &Path) {
    assert!(program.exists(), "{} is missing", program.display());
    std::os::unix::fs::symlink(program, directory.join(name)).expect("link");
}

/// Creates the tutorial's production database; returns its user, and the directory of the server's programs.
fn open_shop(database: &Database) -> (String, String) {
    database.execute("CREATE DATABASE shop");
    let shop = database.parameters_of("shop");
    let schema = include_str!("../../scenarios/simple-backfill/schema.sql");
    let orders = schema
        .replace("    customer_id bigint,\n", "")
        .replace(":rows", "150000")
        .replace(":seed", "1");
    let mut client = shop.connect().expect("the shop takes connections");
    client.batch_execute(&orders).expect("orders");
    client.batch_execute("ANALYZE orders").expect("statistics");
    let user = client.query_one("SELECT current_user::text", &[]).expect("user").get(0);
    let binaries = "SELECT setting FROM pg_config WHERE name = 'BINDIR'";
    (user, client.query_one(binaries, &[]).expect("row").get(0))
}

#[test]
fn the_tutorial_works_as_it_stands() {
    let section = README.split_once(TUTORIAL).expect("the tutorial").1;
    let section = section.split("\n## ").next().unwrap_or_default();
    // The tutorial names staging with its full address, so that only this address has to be replaced.
    let (address, database) = ("postgresql://localhost/shop_clone", Database::create());
    let clone = format!("'{}'", database.parameters_of("shop_clone"));
    let script = shell_blocks(section).concat();
    assert!(script.contains(address), "{script}");
    let script = script.replace(address, &clone);
    assert!(
        script.contains("migtime ci"),
        "the tutorial ends with a CI job: {script}"
    );

    let (user, binaries) = open_shop(&database);
    let place = tempfile::tempdir().expect("directory");
    let programs = place.path().join("bin");
    let repository = place.path().join("repository");
    std::fs::create_dir_all(&programs).expect("directory");
    std::fs::create_dir_all(&repository).expect("directory");
    link(&programs, "migtime", Path::new(env!("CARGO_BIN_EXE_migtime")));
    for name in ["createdb", "psql", "pg_dump"] {
        link(&programs, name, &Path::new(&binaries).join(name));
    }
    let first = "git init -q -b main; git commit -q --allow-empty -m 'A shop'\n";
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = migtime(&[]);
    let environment: Vec<_> = shell.get_envs().map(|(name, _)| name.to_owned()).collect();
    shell = Command::new("bash");
    for name in environment {
        shell.env_remove(name);
    }
    let output = shell
        .args(["-e", "-o", "pipefail", "-c", &format!("{first}{script}")])
        .current_dir(&repository)
        .env("PATH", path)
        .env("PGHOST", database.socket_directory())
        .env("PGUSER", user)
        .envs([
            ("GIT_AUTHOR_NAME", "a"),
            ("GIT_AUTHOR_EMAIL", "a@example.org"),
            ("GIT_COMMITTER_NAME", "a"),
            ("GIT_COMMITTER_EMAIL", "a@example.org"),
        ])
        .output()
        .expect("bash");
    let said = format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{said}");
    for report in ["reports/0001_customer.up/report.html", "reports/ci/summary.md"] {
        assert!(repository.join(report).exists(), "no {report}\n{said}");
    }
    assert!(said.contains("brings the schema back as it was"), "{said}");

    database.execute("DROP DATABASE shop_clone");
    database.execute("DROP DATABASE shop");
}
