//! Documents that the program writes match the schemas published in `docs/schemas/`, without further fields.
//!
//! A test next to the types checks that the schemas match them. Other modules pass the documents they read to
//! [`check`], so that what commands write in them is validated.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use migtime::catalog::{SchemaChange, SchemaDifference};
use migtime::migration::StepKind;
use migtime::model::estimate::Predicted;
use migtime::model::outcome::Outcome;
use migtime::model::transfer::Transfer;
use migtime::model::{self, EstimateOptions};
use migtime::units::{Bytes, Seconds};
use serde_json::{Value, json};

use crate::hostile_numbers::full;
use crate::report_fixture;

const SCHEMAS: [(&str, &str); 5] = [
    ("rehearsal", include_str!("../../docs/schemas/rehearsal.json")),
    ("estimate", include_str!("../../docs/schemas/estimate.json")),
    ("plan", include_str!("../../docs/schemas/plan.json")),
    ("preflight", include_str!("../../docs/schemas/preflight.json")),
    ("probe", include_str!("../../docs/schemas/probe.json")),
];

/// The schemas by kind of document, each made to refuse unknown fields.
static STRICT: LazyLock<BTreeMap<&str, Validator>> = LazyLock::new(|| {
    let strict = |(kind, text): (&'static str, &str)| {
        let mut schema: Value = serde_json::from_str(text).expect("the schema is JSON");
        refuse_other_fields(&mut schema);
        (
            kind,
            jsonschema::validator_for(&schema).expect("the schema is a schema"),
        )
    };
    SCHEMAS.into_iter().map(strict).collect()
});

fn refuse_other_fields(schema: &mut Value) {
    let definitions = schema.get_mut("$defs").and_then(Value::as_object_mut);
    for definition in definitions.into_iter().flat_map(serde_json::Map::values_mut) {
        refuse_other_fields(definition);
    }
    if schema.get("properties").is_some() {
        schema["additionalProperties"] = false.into();
    }
}

/// Checks the text of a document of this kind against its published schema.
pub fn check(kind: &str, text: &str) {
    let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{kind}: {error}\n{text}"));
    let errors: Vec<String> = STRICT[kind]
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{kind}: {errors:#?}");
}

#[test]
fn documents_with_every_field_fit_the_published_schemas() {
    let mut rehearsal = full();
    let record = rehearsal.rollback.as_mut().expect("a rollback");
    let difference = SchemaDifference {
        object: "column public.orders.note".to_string(),
        change: SchemaChange::Gone,
        sentence: "the column is gone".to_string(),
        unavoidable: true,
    };
    record.differences = Some(vec![difference.clone()]);
    record.changes = vec![difference];
    check("rehearsal", &rehearsal.to_json());
    let predicted = Predicted {
        point_seconds: 100.0,
        intervals: Vec::new(),
    };
    let recorded = Outcome::bare(StepKind::Backfill, predicted, 120.0, "2026-05-31T14:30:00Z".to_string());
    let options = EstimateOptions {
        provisional: true,
        window: Some(Seconds(1800.0)),
        free_disk: Some(Bytes(1 << 33)),
        transfer: Transfer::learn(&[recorded], 0),
        ..EstimateOptions::default()
    };
    let estimate = model::estimate(&rehearsal, &rehearsal.targets, &options).expect("an estimate");
    assert!(estimate.rollback.is_some() && estimate.storage.is_some() && estimate.learned.is_some());
    check("estimate", &estimate.to_json());
}

#[test]
fn the_committed_example_fits_the_published_schemas() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/example");
    for kind in ["rehearsal", "estimate"] {
        let file = example.join(format!("{kind}.json"));
        check(kind, &std::fs::read_to_string(file).expect("the example"));
    }
}

#[test]
fn a_document_that_is_another_does_not_fit() {
    let whole: Value = serde_json::from_str(&report_fixture::rehearsal().to_json()).expect("JSON");
    let fits = |document: &Value| STRICT["rehearsal"].is_valid(document);
    assert!(fits(&whole));
    let changes: [fn(&mut Value); 6] = [
        |document| document["kind"] = json!("estimate"),
        |document| document["format_version"] = json!(2),
        |document| document["steps"][0]["kind"] = json!("magic"),
        |document| document["steps"][0]["observations"][0]["seconds"] = json!("1 s"),
        |document| document["tables"][0]["indexes"][0]["shape"] = json!("round"),
        |document| {
            let server = document["server"].as_object_mut().expect("the server");
            server.remove("version_num").expect("its version");
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut changed = whole.clone();
        change(&mut changed);
        assert!(!fits(&changed), "change {number} was not seen");
    }
}
