//! How fast servers did small, known work: the file of `migtime probe`.

use serde::{Deserialize, Serialize};

use super::FORMAT_VERSION;
use crate::error::{Error, ErrorKind, Result};

/// The measurements on one server or on two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Probe {
    /// Always `probe`; tells the file's kind.
    pub kind: String,
    /// Version of this format; see [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Version of the program that made the measurements.
    pub migtime_version: String,
    /// Start of the measurements, RFC 3339, UTC.
    pub probed_at: String,
    /// The servers: the one that was named, or the staging server and then production.
    pub servers: Vec<ProbedServer>,
}

/// The measurements on one server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProbedServer {
    /// The database that was asked.
    pub database: String,
    /// `server_version_num`, e.g. 150018.
    pub version_num: u32,
    /// What each resource took.
    pub resources: Vec<ProbedResource>,
}

/// What a migration needs of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// The processor: hashing short values, one after the other.
    Hashing,
    /// The processor and memory: sorting numbers within `work_mem`.
    Sorting,
    /// Memory: finding rows of a cached table by a cached index.
    LookUps,
    /// Storage: reading single pages that PostgreSQL does not hold in memory.
    Reads,
    /// The log: waiting until it is on disk, as a commit does.
    Commits,
}

impl Resource {
    /// All resources, in the order in which they are shown.
    pub const ALL: [Resource; 5] = [
        Resource::Hashing,
        Resource::Sorting,
        Resource::LookUps,
        Resource::Reads,
        Resource::Commits,
    ];
}

/// The measurements of one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProbedResource {
    /// The resource.
    pub resource: Resource,
    /// Each repetition; empty where nothing could be measured.
    pub runs: Vec<ProbeRun>,
    /// What it does not tell, or why nothing was measured, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// One repetition.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProbeRun {
    /// How much was done: values hashed or sorted, rows looked up, pages read, flushes of the log.
    pub amount: f64,
    /// How long that took on the server, in seconds.
    pub seconds: f64,
}

impl Probe {
    /// Returns the measurements of this version on `servers`.
    pub fn new(probed_at: String, servers: Vec<ProbedServer>) -> Probe {
        Probe {
            kind: "probe".to_string(),
            format_version: FORMAT_VERSION,
            migtime_version: env!("CARGO_PKG_VERSION").to_string(),
            probed_at,
            servers,
        }
    }

    /// Reads a saved probe; `name` is the name of the file in error messages.
    ///
    /// # Errors
    /// `Usage` when the text is no probe, has another format, or states a number that nothing measures.
    pub fn from_json(text: &str, name: &str) -> Result<Probe> {
        let refused =
            |what: String| Err(Error::new(ErrorKind::Usage, what).with_hint("`migtime probe -o FILE` writes it"));
        let probe: Probe = match serde_json::from_str(text) {
            Ok(probe) => probe,
            Err(error) => {
                let place = format!("line {}, column {}", error.line(), error.column());
                return refused(format!("{name} is not a probe, or is damaged at {place}"));
            }
        };
        if probe.kind != "probe" {
            return refused(format!("{name} is not a probe"));
        }
        if probe.format_version != FORMAT_VERSION {
            return refused(format!(
                "{name} has format_version {}; this migtime reads {FORMAT_VERSION}",
                probe.format_version
            ));
        }
        let resources = probe.servers.iter().flat_map(|server| &server.resources);
        let is_measured = |number: f64| number > 0.0 && number <= 1e12;
        let mut runs = resources.flat_map(|resource| &resource.runs);
        if runs.any(|run| !is_measured(run.amount) || !is_measured(run.seconds)) {
            return refused(format!("{name} states an amount or seconds that nothing measures"));
        }
        Ok(probe)
    }
}

impl ProbedServer {
    /// Returns the measurements of a resource; none where it was not probed.
    pub fn runs(&self, resource: Resource) -> &[ProbeRun] {
        let found = self.resources.iter().find(|probed| probed.resource == resource);
        found.map_or(&[], |probed| probed.runs.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_reads_as_it_was_written_and_nothing_else_does() {
        let run = ProbeRun {
            amount: 1000.0,
            seconds: 0.25,
        };
        let resource = |runs| ProbedResource {
            resource: Resource::LookUps,
            runs,
            remarks: Vec::new(),
        };
        let server = |runs| ProbedServer {
            resources: vec![resource(runs)],
            ..ProbedServer::default()
        };
        let text = |runs| {
            let probe = Probe::new("2026-11-27T16:00:00Z".to_owned(), vec![server(runs)]);
            serde_json::to_string(&probe).expect("JSON")
        };
        let read = Probe::from_json(&text(vec![run]), "p.json").expect("a probe");
        assert_eq!(read.servers[0].runs(Resource::LookUps), [run]);
        assert!(read.servers[0].runs(Resource::Reads).is_empty());
        let refused = |text: &str| Probe::from_json(text, "p.json").expect_err("is refused").to_string();
        assert!(refused(&text(vec![ProbeRun { amount: 0.0, ..run }])).contains("nothing measures"));
        assert!(refused(&text(vec![run]).replacen(":1,", ":2,", 1)).contains("format_version 2"));
        assert!(refused(&text(vec![run]).replacen("\"probe\"", "\"plan\"", 1)).contains("not a probe"));
        assert!(refused("{").contains("line 1"));
    }
}
