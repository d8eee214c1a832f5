//! `\i` and `\ir` only read files inside the migration's tree, only as many as a migration needs, and no endless ones.

use std::fmt::Write;
use std::os::unix::fs::symlink;

use crate::bad_input::{Folder, check_done, check_error};

const NOBODY: &str = "hunter2:*:*:*:hunter2";

/// Plans a migration that must be refused; no content of the file it includes may be shown.
fn check_not_read(folder: &Folder, migration: &str, words: &[&str]) {
    let output = check_error(&["plan", &folder.path(migration)], 2, words);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!said.contains("hunter2"), "{said}");
}

fn create_directory(folder: &Folder, name: &str) {
    std::fs::create_dir_all(folder.path(name)).expect(name);
}

#[test]
fn nothing_outside_the_directory_is_read() {
    let folder = Folder::new();
    let secret = folder.file("pgpass", NOBODY);
    create_directory(&folder, "migrations");
    symlink(&secret, folder.path("migrations/link.sql")).expect("link");
    let outside = ["m.sql:1: ", "lies outside the migration's tree", "hint: "];
    for include in [
        "\\ir ../pgpass",
        &format!("\\i {secret}"),
        "\\ir link.sql",
        "\\i /dev/zero",
    ] {
        folder.file("migrations/m.sql", format!("{include}\n"));
        check_not_read(&folder, "migrations/m.sql", &outside);
    }
}

#[test]
fn a_linked_file_of_a_directory_is_not_read_either() {
    let folder = Folder::new();
    let secret = folder.file("pgpass", NOBODY);
    create_directory(&folder, "migrations");
    folder.file("migrations/1_a.sql", "SELECT 1;\n");
    symlink(&secret, folder.path("migrations/2_b.sql")).expect("link");
    check_not_read(&folder, "migrations", &["2_b.sql: lies outside the migration's tree"]);
}

#[test]
fn a_repository_is_one_tree_but_for_what_is_hidden_in_it() {
    let folder = Folder::new();
    for directory in [".git", "db/migrations", "db/shared"] {
        create_directory(&folder, directory);
    }
    folder.file(".env", NOBODY);
    folder.file(".git/config", NOBODY);
    folder.file("db/shared/types.sql", "CREATE TABLE shared (id int);\n");
    let migration = folder.file("db/migrations/m.sql", "\\ir ../shared/types.sql\n");
    assert!(check_done(&["plan", &migration]).contains("CREATE TABLE shared"));
    for include in ["\\ir ../../.env", "\\ir ../../.git/config"] {
        folder.file("db/migrations/m.sql", include);
        check_not_read(&folder, "db/migrations/m.sql", &["m.sql:1: ", "is hidden"]);
    }
}

#[test]
fn what_is_no_plain_file_is_refused() {
    let folder = Folder::new();
    create_directory(&folder, "directory");
    let made = std::process::Command::new("mkfifo").arg(folder.path("pipe")).status();
    assert!(made.expect("mkfifo").success());
    for name in ["pipe", "directory"] {
        folder.file("m.sql", format!("SELECT 1;\n\\ir {name}\n"));
        check_not_read(
            &folder,
            "m.sql",
            &["m.sql:2: ", &format!("{name}: is not a plain file")],
        );
    }
}

#[test]
fn inclusion_that_doubles_is_bounded() {
    let folder = Folder::new();
    for depth in 0..30 {
        let next = depth + 1;
        folder.file(&format!("{depth}.sql"), format!("\\ir {next}.sql\n\\ir {next}.sql\n"));
    }
    folder.file("30.sql", "SELECT 1;\n");
    check_not_read(&folder, "0.sql", &["29.sql:2: ", "more than 5000 files are included"]);
}

#[test]
fn a_file_that_is_far_too_large_is_refused() {
    let folder = Folder::new();
    let file = std::fs::File::create(folder.path("large.sql")).expect("file");
    file.set_len(65 << 20).expect("a sparse file");
    folder.file("m.sql", "\\ir large.sql\n");
    check_not_read(
        &folder,
        "m.sql",
        &["m.sql:1: ", "large.sql: included files may hold 64 MB each"],
    );
}

#[test]
fn many_files_may_be_included() {
    let folder = Folder::new();
    let mut migration = String::new();
    for number in 0..200 {
        folder.file(&format!("{number}.sql"), format!("CREATE TABLE t{number} (id int);\n"));
        writeln!(migration, "\\ir {number}.sql").expect("a string");
    }
    let migration = folder.file("m.sql", migration);
    assert!(check_done(&["plan", &migration, "--all"]).contains("CREATE TABLE t199"));
}
