//! What `migtime probe` prints: how long each kind of work took on one server, or on two with their ratio.

use serde::Serialize;

use crate::model::hardware::{Hardware, in_words};
use crate::observation::{Probe, ProbedServer, Resource};
use crate::report::terminal::Page;
use crate::report::{text, words};
use crate::units::{Count, Seconds};

/// Level of the intervals of ratios.
const LEVEL: f64 = 0.95;

/// A probe as it is printed: the measurements, and how two servers compare.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProbeDocument {
    /// The measurements.
    #[serde(flatten)]
    pub probe: Probe,
    /// How the second server compares with the first, by resource; empty for one server.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ratios: Vec<ResourceRatio>,
}

/// How two servers compare.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ResourceRatio {
    /// The resource.
    pub resource: Resource,
    /// Time that the same work takes on the second server, as a multiple of the first's; the median.
    pub ratio: f64,
    /// Lower bound of its 95 % interval.
    pub lower: f64,
    /// Upper bound of its 95 % interval.
    pub upper: f64,
}

impl ProbeDocument {
    fn new(probe: &Probe) -> ProbeDocument {
        let ratios = match probe.servers.as_slice() {
            [first, second] => ratios(&Hardware::compare(first, second)),
            _ => Vec::new(),
        };
        ProbeDocument {
            probe: probe.clone(),
            ratios,
        }
    }
}

fn ratios(hardware: &Hardware) -> Vec<ResourceRatio> {
    let known = Resource::ALL.iter().filter_map(|resource| {
        let ratio = hardware.ratio(*resource)?;
        let (lower, upper) = ratio.interval(LEVEL);
        Some(ResourceRatio {
            resource: *resource,
            ratio: ratio.median(),
            lower,
            upper,
        })
    });
    known.collect()
}

/// Returns the probe as JSON.
pub fn probe_json(probe: &Probe) -> String {
    let mut text = serde_json::to_string_pretty(&ProbeDocument::new(probe)).expect("a probe holds what JSON can hold");
    text.push('\n');
    text
}

/// Returns the probe as text for a terminal of `width` columns; bold only when `colour`.
pub fn probe_terminal(probe: &Probe, width: u16, colour: bool) -> String {
    let page = Page { width, colour };
    let document = ProbeDocument::new(probe);
    let names = names(probe);
    let versions = probe.servers.iter().zip(&names);
    let versions: Vec<String> = versions
        .map(|(server, name)| format!("{name} ({})", words::server_version(server.version_num)))
        .collect();
    let mut told = page.bold(&format!("How fast small, known work is: {}", versions.join(", ")));
    let mut header = vec!["Work"];
    header.extend(names.iter().map(String::as_str));
    if names.len() == 2 {
        header.push("Ratio (95 % interval)");
    }
    let rows: Vec<Vec<String>> = Resource::ALL.iter().map(|resource| row(*resource, &document)).collect();
    told += &format!("\n{}\n\n", page.table(&header, 1, &rows));
    for (server, name) in probe.servers.iter().zip(&names) {
        for resource in &server.resources {
            for what in &resource.remarks {
                let (what, work) = (text::one_line(what), in_words(resource.resource));
                told += &page.wrapped(&format!("{name}, {work}: {what}"), 2);
            }
        }
    }
    told
}

/// Returns the names of the servers: of two, the first is staging.
fn names(probe: &Probe) -> Vec<String> {
    let names = probe.servers.iter().map(|server| text::one_line(&server.database));
    match probe.servers.len() {
        2 => names
            .zip(["staging", "production"])
            .map(|(name, what)| format!("{what} {name}"))
            .collect(),
        _ => names.collect(),
    }
}

fn row(resource: Resource, document: &ProbeDocument) -> Vec<String> {
    let (label, amount) = shown(resource);
    let mut cells = vec![match amount {
        1.0 => label.to_owned(),
        _ => format!("{label} {}", Count(amount)),
    }];
    cells.extend(
        document
            .probe
            .servers
            .iter()
            .map(|server| times(server, resource, amount)),
    );
    if document.probe.servers.len() == 2 {
        let ratio = document.ratios.iter().find(|ratio| ratio.resource == resource);
        cells.push(ratio.map_or("not known".to_owned(), |ratio| {
            format!("×{:.2} ({:.2} – {:.2})", ratio.ratio, ratio.lower, ratio.upper)
        }));
    }
    cells
}

/// Returns the median time of the work with the fastest and the slowest repetition.
fn times(server: &ProbedServer, resource: Resource, amount: f64) -> String {
    let mut each: Vec<f64> = server
        .runs(resource)
        .iter()
        .map(|run| run.seconds / run.amount * amount)
        .collect();
    each.sort_by(f64::total_cmp);
    let median = Seconds(crate::stats::quantile::quantile(&each, 0.5));
    match each.as_slice() {
        [] => "not known".to_owned(),
        [_] => median.to_string(),
        [fastest, .., slowest] => format!("{median} ({} – {})", Seconds(*fastest), Seconds(*slowest)),
    }
}

/// Returns what the table calls the work, and the amount for which it states the time.
fn shown(resource: Resource) -> (&'static str, f64) {
    match resource {
        Resource::Hashing => ("hash values:", 100_000.0),
        Resource::Sorting => ("sort values:", 100_000.0),
        Resource::LookUps => ("look rows up:", 100_000.0),
        Resource::Reads => ("read a page", 1.0),
        Resource::Commits => ("flush the log", 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{ProbeRun, ProbedResource};

    fn server(database: &str, seconds: &[f64]) -> ProbedServer {
        let runs = seconds.iter().map(|seconds| ProbeRun {
            amount: 50_000.0,
            seconds: *seconds,
        });
        ProbedServer {
            database: database.to_owned(),
            version_num: 150_018,
            resources: vec![
                ProbedResource {
                    resource: Resource::Hashing,
                    runs: runs.collect(),
                    remarks: Vec::new(),
                },
                ProbedResource {
                    resource: Resource::Reads,
                    runs: Vec::new(),
                    remarks: vec!["no table may be read".to_owned()],
                },
            ],
        }
    }

    #[test]
    fn two_servers_stand_side_by_side_with_their_ratio() {
        let servers = vec![server("clone", &[0.02, 0.03, 0.04]), server("shop", &[0.06, 0.06])];
        let probe = Probe::new("2026-11-27T16:00:00Z".to_owned(), servers);
        let text = probe_terminal(&probe, 120, false);
        for words in [
            "staging clone (PostgreSQL 15.18), production shop (",
            "hash values: 100,000",
            "60ms (40ms – 80ms)",
            "120ms (120ms – 120ms)",
            "×2.00 (",
            "staging clone, reads: no table may be read",
        ] {
            assert!(text.contains(words), "{words} is not in {text}");
        }
        let json = probe_json(&probe);
        assert!(json.contains("\"ratio\": 2.0"), "{json}");
        assert_eq!(Probe::from_json(&json, "p.json").expect("is read"), probe);
    }

    #[test]
    fn one_server_has_no_ratio() {
        let probe = Probe::new(String::new(), vec![server("shop", &[0.06])]);
        let text = probe_terminal(&probe, 100, false);
        assert!(!text.contains("Ratio") && text.contains("120ms"), "{text}");
        assert!(!probe_json(&probe).contains("ratios"));
    }
}
