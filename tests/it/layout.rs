//! Files, functions and lines are short enough to be read at a glance.

use std::path::{Path, PathBuf};

/// Lines of a file.
const LONGEST_FILE: usize = 400;
/// Lines of a function, from its name to its last brace.
const LONGEST_FUNCTION: usize = 60;
/// Characters of a line, which is rustfmt's `max_width`.
const WIDEST_LINE: usize = 120;

#[test]
fn files_functions_and_lines_are_short() {
    let mut too_long = Vec::new();
    for directory in ["src", "tests", "benches", "fuzz"] {
        for file in rust_files(Path::new(directory)) {
            let text = std::fs::read_to_string(&file).expect("a source file is readable");
            too_long.extend(
                problems(&text)
                    .into_iter()
                    .map(|what| format!("{}: {what}", file.display())),
            );
        }
    }
    assert!(too_long.is_empty(), "{}", too_long.join("\n"));
}

#[test]
fn what_is_too_long_is_seen() {
    let function = |lines: usize| {
        format!(
            "    fn long(\n    ) {{\n{}    }}\n",
            "        work();\n".repeat(lines - 3)
        )
    };
    assert_eq!(problems(&function(60)), Vec::<String>::new());
    assert_eq!(problems(&function(61)), ["1: a function of 61 lines"]);
    assert_eq!(problems(&"// ä\n".repeat(401)), ["a file of 401 lines"]);
    assert_eq!(problems(&"ä".repeat(120)), Vec::<String>::new());
    assert_eq!(
        problems(&format!("\n{}", "ä".repeat(121))),
        ["2: a line of 121 characters"]
    );
}

/// Returns what of a file is too long, with the number of its line.
fn problems(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut problems = Vec::new();
    if lines.len() > LONGEST_FILE {
        problems.push(format!("a file of {} lines", lines.len()));
    }
    for (index, line) in lines.iter().enumerate() {
        let width = line.chars().count();
        if width > WIDEST_LINE {
            problems.push(format!("{}: a line of {width} characters", index + 1));
        }
        let length = function_length(&lines[index..]);
        if length > LONGEST_FUNCTION {
            problems.push(format!("{}: a function of {length} lines", index + 1));
        }
    }
    problems
}

/// Returns the number of lines of the function that begins on the first of `lines`, as rustfmt lays it out; 0 when none
/// does.
fn function_length(lines: &[&str]) -> usize {
    let first = lines[0].trim_start();
    let indent = lines[0].len() - first.len();
    let begins = first.starts_with("fn ") || first.starts_with("pub") && first.contains(" fn ");
    if !begins || first.ends_with(';') || first.ends_with('}') {
        return 0;
    }
    let end = format!("{}}}", " ".repeat(indent));
    lines.iter().position(|line| *line == end).map_or(0, |place| place + 1)
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("the directory is there") {
        let path = entry.expect("an entry is readable").path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
