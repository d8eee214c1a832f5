//! `--help` shows a command's options briefly, its own options first; `migtime help COMMAND` has the explanations.

use clap::CommandFactory;
use migtime::cli::Arguments;

use crate::support::migtime;

/// Maximum length of the short description of an option: three lines of a terminal.
const MOST_CHARACTERS: usize = 120;

fn commands() -> Vec<String> {
    let commands = Arguments::command();
    let names: Vec<String> = commands
        .get_subcommands()
        .map(|one| one.get_name().to_string())
        .collect();
    assert!(names.len() >= 10, "{names:?}");
    names
}

fn printed(arguments: &[&str]) -> String {
    let output = migtime(arguments).output().expect("the program runs");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

/// Returns the headings of the output, in order.
fn headings(help: &str) -> Vec<&str> {
    let is_heading = |line: &&str| line.ends_with(':') && !line.starts_with(' ');
    help.lines()
        .filter(is_heading)
        .map(|line| line.trim_end_matches(':'))
        .collect()
}

/// Returns the text under a heading.
fn under<'help>(help: &'help str, heading: &str) -> &'help str {
    let (_, rest) = help
        .split_once(&format!("\n{heading}:\n"))
        .unwrap_or_else(|| panic!("{heading} is not in {help}"));
    rest.split("\n\n").next().unwrap_or_default()
}

#[test]
fn options_of_its_own_come_first_and_examples_last() {
    for command in commands() {
        let help = printed(&[&command, "--help"]);
        assert_eq!(help, printed(&[&command, "-h"]), "{command}");
        let headings = headings(&help);
        let own = headings
            .iter()
            .position(|heading| *heading == "Options")
            .expect("Options");
        let before = &headings[..own];
        assert!(
            before.iter().all(|heading| *heading == "Arguments"),
            "{command}: {headings:?}"
        );
        assert_eq!(headings.last(), Some(&"Examples"), "{command}: {headings:?}");
        let last = under(&help, "Options")
            .lines()
            .rfind(|line| line.trim_start().starts_with('-'));
        assert!(last.is_some_and(|line| line.contains("--help")), "{command}: {last:?}");
    }
}

#[test]
fn options_stand_under_the_heading_of_what_they_decide() {
    let help = printed(&["rehearse", "--help"]);
    for (heading, options) in [
        (
            "Options",
            &[
                "--exec",
                "--rollback",
                "--resume",
                "--output",
                "--format",
                "--no-password",
            ][..],
        ),
        (
            "Where it runs",
            &["--staging", "--sandbox", "--scratch", "--production"],
        ),
        (
            "How much is replayed",
            &["--fraction", "--full", "--runs", "--lock-timeout"],
        ),
        ("In place", &["--disposable", "--waive"]),
        ("Outside the database", &["--allow-outside"]),
        ("Estimate", &["--window", "--budget", "--deny"]),
    ] {
        for option in options {
            assert!(
                under(&help, heading).contains(option),
                "{option} is not under {heading}: {help}"
            );
        }
    }
    assert!(!under(&help, "Estimate").contains("--format"), "{help}");
}

#[test]
fn what_options_do_is_said_in_a_line_or_two() {
    for command in Arguments::command().get_subcommands() {
        for argument in command.get_arguments() {
            let said = argument.get_help().map(ToString::to_string).unwrap_or_default();
            let (name, length) = (argument.get_id(), said.chars().count());
            assert!(
                (1..=MOST_CHARACTERS).contains(&length),
                "{} {name}: {length} characters: {said}",
                command.get_name()
            );
        }
    }
}

#[test]
fn explanations_are_in_help_only() {
    let explanations = [
        ("rehearse", "A batch is recognised by"),
        ("rehearse", "The file beside it is x.down.sql by x.up.sql"),
        ("plan", "A gate judges how long"),
        ("ci", "access-exclusive = \"2s\""),
        ("bench", "A scenario is a folder with"),
        ("backtest", "Each pair has data of its own"),
        ("compare", "The unit is a whole run"),
        ("demo", "A backfill is rehearsed in part"),
    ];
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (command, explanation) in explanations {
        let at_a_glance = words(printed(&[command, "--help"]));
        assert!(!at_a_glance.contains(explanation), "{command}: {at_a_glance}");
        let explained = words(printed(&["help", command]));
        assert!(explained.contains(explanation), "{command}: {explained}");
        assert!(explained.contains("Examples: migtime "), "{command}: {explained}");
    }
}

#[test]
fn help_of_help_is_help() {
    assert_eq!(printed(&["help", "--help"]), printed(&["help"]));
    assert_eq!(printed(&["help", "plan", "--help"]), printed(&["help", "plan"]));
}

#[test]
fn a_wrong_option_still_leads_to_the_help() {
    let output = migtime(&["rehearse", "--no-such-option"])
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("For more information, try '--help'."), "{said}");
}
