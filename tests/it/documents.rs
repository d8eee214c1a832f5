//! Machine-readable documents conform to their own schemas and parsers: SARIF's published schema, a JUnit parser, and
//! for formats without either, the rules stated in their reader's source code.

use std::collections::BTreeSet;

use migtime::migration::{LockMode, StepKind};
use migtime::model::estimate::Basis;
use migtime::report::ci::{Document, Finding, HeldLock, Prediction, Rule, StatementVerdict, Verdict, job_summary};
use serde_json::Value;

fn prediction(point: f64) -> Prediction {
    Prediction {
        point_seconds: point,
        lower_seconds: point / 3.0,
        upper_seconds: point * 3.0,
        level: 0.95,
        basis: Basis::Rehearsal,
    }
}

/// A migration whose names contain characters that break formats, with a finding for every rule.
fn verdict(migration: &str) -> Verdict {
    let sqls = [
        "ALTER TABLE \"Größe, <'&\\\"\" ADD COLUMN x int",
        "CREATE INDEX i ON t (a)\n-- 100 %: \u{1} ]]>",
        "UPDATE t SET a = 1",
    ];
    let statements: Vec<StatementVerdict> = sqls
        .iter()
        .zip(1..)
        .map(|(sql, number)| StatementVerdict {
            number,
            file: migration.to_string(),
            line: 3 * number as usize,
            sql: sql.to_string(),
            kind: StepKind::IndexBuild,
            duration: (number < 3).then(|| prediction(61.25 * f64::from(number))),
            locks: vec![HeldLock {
                relation: "public.\"Größe, <'&\\\"\"\nx".to_string(),
                mode: LockMode::Share,
                held: (number < 3).then(|| prediction(1.5)),
            }],
            wal_bytes: Some(1.5e9),
            passed_over: (number == 3).then(|| "a check of replayed rows\u{0} failed".to_string()),
        })
        .collect();
    let mut findings: Vec<Finding> = Rule::all()
        .map(|rule| Finding::of_statement(rule, &statements[0], "100 %,\r\n::error:: \"a\" <b> \u{1} \\"))
        .collect();
    findings.push(Finding::of_migration(Rule::OverBudget, migration, "over budget"));
    findings.push(Finding::of_statement(Rule::LongLock, &statements[1], "long"));
    Verdict {
        migration: migration.to_string(),
        part: None,
        statements,
        total: Some(prediction(200.0)),
        findings,
    }
}

fn verdicts() -> Vec<Verdict> {
    vec![verdict("db/0041 größer.sql"), verdict("db/0042,a:b.sql")]
}

fn json(document: Document) -> Value {
    serde_json::from_str(&document.render(&verdicts())).expect("the document is JSON")
}

#[test]
fn sarif_fits_the_published_schema() {
    let schema = include_str!("../data/ci/sarif-schema-2.1.0.json");
    // The published schema has two patterns that end in a superfluous bracket, which only JavaScript accepts.
    assert_eq!(schema.matches("{2}]?$").count(), 2);
    let schema: Value = serde_json::from_str(&schema.replace("{2}]?$", "{2}$")).expect("the schema is JSON");
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("the schema is a schema");
    let document = json(Document::Sarif);
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut broken = document.clone();
    broken["runs"][0]["results"][0]["level"] = "severe".into();
    assert!(!validator.is_valid(&broken), "the schema was not applied");

    // Beyond the schema: each index refers to the named rule, and the fingerprints differ between findings.
    let rules = &document["runs"][0]["tool"]["driver"]["rules"];
    let results = document["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 2 * (Rule::all().count() + 2));
    let mut fingerprints = BTreeSet::new();
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert!(
            uri.as_str()
                .is_some_and(|uri| uri.starts_with("db/00") && uri.is_ascii() && !uri.contains(' '))
        );
        fingerprints.insert(result["partialFingerprints"]["primaryLocationLineHash"].to_string());
    }
    assert_eq!(fingerprints.len(), results.len());
}

#[test]
fn junit_is_read_by_a_parser_of_others() {
    let xml = Document::Junit.render(&verdicts());
    let report = junit_parser::from_reader(xml.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{xml}"));
    assert_eq!((report.tests, report.failures, report.errors), (8, 2, 2));
    assert_eq!(report.suites.len(), 2);
    let suite = &report.suites[0];
    assert_eq!(suite.name, "db/0041 größer.sql");
    assert_eq!((suite.tests, suite.failures, suite.errors, suite.skipped), (4, 1, 1, 1));
    assert_eq!(suite.time, 200.0);
    let names: Vec<&str> = suite.cases.iter().map(|case| case.original_name.as_str()).collect();
    assert_eq!(
        names,
        ["#1 ALTER TABLE", "#2 CREATE INDEX", "#3 UPDATE", "whole migration"]
    );
    let [broken, passed, skipped, failed] = &suite.cases[..] else {
        panic!("four cases")
    };
    assert!(broken.status.is_error() && passed.status.is_success() && skipped.status.is_skipped());
    assert_eq!(broken.status.error_as_ref().error_type, "MigrationFailed");
    assert!(
        broken.status.error_as_ref().message.ends_with("\"a\" <b>  \\"),
        "{:?}",
        broken.status
    );
    assert_eq!(failed.status.failure_as_ref().failure_type, "OverBudget");
    assert_eq!(passed.classname.as_deref(), Some("db/0041 größer.sql"));
    assert!(passed.system_out.as_deref().is_some_and(|text| text.contains("MT120")));
    assert!(passed.time > 0.0);
}

// GitLab 18, app/validators/json_schemas/codeclimate.json: description, fingerprint, severity and location are
// required; all but location are strings; lines.begin is an integer. The documentation adds the severities, that a
// fingerprint is unique, and that a path is relative and without `./`.
#[test]
fn code_quality_is_what_gitlab_asks_for() {
    let document = json(Document::GitlabCodeQuality);
    let issues = document.as_array().expect("a list");
    assert_eq!(issues.len(), 2 * (Rule::all().count() + 2));
    let mut fingerprints = BTreeSet::new();
    for issue in issues {
        for key in ["description", "check_name", "fingerprint", "severity"] {
            assert!(
                issue[key].as_str().is_some_and(|text| !text.is_empty()),
                "{key}: {issue}"
            );
        }
        let severities = ["info", "minor", "major", "critical", "blocker"];
        assert!(severities.contains(&issue["severity"].as_str().expect("text")));
        let path = issue["location"]["path"].as_str().expect("a path");
        assert!(!path.starts_with('/') && !path.starts_with("./"));
        assert!(
            issue["location"]["lines"]["begin"]
                .as_u64()
                .is_some_and(|line| line > 0)
        );
        fingerprints.insert(issue["fingerprint"].to_string());
    }
    assert_eq!(fingerprints.len(), issues.len());
}

// github-action-benchmark 1.22, src/extract.ts and src/extractRangeInfo.ts: a list of objects; name and unit are
// strings, value is a number. In range, Number() parses everything after /(\+-|±)\s*/, which must begin with a digit.
#[test]
fn benchmark_entries_are_what_the_action_reads() {
    let document = json(Document::Benchmark);
    let entries = document.as_array().expect("a list");
    assert_eq!(entries.len(), 2 * 3);
    let mut names = BTreeSet::new();
    for entry in entries {
        assert!(entry["value"].as_f64().is_some_and(|value| value > 0.0));
        assert_eq!(entry["unit"], "s");
        let range = entry["range"].as_str().expect("a range");
        let number = range.strip_prefix("± ").expect("a sign");
        assert!(number.len() > 1 && number.parse::<f64>().is_ok(), "{range}");
        assert!(
            entry["extra"]
                .as_str()
                .is_some_and(|extra| extra.contains("95 % interval"))
        );
        names.insert(entry["name"].as_str().expect("a name"));
    }
    assert_eq!(names.len(), entries.len());
    assert!(names.contains("db/0041 größer.sql / #2 CREATE INDEX"), "{names:?}");
}

// bencher.dev/bmf.json: objects of objects; value is required; value, lower_value and upper_value are numbers. Names
// have at most 1,024 characters, and the built-in measure latency is in nanoseconds.
#[test]
fn bencher_metrics_have_its_shape() {
    let document = json(Document::Bencher);
    let benchmarks = document.as_object().expect("an object");
    assert_eq!(benchmarks.len(), 2 * 4);
    for (name, measures) in benchmarks {
        assert!(name.chars().count() <= 1024);
        let measures = measures.as_object().expect("an object");
        assert!(!measures.is_empty());
        for (slug, metric) in measures {
            let is_slug = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(slug.len() <= 64 && slug.chars().all(is_slug), "{slug}");
            let value = metric["value"].as_f64().expect("a number");
            for (key, below) in [("lower_value", true), ("upper_value", false)] {
                if let Some(bound) = metric.get(key) {
                    let bound = bound.as_f64().expect("a number");
                    assert_eq!(bound < value, below, "{metric}");
                }
            }
        }
    }
    let index = &document["db/0041 größer.sql/2-create-index"];
    assert_eq!(index["latency"]["value"], 122.5e9);
    assert_eq!(index["lock-hold"]["value"], 1.5e9);
    assert_eq!(index["wal-bytes"]["value"], 1.5e9);
}

// OpenMetrics 1.0, sections 3.1 and 3.2; `script/check-formats` checks the same file with prometheus_client's parser.
#[test]
fn openmetrics_is_in_families_and_ends_as_it_must() {
    let text = Document::OpenMetrics.render(&verdicts());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.last(), Some(&"# EOF"));
    assert!(text.ends_with("# EOF\n"));
    let (mut family, mut families, mut series) = (String::new(), BTreeSet::new(), BTreeSet::new());
    for line in &lines[..lines.len() - 1] {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (kind, name) = (words.next().expect("a word"), words.next().expect("a name"));
            match kind {
                "HELP" => {
                    assert!(families.insert(name.to_string()), "{name} is there twice");
                    family = name.to_string();
                }
                "TYPE" => assert_eq!((name, words.next()), (family.as_str(), Some("gauge"))),
                other => panic!("{other}"),
            }
            continue;
        }
        let (labels, value) = line.rsplit_once("} ").expect("labels and a value");
        assert!(labels.starts_with(&format!("{family}{{")), "{line}");
        assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
        assert!(series.insert(labels), "{labels} is there twice");
    }
    assert_eq!(families.len(), 5);
    assert!(
        text.contains("migration=\"db/0041 größer.sql\",statement=\"2\",command=\"CREATE INDEX\",q=\"0.975\"} 367.5\n")
    );
    assert!(
        text.contains("relation=\"public.\\\"Größe, <'&\\\\\\\"\\\"\\nx\""),
        "{text}"
    );
}

// actions/toolkit, packages/core/src/command.ts: data and properties as the runner decodes them.
#[test]
fn annotations_come_back_without_what_steers_a_terminal() {
    let text = Document::GithubAnnotations.render(&verdicts());
    assert_eq!(text.lines().count(), 2 * (Rule::all().count() + 2));
    for line in text.lines() {
        let (command, message) = line
            .strip_prefix("::")
            .and_then(|rest| rest.split_once("::"))
            .expect("a workflow command");
        let (level, properties) = command.split_once(' ').expect("properties");
        assert!(["error", "warning", "notice"].contains(&level));
        let names: Vec<&str> = properties
            .split(',')
            .map(|property| property.split_once('=').expect("a value").0)
            .collect();
        assert_eq!(names, ["file", "line", "title"]);
        assert!(
            message.ends_with("\"a\" <b>   \\") || !message.contains('%'),
            "{message}"
        );
    }
    assert!(
        text.contains(
            "file=db/0042%2Ca%3Ab.sql,line=3,title=migtime MT001 LockHeldTooLong::100 %25, %0A\\u{3a}:error::"
        )
    );
}

#[test]
fn outputs_hold_every_violation() {
    let text = Document::GithubOutputs.render(&verdicts());
    assert!(text.starts_with("verdict=fail\nmigrations=2\nerrors=28\n"), "{text}");
    let delimiter = text
        .lines()
        .find_map(|line| line.strip_prefix("violations<<"))
        .expect("a delimiter");
    assert!(text.ends_with(&format!("\n{delimiter}\n")));
}

#[test]
fn a_summary_of_two_migrations_has_a_row_each() {
    let text = job_summary(&verdicts(), "migtime-reports");
    assert!(
        text.starts_with("## migtime: 2 of 2 migrations stopped by 28 findings; 2 could not be judged\n"),
        "{text}"
    );
    assert!(
        text.contains("| `db/0041 größer.sql` | **fail** | 3m 20s | 67s – 10m (95 %) | 1.5s |"),
        "{text}"
    );
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
    let widths: BTreeSet<usize> = rows
        .iter()
        .map(|row| row.replace("\\|", "").matches('|').count())
        .collect();
    assert_eq!(widths, BTreeSet::from([6, 8]), "{rows:#?}");
}
