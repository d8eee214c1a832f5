//! Checks the house plan of `src/lib.rs`: imports only go down, pure rooms touch nothing, every file states its
//! purpose.

use std::path::{Path, PathBuf};

use crate::source_graph::Graph;

/// The rooms, each with those it may import from.
const MAY_IMPORT: [(&str, &[&str]); 16] = [
    ("error", &[]),
    ("units", &["error"]),
    ("shown", &[]),
    ("quoting", &[]),
    ("stats", &[]),
    ("catalog", &["error", "quoting"]),
    ("sampler", &["catalog", "error", "server"]),
    ("migration", &["catalog", "error", "quoting", "shown", "units"]),
    ("observation", &["catalog", "error", "migration", "shown"]),
    (
        "model",
        &[
            "catalog",
            "error",
            "migration",
            "observation",
            "shown",
            "stats",
            "units",
        ],
    ),
    (
        "report",
        &[
            "catalog",
            "error",
            "migration",
            "model",
            "observation",
            "shown",
            "stats",
            "units",
        ],
    ),
    ("server", &["error", "quoting", "shown", "units"]),
    (
        "rehearsal",
        &[
            "catalog",
            "error",
            "migration",
            "observation",
            "quoting",
            "sampler",
            "server",
            "shown",
            "stats",
            "units",
        ],
    ),
    (
        "cli",
        &[
            "catalog",
            "error",
            "migration",
            "model",
            "observation",
            "quoting",
            "rehearsal",
            "report",
            "sampler",
            "server",
            "shown",
            "units",
        ],
    ),
    ("main", &[]),
    ("lib", &[]),
];

/// Rooms that touch no database, file, clock or terminal.
const PURE: [&str; 9] = [
    "catalog",
    "migration",
    "model",
    "observation",
    "quoting",
    "report",
    "shown",
    "stats",
    "units",
];

/// The room of errors is pure as well, but may name the operating system's error type, whose message it shows.
const ERRORS: &str = "error";

/// Text that a pure room must not contain.
const IMPURE: [&str; 9] = [
    "postgres::",
    "std::fs",
    "std::io::",
    "std::env",
    "std::net",
    "std::process",
    "std::time",
    "println!",
    "print!(",
];

#[test]
fn imports_go_down_only() {
    let mut checked = 0;
    for file in source_files() {
        let room = room_of(&file);
        let (_, allowed) = MAY_IMPORT
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("{room} is not in the house plan"));
        for (number, line) in product_lines(&file) {
            for import in imports(&line) {
                checked += 1;
                let fine = import == room || allowed.contains(&import.as_str());
                assert!(fine, "{}:{number}: {room} imports from {import}", file.display());
            }
        }
    }
    assert!(checked > 200, "only {checked} imports were found");
}

#[test]
fn pure_rooms_touch_nothing() {
    let mut checked = 0;
    for file in source_files()
        .into_iter()
        .filter(|file| PURE.contains(&room_of(file).as_str()))
    {
        for (number, line) in product_lines(&file) {
            checked += 1;
            if let Some(word) = IMPURE.iter().find(|word| line.contains(**word)) {
                panic!("{}:{number}: a pure room mentions {word}", file.display());
            }
        }
    }
    assert!(checked > 1000, "only {checked} lines were found");
}

#[test]
fn pure_rooms_reach_only_pure_rooms_to_the_end_of_every_import() {
    let graph = graph_of_product();
    let is_pure = |file: &PathBuf| PURE.contains(&room_of(file).as_str());
    let is_impure = |file: &PathBuf| !is_pure(file) && room_of(file) != ERRORS;
    let pure: Vec<&PathBuf> = graph.files().filter(|file| is_pure(file)).collect();
    assert!(pure.len() > 100, "only {} pure files were found", pure.len());
    for file in pure {
        if let Some(path) = graph.path(file, is_impure) {
            panic!("a pure room reaches an impure one: {}", arrows(&path));
        }
    }
    let connection = graph.path(&PathBuf::from("sampler/tables.rs"), is_impure);
    assert!(
        connection.is_some(),
        "the sampler, which has a connection, reaches none"
    );
}

#[test]
fn production_has_no_method_that_writes() {
    let text = std::fs::read_to_string("src/server/production.rs").expect("the file is there");
    let methods: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub fn "))
        .filter_map(|line| line.split(['<', '(']).next())
        .collect();
    assert_eq!(methods, ["connect", "read", "read_within", "identity"]);
}

#[test]
fn every_file_says_what_it_is_for() {
    for file in source_files().into_iter().chain(rust_files(Path::new("tests"))) {
        let text = std::fs::read_to_string(&file).expect("a source file is readable");
        assert!(text.starts_with("//! "), "{} has no opening words", file.display());
    }
}

#[test]
fn no_test_file_is_forgotten() {
    let main = std::fs::read_to_string("tests/it/main.rs").expect("the file is there");
    for file in rust_files(Path::new("tests/it")) {
        let name = file
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        let listed = name == "main" || main.contains(&format!("mod {name};"));
        assert!(listed, "{} is not part of the test binary", file.display());
    }
}

fn graph_of_product() -> Graph {
    Graph::of(source_files().into_iter().map(|file| {
        let text = std::fs::read_to_string(&file).expect("a source file is readable");
        (inside(&file).to_path_buf(), text)
    }))
}

fn arrows(path: &[PathBuf]) -> String {
    let names: Vec<String> = path.iter().map(|file| file.display().to_string()).collect();
    names.join(" → ")
}

/// Returns the names that follow `crate::` on a line.
fn imports(line: &str) -> Vec<String> {
    line.match_indices("crate::")
        .map(|(start, matched)| {
            let rest = &line[start + matched.len()..];
            rest.chars()
                .take_while(|character| character.is_alphanumeric() || *character == '_')
                .collect()
        })
        .filter(|name: &String| name.chars().next().is_some_and(char::is_lowercase))
        .collect()
}

/// Returns the product code of a file as numbered lines: without comments, and without its tests.
fn product_lines(file: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(file).expect("a source file is readable");
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line.to_string()))
        .collect()
}

fn inside(file: &Path) -> &Path {
    file.strip_prefix("src").unwrap_or(file)
}

fn room_of(file: &Path) -> String {
    let first = inside(file).components().next().expect("a path has a first part");
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_string()
}

fn source_files() -> Vec<PathBuf> {
    let files = rust_files(Path::new("src"));
    assert!(files.len() > 50, "only {} source files were found", files.len());
    files
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("the directory is there") {
        let path = entry.expect("an entry is readable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn rooms_hold_only_what_they_export() {
    for file in source_files().iter().filter(|file| file.ends_with("mod.rs")) {
        let defines = product_lines(file).into_iter().find(|(_, line)| {
            let is_allowed = [
                "pub mod ",
                "pub use ",
                "pub(super) ",
                "pub(crate) ",
                "mod ",
                "use ",
                "}",
                " ",
                "#",
            ];
            !line.is_empty() && !is_allowed.iter().any(|begin| line.starts_with(begin))
        });
        if let Some((number, line)) = defines {
            panic!(
                "{}:{number} holds more than what its room exports: {line}",
                file.display()
            );
        }
    }
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let circles = graph_of_product().circles();
    let circles: Vec<String> = circles.iter().map(|circle| arrows(circle)).collect();
    assert!(circles.is_empty(), "files in circles:\n{}", circles.join("\n"));
}
