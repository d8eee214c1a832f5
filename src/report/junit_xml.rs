//! The XML of JUnit: suites of cases, each passed, skipped, failed or broken. Knows nothing of what the cases are
//! about.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// A suite: one part of a test report.
pub struct Suite {
    /// Its name.
    pub name: String,
    /// The class of its cases.
    pub class: String,
    /// How long it takes.
    pub seconds: Option<f64>,
    /// Its cases.
    pub cases: Vec<Case>,
}

/// A case: one row of a test report.
pub struct Case {
    /// Its name.
    pub name: String,
    /// How long it takes.
    pub seconds: Option<f64>,
    /// How it came out.
    pub outcome: CaseOutcome,
    /// What else there is to tell of it; may be empty.
    pub output: String,
}

/// The result of a case.
pub enum CaseOutcome {
    /// Nothing speaks against it.
    Passed,
    /// It was not judged, for this reason.
    Skipped(String),
    /// It is against a limit.
    Failed(Failure),
    /// It did not come to its end.
    Broken(Failure),
}

/// Why a case failed.
pub struct Failure {
    /// What kind of failure it is.
    pub kind: String,
    /// The headline: readers show one for each case.
    pub message: String,
    /// All that is to be told of it.
    pub text: String,
}

/// Returns the suites as JUnit XML.
pub fn suites_xml(suites: &[Suite]) -> String {
    let mut xml = Xml(Writer::new_with_indent(Vec::new(), b' ', 2));
    xml.write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    let all: Vec<&Case> = suites.iter().flat_map(|suite| &suite.cases).collect();
    xml.open("testsuites", &[("name", "migtime".to_string())], &counts(&all));
    for suite in suites {
        let counted: Vec<&Case> = suite.cases.iter().collect();
        let is_skipped = |outcome: &CaseOutcome| matches!(outcome, CaseOutcome::Skipped(_));
        let mut attributes = counts(&counted);
        attributes.push(("skipped", count(&counted, is_skipped)));
        attributes.extend(suite.seconds.map(time));
        xml.open("testsuite", &[("name", suite.name.clone())], &attributes);
        for case in &suite.cases {
            xml.case(case, &suite.class);
        }
        xml.close("testsuite");
    }
    xml.close("testsuites");
    let mut text = String::from_utf8(xml.0.into_inner()).expect("only text was written");
    text.push('\n');
    text
}

fn counts(cases: &[&Case]) -> Vec<(&'static str, String)> {
    vec![
        ("tests", cases.len().to_string()),
        (
            "failures",
            count(cases, |outcome| matches!(outcome, CaseOutcome::Failed(_))),
        ),
        (
            "errors",
            count(cases, |outcome| matches!(outcome, CaseOutcome::Broken(_))),
        ),
    ]
}

fn count(cases: &[&Case], of: impl Fn(&CaseOutcome) -> bool) -> String {
    cases.iter().filter(|case| of(&case.outcome)).count().to_string()
}

fn time(seconds: f64) -> (&'static str, String) {
    ("time", format!("{seconds:.3}"))
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

    fn case(&mut self, case: &Case, class: &str) {
        let attributes = [("name", case.name.clone()), ("classname", class.to_string())];
        let time: Vec<_> = case.seconds.map(time).into_iter().collect();
        self.open("testcase", &attributes, &time);
        match &case.outcome {
            CaseOutcome::Passed => {}
            CaseOutcome::Skipped(reason) => self.element("skipped", &[("message", reason.clone())], ""),
            CaseOutcome::Failed(failure) => self.failure("failure", failure),
            CaseOutcome::Broken(failure) => self.failure("error", failure),
        }
        if !case.output.is_empty() {
            self.element("system-out", &[], &case.output);
        }
        self.close("testcase");
    }

    fn failure(&mut self, name: &str, failure: &Failure) {
        let attributes = [("message", failure.message.clone()), ("type", failure.kind.clone())];
        self.element(name, &attributes, &failure.text);
    }
}

/// Removes the characters that XML 1.0 cannot contain (section 2.2).
fn allowed(text: &str) -> String {
    let fits =
        |c: &char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(fits).collect()
}
