//! Every input in `fuzz/corpus` is still accepted or refused as it should be.

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::Path;

use crate::{
    fuzzed_batch_log, fuzzed_configuration, fuzzed_connections, fuzzed_migration_files, fuzzed_rehearsal, fuzzed_sql,
};

/// Returns the inputs of a target, by name.
fn corpus(target: &str) -> BTreeMap<String, Vec<u8>> {
    let directory = Path::new("fuzz/corpus").join(target);
    let files = directory.read_dir().expect("the target has a corpus");
    let file = |path: std::path::PathBuf| {
        let input = std::fs::read(&path).expect("an input is readable");
        (path.display().to_string(), input)
    };
    files
        .map(|entry| file(entry.expect("an entry is readable").path()))
        .collect()
}

fn check(target: &str, run: fn(&[u8])) {
    // The fuzz package is not part of the published crate.
    if !Path::new("fuzz").exists() {
        return;
    }
    let inputs = corpus(target);
    assert!(inputs.len() >= 12, "{target} has only {} inputs", inputs.len());
    for (file, input) in inputs {
        assert!(catch_unwind(|| run(&input)).is_ok(), "{file} breaks {target}");
    }
}

#[test]
fn batch_logs() {
    check("batch_csv", fuzzed_batch_log::run);
}

#[test]
fn configurations() {
    check("configuration", fuzzed_configuration::run);
}

#[test]
fn connections() {
    check("connections", fuzzed_connections::run);
}

#[test]
fn files_of_migration_tools() {
    check("migration_files", fuzzed_migration_files::run);
}

#[test]
fn rehearsals() {
    check("rehearsal_json", fuzzed_rehearsal::run);
}

#[test]
fn migrations() {
    check("sql", fuzzed_sql::run);
}

/// Returns the versions of each package in a lock file, by name.
fn packages(lock: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in lock.split("[[package]]\n").skip(1) {
        let value = |line: Option<&str>| {
            line.and_then(|line| line.split('"').nth(1))
                .unwrap_or_default()
                .to_string()
        };
        let mut lines = package.lines();
        let (name, version) = (value(lines.next()), value(lines.next()));
        found.entry(name).or_default().push(version);
    }
    found
}

#[test]
fn what_is_fuzzed_is_what_is_shipped() {
    let Ok(lock) = std::fs::read_to_string("fuzz/Cargo.lock") else {
        return;
    };
    let shipped = packages(&std::fs::read_to_string("Cargo.lock").expect("a lock file"));
    let fuzzed = packages(&lock);
    assert!(fuzzed.len() > 100, "only {} packages were found", fuzzed.len());
    for (name, versions) in fuzzed {
        if let Some(shipped) = shipped.get(&name) {
            let same = versions.iter().all(|version| shipped.contains(version));
            assert!(
                same,
                "{name} is fuzzed as {versions:?} and shipped as {shipped:?}: copy Cargo.lock to fuzz/Cargo.lock"
            );
        }
    }
}

#[test]
fn every_target_has_a_corpus() {
    let Ok(manifest) = std::fs::read_to_string("fuzz/Cargo.toml") else {
        return;
    };
    let source = include_str!("fuzz_corpus.rs");
    let targets: Vec<&str> = manifest
        .split("[[bin]]\nname = \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(targets.len(), 6);
    for target in targets {
        assert!(
            source.contains(&format!("check(\"{target}\", ")),
            "{target} is not checked here"
        );
    }
}
