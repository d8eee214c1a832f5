//! `backtest --judge` on a file made by hand and on the committed one, whose tables are in docs/accuracy.md byte for
//! byte.

use migtime::model::backtest::{Judgement, pairs_from_csv};

use crate::bad_input::{Folder, check_done, check_error};

/// Ten pairs of five families, and one that was refused.
const PAIRS: &str = "tests/data/backtest/pairs.csv";
/// The pairs that were measured.
const MEASURED: &str = "reports/accuracy/backtest.csv";
/// What encloses the tables in docs/accuracy.md.
const MARKERS: [&str; 2] = ["<!-- backtest -->\n", "<!-- /backtest -->\n"];

fn read(path: &str) -> String {
    std::fs::read_to_string(path).expect(path)
}

#[test]
fn every_format_is_the_same_judgement() {
    let judged = |format: &str| check_done(&["backtest", "--judge", PAIRS, "--format", format]);
    let judgement: Judgement = serde_json::from_str(&judged("json")).expect("a judgement");
    assert_eq!(
        (judgement.kind.as_str(), judgement.pairs, judgement.refused),
        ("backtest", 11, 1)
    );
    assert_eq!(judgement.subjects[0].held[2].count, 5);
    assert!(judged("csv").contains("\nmigtime,6,3,"));
    assert!(judged("markdown").contains("| migtime | 6 | 83 % ("));
    let terminal = check_done(&["backtest", "--judge", PAIRS]);
    assert!(
        terminal.starts_with("The 95 % interval held in 5 of 6 pairs"),
        "{terminal}"
    );
}

#[test]
fn the_documented_tables_are_what_the_command_prints() {
    let document = read("docs/accuracy.md");
    let [begin, end] = MARKERS;
    let inside = document.split_once(begin).expect("the first marker").1;
    let documented = inside.split_once(end).expect("the last marker").0;
    let printed = check_done(&["backtest", "--judge", MEASURED, "--format", "markdown"]);
    assert!(
        documented == printed,
        "docs/accuracy.md is not what `migtime backtest --judge {MEASURED} --format markdown` prints:\n{printed}"
    );
}

#[test]
fn measured_pairs_are_of_families_that_exist() {
    let families = migtime::model::backtest::families();
    for pair in pairs_from_csv(&read(MEASURED), MEASURED).expect("readable") {
        let family = families.iter().find(|family| family.name == pair.family);
        let family = family.unwrap_or_else(|| panic!("there is no family {}", pair.family));
        assert_eq!(family.judges, pair.judging, "{}", pair.family);
    }
}

#[test]
fn what_cannot_be_judged_is_said_in_one_line() {
    let folder = Folder::new();
    let refused = |text: &str, exit_code: i32, words: &[&str]| {
        let file = folder.file("b.csv", text);
        check_error(&["backtest", "--judge", &file], exit_code, words);
    };
    let pairs = read(PAIRS);
    refused("", 2, &["b.csv holds no pair", "hint: `migtime backtest` writes"]);
    refused("rows,seconds\n1,2\n", 2, &["b.csv:2: missing field `family`"]);
    refused(
        &pairs.replace(",12.0,9,10,", ",12.0,-9,10,"),
        2,
        &["b.csv:2: actual is no duration: -9"],
    );
    refused(
        &pairs.replace(",12.0,9,10,", ",12.0,nine,10,"),
        2,
        &["b.csv:2: actual: invalid float literal"],
    );
    refused(&pairs[..pairs.len() - 30], 2, &["b.csv:12: "]);
    refused(
        &pairs
            .replace(",true,whole", ",false,whole")
            .replace(",true,partial", ",false,partial"),
        5,
        &[
            "no pair of a family that judges has a prediction",
            "hint: half of the families",
        ],
    );
    check_error(&["backtest", "--judge", "nowhere.csv"], 2, &["cannot read nowhere.csv"]);
    check_error(
        &["backtest", "--judge", PAIRS, "--minutes", "3"],
        2,
        &["cannot be used with"],
    );
}

#[test]
fn pairs_of_another_run_are_not_gone_on_with() {
    let folder = Folder::new();
    let header_and_first: Vec<String> = read(PAIRS).lines().take(2).map(str::to_string).collect();
    let line = header_and_first[1].replace("a,true,whole", "not-null,true,quarter");
    let file = folder.file("b.csv", format!("{}\n{line}\n", header_and_first[0]));
    let refused = |more: &[&str], words: &[&str]| {
        let fixed = ["backtest", "--family", "not-null", "--rounds", "2", "-o", &file];
        check_error(&[&fixed[..], more].concat(), 2, words);
    };
    refused(&[], &["made with another --scale", "hint: say the same again"]);
    let file = folder.file(
        "b.csv",
        format!("{}\n{}\n", header_and_first[0], line.replace(",1000,", ",3000000,")),
    );
    let fixed = ["backtest", "--family", "not-null", "--rounds", "2", "-o", &file];
    check_error(&fixed, 2, &["made with another --seed"]);
    check_error(
        &["backtest", "--family", "not-nul"],
        2,
        &["there is no family not-nul", "hint: `migtime backtest --list`"],
    );
    check_error(&["backtest", "--scale", "0"], 2, &["a factor above 0"]);
    let list = check_done(&["backtest", "--list", "--family", "not-null"]);
    assert!(list.contains("not-null") && !list.contains("index-build"), "{list}");
}
