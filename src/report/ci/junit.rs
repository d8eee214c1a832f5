//! JUnit XML: one suite per migration, one case per statement and one for the whole. A failed gate is a failure, an
//! error of the server an error.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::common;
use super::name::{WHOLE, title};
use super::{Finding, Level, Prediction, Rule, Verdict};

/// A case: one row of a test report.
struct Case<'a> {
    name: String,
    time: Option<Prediction>,
    skipped: Option<&'a str>,
    findings: Vec<&'a Finding>,
}

/// The result of a case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Skipped,
    Failed,
    Broken,
}

/// Returns the verdicts as JUnit XML.
pub fn junit(verdicts: &[Verdict]) -> String {
    let suites: Vec<(&Verdict, Vec<Case>)> = verdicts.iter().map(|verdict| (verdict, cases(verdict))).collect();
    let all: Vec<&Case> = suites.iter().flat_map(|(_, cases)| cases).collect();
    let mut xml = Xml(Writer::new_with_indent(Vec::new(), b' ', 2));
    xml.write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    xml.open("testsuites", &[("name", "migtime".to_string())], &counts(&all));
    for (verdict, cases) in &suites {
        let counted: Vec<&Case> = cases.iter().collect();
        let mut attributes = counts(&counted);
        attributes.push(("skipped", count(&counted, Outcome::Skipped)));
        attributes.extend(verdict.total.map(|total| ("time", seconds(total))));
        xml.open("testsuite", &[("name", verdict.name())], &attributes);
        for case in cases {
            xml.case(case, &verdict.migration);
        }
        xml.close("testsuite");
    }
    xml.close("testsuites");
    let mut text = String::from_utf8(xml.0.into_inner()).expect("only text was written");
    text.push('\n');
    text
}

fn cases(verdict: &Verdict) -> Vec<Case<'_>> {
    let statements = verdict.statements.iter().map(|statement| Case {
        name: title(statement),
        time: statement.duration,
        skipped: statement.passed_over.as_deref(),
        findings: verdict.findings_of(Some(statement.number)).collect(),
    });
    let whole = Case {
        name: WHOLE.to_string(),
        time: verdict.total,
        skipped: None,
        findings: verdict.findings_of(None).collect(),
    };
    statements.chain([whole]).collect()
}

impl Case<'_> {
    fn outcome(&self) -> Outcome {
        let errors = || self.findings.iter().filter(|finding| finding.level == Level::Error);
        if errors().any(|finding| did_not_finish(finding.rule)) {
            Outcome::Broken
        } else if errors().next().is_some() {
            Outcome::Failed
        } else if self.skipped.is_some() {
            Outcome::Skipped
        } else {
            Outcome::Passed
        }
    }
}

/// Returns whether the rule means that something did not run to its end, instead of exceeding a limit.
fn did_not_finish(rule: Rule) -> bool {
    matches!(rule, Rule::MigrationFailed | Rule::RollbackFailed | Rule::NotJudged)
}

fn counts(cases: &[&Case]) -> Vec<(&'static str, String)> {
    vec![
        ("tests", cases.len().to_string()),
        ("failures", count(cases, Outcome::Failed)),
        ("errors", count(cases, Outcome::Broken)),
    ]
}

fn count(cases: &[&Case], outcome: Outcome) -> String {
    cases
        .iter()
        .filter(|case| case.outcome() == outcome)
        .count()
        .to_string()
}

fn seconds(prediction: Prediction) -> String {
    format!("{:.3}", prediction.point_seconds)
}

/// The document being written.
struct Xml(Writer<Vec<u8>>);

impl Xml {
    fn write(&mut self, event: Event) {
        self.0.write_event(event).expect("writing to memory does not fail");
    }

    fn open(&mut self, name: &str, first: &[(&str, String)], more: &[(&str, String)]) {
        let mut start = BytesStart::new(name);
        for (name, value) in first.iter().chain(more) {
            start.push_attribute((*name, allowed(value).as_str()));
        }
        self.write(Event::Start(start));
    }

    fn close(&mut self, name: &str) {
        self.write(Event::End(BytesEnd::new(name)));
    }

    fn element(&mut self, name: &str, attributes: &[(&str, String)], text: &str) {
        self.open(name, attributes, &[]);
        self.write(Event::Text(BytesText::new(&allowed(text))));
        self.close(name);
    }

    fn case(&mut self, case: &Case, migration: &str) {
        let attributes = [("name", case.name.clone()), ("classname", migration.to_string())];
        let time: Vec<_> = case.time.iter().map(|time| ("time", seconds(*time))).collect();
        self.open("testcase", &attributes, &time);
        let (errors, others): (Vec<&Finding>, Vec<&Finding>) =
            case.findings.iter().partition(|finding| finding.level == Level::Error);
        // Readers show one failure per case, with its message as the headline.
        let shown = |findings: &[&Finding]| findings.iter().map(|finding| told(finding)).collect::<String>();
        match (case.outcome(), errors.first()) {
            (Outcome::Skipped, _) => {
                let reason = case.skipped.unwrap_or_default().to_string();
                self.element("skipped", &[("message", reason)], "");
            }
            (outcome, Some(first)) => {
                let first = errors
                    .iter()
                    .find(|finding| did_not_finish(finding.rule))
                    .unwrap_or(first);
                let attributes = [
                    ("message", first.message.clone()),
                    ("type", first.rule.name().to_string()),
                ];
                let name = if outcome == Outcome::Broken { "error" } else { "failure" };
                self.element(name, &attributes, &shown(&errors));
            }
            _ => {}
        }
        if !others.is_empty() {
            self.element("system-out", &[], &shown(&others));
        }
        self.close("testcase");
    }
}

fn told(finding: &Finding) -> String {
    format!("{}\n  {}\n", common::line_of(finding), finding.rule.help())
}

/// Removes the characters that XML 1.0 cannot contain (section 2.2).
fn allowed(text: &str) -> String {
    let fits =
        |c: &char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(fits).collect()
}
