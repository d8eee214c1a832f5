//! The program in a shell: completions, manual pages, and a reader that closes the pipe.

use std::process::{Command, Output};

use crate::support::migtime;

const COMMANDS: [&str; 5] = ["estimate", "plan", "rehearse", "report", "demo"];

/// Runs a line of bash in which `$MIGTIME` is the program.
fn bash(line: &str) -> Output {
    Command::new("bash")
        .args(["-c", &format!("set -o pipefail\n{line}")])
        .env("MIGTIME", env!("CARGO_BIN_EXE_migtime"))
        .output()
        .expect("bash runs")
}

fn stdout(arguments: &[&str]) -> String {
    let output = migtime(arguments).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_shell_gets_every_command_and_option() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&["completions", shell]);
        for word in COMMANDS
            .iter()
            .chain(&["deny", "staging", "provisional", "max-duration"])
        {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn bash_completes_with_them() {
    let output = bash(
        r#"source <("$MIGTIME" completions bash) && COMP_WORDS=(migtime plan m.sql --den) COMP_CWORD=3 &&
           _migtime migtime --den m.sql && echo "${COMPREPLY[@]}""#,
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "--deny");
}

#[test]
fn a_manual_page_for_each_command() {
    let page = stdout(&["man"]);
    assert!(
        page.contains(".TH migtime 1") && page.contains(".SH NAME") && page.contains("Exit codes"),
        "{page}"
    );
    let directory = tempfile::tempdir().expect("a directory");
    let pages = directory.path().join("share").join("man1");
    stdout(&["man", pages.to_str().expect("a path")]);
    for command in COMMANDS {
        let page = std::fs::read_to_string(pages.join(format!("migtime-{command}.1"))).expect(command);
        assert!(
            page.contains(&format!(".TH migtime-{command} 1")) && page.contains(".SH OPTIONS"),
            "{page}"
        );
    }
    let plan = std::fs::read_to_string(pages.join("migtime-plan.1")).expect("the page");
    assert!(plan.contains(r"\fB\-\-deny\fR") && plan.contains("Examples"), "{plan}");
    let nowhere = migtime(&["man", "/proc/nowhere"]).output().expect("the program runs");
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&nowhere.stderr).starts_with("error: cannot write manual pages into /proc/nowhere: ")
    );
}

#[test]
fn a_closed_pipe_is_no_error() {
    let directory = tempfile::tempdir().expect("a directory");
    let migration = directory.path().join("long.sql");
    // More than a pipe holds, so that writing continues after the reader has gone.
    std::fs::write(&migration, "ALTER TABLE t ADD COLUMN x int;\n".repeat(2000)).expect("written");
    let plan = format!("\"$MIGTIME\" plan '{}'", migration.display());
    for line in [
        format!("{plan} | head -1"),
        format!("{plan} --format json | head -1"),
        format!("{plan} --format sarif | head -1"),
        format!("{plan} --format markdown | true"),
        "\"$MIGTIME\" completions zsh | head -1".to_string(),
        "\"$MIGTIME\" man | head -1".to_string(),
        "\"$MIGTIME\" --help | true".to_string(),
        "\"$MIGTIME\" plan --help | true".to_string(),
    ] {
        let output = bash(&line);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{line}: {stderr}");
        assert!(
            !stderr.contains("panic") && !stderr.contains("error"),
            "{line}: {stderr}"
        );
    }
    let denied = bash(&format!("{plan} --deny access-exclusive | true"));
    assert_eq!(denied.status.code(), Some(1), "a gate's no is heard all the same");
}
