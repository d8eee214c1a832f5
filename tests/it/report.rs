//! The reports: one self-contained page, stable CSV columns, escaped names, bounded size, and the committed example.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use migtime::catalog::facts::ServerFacts;
use migtime::model::estimate::{Basis, Estimate, Rate};
use migtime::model::{self, EstimateOptions};
use migtime::observation::Rehearsal;
use migtime::report::{self, ClassEstimate, TableReport};

use crate::report_fixture as fixture;

const HOSTILE: &str = "public.\"<script>alert('x')</script> | `a` \u{1b}[31m\"";

/// Elements that HTML never closes.
const VOID: [&str; 3] = ["meta", "br", "hr"];

fn example() -> (Rehearsal, Estimate) {
    let rehearsal = fixture::rehearsal();
    let estimate = fixture::estimate(&rehearsal);
    (rehearsal, estimate)
}

fn hostile() -> (Rehearsal, Estimate) {
    let mut rehearsal = fixture::rehearsal();
    rehearsal.migration = HOSTILE.to_string();
    rehearsal.tables[0].name = HOSTILE.to_string();
    rehearsal.tables[0].triggers = vec![HOSTILE.to_string()];
    rehearsal
        .server
        .settings
        .insert(HOSTILE.to_string(), HOSTILE.to_string());
    for step in &mut rehearsal.steps {
        step.table = Some(HOSTILE.to_string());
        step.statement = format!("UPDATE {HOSTILE} SET a = '</svg></style><img src=x>' -- \"'&");
        step.locks[0].relation = HOSTILE.to_string();
    }
    let mut estimate = fixture::estimate(&rehearsal);
    estimate.warnings.push(HOSTILE.to_string());
    estimate.assumptions.push(HOSTILE.to_string());
    (rehearsal, estimate)
}

/// Returns the names of the tags in order, closing ones with their slash, and checks that each closing tag matches the
/// open one.
fn checked_tags(page: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("a tag that ends");
        let inside = &rest[start + 1..end];
        rest = &rest[end + 1..];
        let name: String = inside
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '/' || *c == '!')
            .collect();
        assert_eq!(inside.matches('"').count() % 2, 0, "quotes of <{inside}>");
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop().as_deref(), Some(closed), "closing {closed}"),
            None if inside.ends_with('/') || name == "!doctype" || VOID.contains(&name.as_str()) => {}
            None => open.push(name.clone()),
        }
        tags.push(name);
    }
    assert!(open.is_empty(), "left open: {open:?}");
    tags
}

fn check_self_contained(page: &str) {
    let lower = page.to_lowercase();
    for forbidden in [
        "<script", "http://", "https://", "src=", "<link", "@import", "url(", "<iframe", "onload=",
    ] {
        let found = lower
            .find(forbidden)
            .map(|at| &page[at.saturating_sub(60)..(at + 60).min(page.len())]);
        assert_eq!(found, None, "{forbidden} in the page");
    }
    assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'"));
}

#[test]
fn page_is_well_formed_and_fetches_nothing() {
    let (rehearsal, estimate) = example();
    let page = report::html(&rehearsal, &estimate);
    check_self_contained(&page);
    let tags = checked_tags(&page);
    let headings: Vec<&str> = tags
        .iter()
        .map(String::as_str)
        .filter(|tag| ["h1", "h2", "h3"].contains(tag))
        .collect();
    assert_eq!(headings[0], "h1");
    assert_eq!(headings.iter().filter(|tag| **tag == "h1").count(), 1);
    let tables = tags.iter().filter(|tag| *tag == "table").count();
    assert_eq!(tables, page.matches("<caption>").count(), "each table has a caption");
    assert!(tables >= 6);
    let heads = page.matches("<th ").count();
    assert_eq!(
        heads,
        page.matches("<th scope=").count(),
        "each head says what it heads"
    );
}

#[test]
fn every_picture_has_a_text_alternative_of_its_own() {
    let (rehearsal, estimate) = example();
    let page = report::html(&rehearsal, &estimate);
    let pictures: Vec<&str> = page.split("<svg ").skip(1).collect();
    assert_eq!(pictures.len(), 8, "four figures, each for wide and narrow screens");
    for picture in pictures {
        let picture = picture.split("</svg>").next().expect("a closed picture");
        assert!(picture.contains("role=\"img\"") && picture.contains("<title id=") && picture.contains("<desc id="));
        let labels = picture
            .split("aria-labelledby=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        for label in labels.expect("labels").split(' ') {
            assert!(picture.contains(&format!("id=\"{label}\"")), "{label}");
        }
    }
    let ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(
        ids.len(),
        ids.iter().collect::<HashSet<_>>().len(),
        "identifiers are unique"
    );
}

#[test]
fn hostile_names_stay_text_everywhere() {
    let (rehearsal, estimate) = hostile();
    let page = report::html(&rehearsal, &estimate);
    checked_tags(&page);
    assert!(!page.contains("<script") && !page.contains("<img"));
    assert!(page.contains("&#60;script&#62;") || page.contains("&lt;script&gt;"));
    let markdown = report::markdown(&rehearsal, &estimate);
    let lines: Vec<&str> = markdown.lines().collect();
    let tables = lines.chunk_by(|one, other| one.starts_with("| ") == other.starts_with("| "));
    for table in tables.filter(|table| table[0].starts_with("| ")) {
        for line in table {
            assert_eq!(unescaped_pipes(line), unescaped_pipes(table[0]), "{line}");
        }
    }
    let terminal = report::terminal(&rehearsal, &estimate, 100, false);
    assert!(!terminal.contains('\u{1b}') && !markdown.contains('\u{1b}') && !page.contains('\u{1b}'));
}

fn unescaped_pipes(line: &str) -> usize {
    line.replace("\\|", "").matches('|').count()
}

#[test]
fn page_of_a_million_observations_is_small() {
    let rehearsal = fixture::large_rehearsal(1_000_000);
    let estimate = fixture::estimate(&rehearsal);
    let page = report::html(&rehearsal, &estimate);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.contains("each mark is the median of about"));
    checked_tags(&page);
}

#[test]
fn the_sentence_answers() {
    let (rehearsal, mut estimate) = example();
    estimate.total.point_seconds = 124.0;
    estimate.total.intervals[2].lower_seconds = 110.0;
    estimate.total.intervals[2].upper_seconds = 140.0;
    let sentence = "public.orders: 2m 4s, with 95 % probability between 110s and 2m 20s; \
                    it fits the window of 30m with probability above 99.9 %.";
    let terminal = report::terminal(&rehearsal, &estimate, 400, false);
    assert_eq!(terminal.lines().next(), Some(sentence));
    assert!(report::markdown(&rehearsal, &estimate).starts_with(&format!("**{sentence}**\n")));
    estimate.actual_seconds = Some(130.0);
    let outcome =
        "Predicted 2m 4s, actual 2m 10s: 4.8 % longer than predicted, inside the 95 % interval of 110s to 2m 20s.";
    assert!(report::terminal(&rehearsal, &estimate, 400, false).contains(outcome));
    assert!(report::html(&rehearsal, &estimate).contains("2m\u{a0}10s: 4.8\u{a0}% longer"));
}

#[test]
fn a_provisional_answer_is_marked_with_its_reasons() {
    let (rehearsal, mut estimate) = example();
    let plain = report::html(&rehearsal, &estimate);
    assert!(!plain.contains("Provisional"));
    estimate.provisional = true;
    estimate.too_thin = vec!["only 3 segments, 8 are needed".to_string()];
    for text in [
        report::html(&rehearsal, &estimate),
        report::markdown(&rehearsal, &estimate),
        report::terminal(&rehearsal, &estimate, 100, false),
    ] {
        assert!(
            text.to_lowercase().contains("provisional") && text.contains("only 3 segments"),
            "{text}"
        );
    }
}

#[test]
fn the_terminal_keeps_to_its_width_and_colours_on_request() {
    let (rehearsal, estimate) = example();
    for width in [60, 80, 120] {
        let text = report::terminal(&rehearsal, &estimate, width, false);
        assert!(!text.contains('\u{1b}'));
        for line in text.lines() {
            assert!(line.chars().count() <= usize::from(width), "{width}: {line}");
        }
    }
    assert!(report::terminal(&rehearsal, &estimate, 80, true).starts_with("\u{1b}[1m"));
}

#[test]
fn observations_read_back_as_they_were_measured() {
    let (rehearsal, _) = example();
    let bytes = report::observations_csv(&rehearsal);
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().expect("a header").clone();
    let column = |name: &str| header.iter().position(|one| one == name).expect("the column");
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let measured: Vec<_> = rehearsal
        .steps
        .iter()
        .flat_map(|step| step.observations.iter().map(move |one| (step, one)))
        .collect();
    assert_eq!(rows.len(), measured.len());
    for (row, (step, observation)) in rows.iter().zip(measured) {
        assert_eq!(row[column("step")], step.number.to_string());
        assert_eq!(row[column("seconds")].parse(), Ok(observation.seconds));
        assert_eq!(row[column("position")].parse(), Ok(observation.position));
        assert_eq!(row[column("elapsed_seconds")].parse(), Ok(observation.elapsed));
        assert_eq!(row[column("wal_bytes")].parse().ok(), observation.wal_bytes);
        assert_eq!(row[column("warm_up")].parse(), Ok(observation.warm_up));
    }
}

#[test]
fn steps_read_back_with_their_statements() {
    let (rehearsal, estimate) = hostile();
    let bytes = report::steps_csv(&rehearsal, &estimate);
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().expect("a header").clone();
    let column = |name: &str| header.iter().position(|one| one == name).expect("the column");
    for (row, step) in reader.records().zip(&estimate.steps) {
        let row = row.expect("a row");
        assert_eq!(row[column("statement")], step.statement);
        assert_eq!(row[column("table")], *HOSTILE);
        let upper: f64 = row[column("upper_95_seconds")].parse().expect("a number");
        assert!((upper / step.intervals[2].upper_seconds - 1.0).abs() < 1e-5);
        assert_eq!(row[column("upper_seconds")], row[column("upper_95_seconds")]);
    }
}

#[test]
fn reports_of_almost_nothing_do_not_fail() {
    let (mut rehearsal, mut estimate) = example();
    rehearsal.steps.iter_mut().for_each(|step| step.observations.clear());
    rehearsal.tables.clear();
    rehearsal.events.clear();
    rehearsal.server = ServerFacts::default();
    estimate.steps.clear();
    estimate.total.percentiles = vec![0.0; 99];
    estimate.total.intervals.truncate(1);
    estimate.total.point_seconds = 0.0;
    estimate.actual_seconds = Some(0.0);
    checked_tags(&report::html(&rehearsal, &estimate));
    assert!(report::markdown(&rehearsal, &estimate).starts_with("**"));
    assert!(report::terminal(&rehearsal, &estimate, 0, true).contains("0"));
    assert!(!report::steps_csv(&rehearsal, &estimate).is_empty());
}

fn table_report() -> TableReport {
    let class = |label: &str, seconds: f64, basis| ClassEstimate {
        label: label.to_string(),
        point_seconds: seconds,
        intervals: fixture::intervals(seconds, 0.8),
        rows_per_second: Some(Rate {
            point: 6e6 / seconds,
            lower: 2e6 / seconds,
            upper: 18e6 / seconds,
        }),
        basis,
        note: "measured | elsewhere".to_string(),
    };
    TableReport {
        server: fixture::server(),
        table: fixture::table(),
        level: 0.95,
        classes: vec![
            class("UPDATE of every row", 62.0, Basis::RuleOfThumb),
            class("UPDATE of every row, joined", 612.0, Basis::Rehearsal),
        ],
        hints: vec!["`migtime rehearse MIGRATION --staging URL` measures it".to_string()],
    }
}

#[test]
fn a_table_report_says_the_same_in_every_format() {
    let report = table_report();
    let terminal = report::terminal_table(&report, 100, false);
    let markdown = report::table_markdown(&report);
    for text in [&terminal, &markdown] {
        for expected in ["6,001,000 ± 0.8 %", "649 MB", "rule-of-thumb", "10m", "orders", "hint"] {
            let found = text.contains(expected) || (expected == "hint" && text.contains("rehearse MIGRATION"));
            assert!(found, "{expected} in\n{text}");
        }
    }
    let json: serde_json::Value = serde_json::from_str(&report::table_json(&report)).expect("JSON");
    assert_eq!(
        (json["kind"].as_str(), json["format_version"].as_u64()),
        (Some("table-estimate"), Some(1))
    );
    assert_eq!(json["classes"][0]["basis"], "rule-of-thumb");
    let bytes = report::table_csv(&report);
    let rows = csv::Reader::from_reader(bytes.as_slice()).into_records().count();
    assert_eq!(rows, 2);
}

/// Compares with the committed file, or rewrites it if `UPDATE_REPORTS=1`.
fn check_golden(path: &Path, actual: &[u8]) {
    if std::env::var_os("UPDATE_REPORTS").is_some_and(|value| value == "1") {
        std::fs::write(path, actual).expect("writing the example");
        return;
    }
    let expected = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        expected == actual,
        "{} differs from what is rendered now; look at it, then UPDATE_REPORTS=1 rewrites it",
        path.display()
    );
}

#[test]
fn the_committed_example_is_what_is_rendered_now() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("reports/example");
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).expect("a committed input");
    let rehearsal = Rehearsal::from_json(&read("rehearsal.json"), "rehearsal.json").expect("a rehearsal");
    // Only the actual outcome, which no estimate can know, comes from the committed estimate.
    let committed: Estimate = serde_json::from_str(&read("estimate.json")).expect("an estimate");
    let mut estimate = model::estimate(&rehearsal, &[], &EstimateOptions::default()).expect("an estimate");
    estimate.actual_seconds = committed.actual_seconds;
    let rendered: [(&str, Vec<u8>); 6] = [
        ("estimate.json", estimate.to_json().into_bytes()),
        ("report.html", report::html(&rehearsal, &estimate).into_bytes()),
        ("report.md", report::markdown(&rehearsal, &estimate).into_bytes()),
        (
            "report.txt",
            report::terminal(&rehearsal, &estimate, 100, false).into_bytes(),
        ),
        ("observations.csv", report::observations_csv(&rehearsal)),
        ("steps.csv", report::steps_csv(&rehearsal, &estimate)),
    ];
    for (name, content) in rendered {
        check_golden(&directory.join(name), &content);
    }
}
