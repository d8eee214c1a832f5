//! Every promise of docs/safety.md names tests that check it, and those tests exist.

use std::path::Path;

const SAFETY: &str = include_str!("../../docs/safety.md");

/// Returns the promises in the document's tables, each with the tests named next to it.
fn promises() -> Vec<(String, Vec<String>)> {
    SAFETY
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| promise") && !line.starts_with("| ---"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
            let tests = cells.get(1).copied().unwrap_or_default();
            let named = tests.split('`').skip(1).step_by(2).map(str::to_string).collect();
            (cells[0].trim().to_string(), named)
        })
        .collect()
}

fn is_there(test: &str) -> bool {
    let Some((path, name)) = test.rsplit_once("::") else {
        return false;
    };
    let directory = if path.starts_with("src/") { "" } else { "tests/it" };
    let file = Path::new(directory).join(format!("{}.rs", path.replace("::", "/")));
    let declared = format!("fn {name}()");
    std::fs::read_to_string(&file).is_ok_and(|text| {
        let mut lines = text.lines().map(str::trim);
        lines.any(|line| line == "#[test]") && text.lines().any(|line| line.trim().starts_with(&declared))
    })
}

#[test]
fn every_promise_names_a_test_that_is_there() {
    let promises = promises();
    assert!(promises.len() >= 20, "only {} promises were found", promises.len());
    for (promise, tests) in promises {
        assert!(!tests.is_empty(), "no test is named for: {promise}");
        for test in tests {
            assert!(is_there(&test), "{test} is not there, for: {promise}");
        }
    }
}
