//! Reads saved JSON of the model: states of what kind it is and which format it has come first.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};
use crate::observation::FORMAT_VERSION;

/// Reads a document of `kind`; `name` is its file, and its line where it is one of many, in error messages.
///
/// # Errors
/// `Usage` when the text is none, is damaged, or has another format.
pub(super) fn read<Document: DeserializeOwned>(text: &str, name: &str, kind: &str) -> Result<Document> {
    #[derive(Deserialize)]
    struct Header {
        kind: Option<String>,
        format_version: Option<u32>,
    }
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    let damaged = |error: serde_json::Error| {
        let what = if error.is_eof() { "is cut off" } else { "is damaged" };
        usage(format!("{name} {what}: {}", reason(&error)))
    };
    let header: Header = serde_json::from_str(text).map_err(damaged)?;
    if header.kind.as_deref() != Some(kind) {
        let found = header
            .kind
            .map_or("no kind".to_string(), |kind| format!("kind \"{kind}\""));
        return Err(usage(format!("{name} is no {kind}: it states {found}")));
    }
    match header.format_version {
        Some(FORMAT_VERSION) => serde_json::from_str(text).map_err(damaged),
        Some(version) if version > FORMAT_VERSION => Err(usage(format!(
            "{name} has format_version {version}; this migtime reads up to {FORMAT_VERSION}"
        ))
        .with_hint("read it with the version of migtime that wrote it, or a newer one")),
        _ => Err(usage(format!("{name} states no known format_version"))),
    }
}

/// Returns the parser's words without its position: a line of the file, which `name` states, is the better one.
fn reason(error: &serde_json::Error) -> String {
    let words = error.to_string();
    words
        .split_once(" at line ")
        .map_or(words.clone(), |(reason, _)| reason.to_string())
}
