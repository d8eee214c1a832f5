//! File names that are not UTF-8 or not printable: read, or refused with a printable one-line error.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Output;

use crate::support;

/// Neither UTF-8 nor printable: it would turn a terminal red.
const ODD: &[u8] = b"d\xff\x1b[31m";

fn run(directory: &Path, arguments: &[&OsStr]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = support::migtime(&[])
        .args(arguments)
        .current_dir(directory)
        .output()
        .expect("it runs");
    let said = String::from_utf8(stderr).expect("text") + &String::from_utf8(stdout).expect("text");
    assert!(!said.contains("panicked"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    (status.code(), said)
}

fn file(directory: &Path, name: &[u8], text: &str) -> OsString {
    let path = directory.join(OsStr::from_bytes(name));
    std::fs::write(&path, text).expect("written");
    path.into_os_string()
}

#[test]
fn a_file_that_is_named_is_read_and_written_whatever_its_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let odd = directory.path().join(OsStr::from_bytes(ODD));
    std::fs::create_dir(&odd).expect("a directory");
    let good = file(&odd, b"m\xfe.sql", "SELECT 1;\n");
    let out = odd.join(OsStr::from_bytes(b"out\xfd"));
    let (code, said) = run(
        directory.path(),
        &["plan".as_ref(), &good, "--out".as_ref(), out.as_ref()],
    );
    assert_eq!(code, Some(0), "{said}");
    assert!(out.is_file(), "{said}");
    let wrong = file(&odd, b"w\xfe.sql", "SELEC 1;\n");
    let (code, said) = run(directory.path(), &["plan".as_ref(), &wrong]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("w\u{fffd}.sql:1:1: expected command"), "{said}");
}

#[test]
fn a_directory_with_such_a_migration_is_refused_by_its_name() {
    let directory = tempfile::tempdir().expect("a directory");
    file(directory.path(), b"001_m\xfe.sql", "SELECT 1;\n");
    let (code, said) = run(directory.path(), &["plan".as_ref(), directory.path().as_ref()]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("001_m\u{fffd}.sql: its name is not UTF-8\nhint: rename it"),
        "{said}"
    );
}
