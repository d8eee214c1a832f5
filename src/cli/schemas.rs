//! Checks that the published JSON Schemas in `docs/schemas/` match the types; they are for readers of the program's
//! files.
//!
//! Schemas are derived only in unit tests, so that the program and its builds contain none of this. They describe what
//! this version writes; an optional field may be missing, and a later version with the same `format_version` may add
//! fields.

mod catalog;

use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::model::estimate::Estimate;
use crate::model::preflight::Preflight;
use crate::observation::{FORMAT_VERSION, Rehearsal};
use crate::report::{PlanDocument, ProbeDocument};

/// Returns the published form of the schema for a document of this type and `kind`.
fn schema_of<Document: JsonSchema>(kind: &str) -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Document>();
    RecursiveTransform(without_links).transform(&mut schema);
    schema.insert("title".to_string(), format!("{kind}.json of migtime").into());
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let properties = properties.expect("a document has properties");
    properties["kind"]["const"] = kind.into();
    properties["format_version"]["const"] = FORMAT_VERSION.into();
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema holds only what JSON can hold");
    text.push('\n');
    text
}

/// Removes links into the source's documentation from a description.
fn without_links(schema: &mut Schema) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace("[`", "`").replace("`]", "`");
    }
}

/// Compares the schema with the published file, or rewrites that file if `UPDATE_SCHEMAS=1`.
fn check<Document: JsonSchema>(kind: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schemas/{kind}.json"));
    let now = schema_of::<Document>(kind);
    if std::env::var_os("UPDATE_SCHEMAS").is_some_and(|value| value == "1") {
        std::fs::write(&file, now).expect("writing the schema");
        return;
    }
    let published = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        published == now,
        "{} is not what the types give; UPDATE_SCHEMAS=1 cargo test --lib schemas rewrites it",
        file.display()
    );
}

#[test]
fn published_schemas_are_what_the_types_give() {
    check::<Rehearsal>("rehearsal");
    check::<Estimate>("estimate");
    check::<PlanDocument>("plan");
    check::<ProbeDocument>("probe");
    check::<Preflight>("preflight");
}
