//! Shows that the rollback of every scenario restores its schema.

use std::path::Path;

use migtime::observation::RollbackVerdict;
use migtime::rehearsal::scenario::Scenario;

use crate::bad_input::{Folder, run};
use crate::support::{self, Database};

#[test]
fn every_scenario_comes_back() {
    let scenarios = Scenario::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")).expect("scenarios");
    assert!(scenarios.len() > 10);
    for scenario in scenarios {
        let name = scenario.name();
        let database = Database::create();
        let filled = scenario.fill(&mut database.client(), 2_000, scenario.seed);
        filled.unwrap_or_else(|error| panic!("{name}: {error}"));
        let folder = Folder::new();
        let (url, out) = (database.url(), folder.path("out"));
        let migration = scenario.migration().display().to_string();
        let arguments = [
            "rehearse",
            &migration,
            "--staging",
            &url,
            "--output",
            &out,
            "--sandbox",
            "--full",
            "--provisional",
        ];
        let output = run(&mut support::migtime(&arguments));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{name}: {said}");
        let record = folder
            .rehearsal()
            .rollback
            .unwrap_or_else(|| panic!("{name}: no rollback"));
        assert_eq!(record.differences.as_deref(), Some(&[][..]), "{name}");
        let verdict = record.verdict();
        assert!(verdict >= RollbackVerdict::WithLosses, "{name}: {verdict:?}");
        if !scenario.reversible {
            assert_eq!(verdict, RollbackVerdict::WithLosses, "{name}");
        }
    }
}
