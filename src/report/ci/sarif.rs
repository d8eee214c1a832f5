//! SARIF 2.1.0, for GitHub's code scanning and all other readers of static analysis results.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::common::json_text;
use super::name::fingerprints;
use super::{Finding, Level, Rule, Verdict};

/// Returns the findings as one SARIF run, which also describes each rule.
pub fn sarif(verdicts: &[Verdict]) -> String {
    let rules: Vec<Rule> = Rule::all().collect();
    let results: Vec<Value> = verdicts
        .iter()
        .flat_map(|verdict| verdict.findings.iter().zip(fingerprints(verdict)))
        .map(|(finding, fingerprint)| result(finding, &fingerprint, &rules))
        .collect();
    json_text(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "migtime",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| descriptor(*rule)).collect::<Vec<_>>(),
            } },
            "results": results,
        }],
    }))
}

fn descriptor(rule: Rule) -> Value {
    json!({
        "id": rule.id(),
        "name": rule.name(),
        "shortDescription": { "text": rule.summary() },
        "fullDescription": { "text": format!("{} {}", rule.summary(), rule.help()) },
        "help": { "text": rule.help(), "markdown": rule.help() },
        "defaultConfiguration": { "level": level(rule.level()) },
    })
}

fn result(finding: &Finding, fingerprint: &str, rules: &[Rule]) -> Value {
    json!({
        "ruleId": finding.rule.id(),
        "ruleIndex": rules.iter().position(|rule| *rule == finding.rule),
        "level": level(finding.level),
        "message": { "text": finding.message },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&finding.file) },
            "region": { "startLine": finding.line },
        } }],
        "partialFingerprints": { "primaryLocationLineHash": fingerprint },
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Note => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

/// What may not stand in a path of a URI (RFC 3986, section 3.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// Returns a path as a URI reference, with other characters escaped.
fn uri(path: &str) -> String {
    let escaped = utf8_percent_encode(path, ESCAPED).to_string();
    if escaped.starts_with('/') {
        format!("file://{escaped}")
    } else {
        escaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("migrations/0042 a:b#ü.sql"), "migrations/0042%20a%3Ab%23%C3%BC.sql");
        assert_eq!(uri("/srv/m.sql"), "file:///srv/m.sql");
    }
}
