//! One scenario of a bench: its file, its filled database, and its runs.

use std::path::PathBuf;
use std::time::Instant;

use super::super::arguments::{BatchArguments, BenchArguments};
use super::super::migration_file::MigrationFile;
use super::super::whole_run::{WholeRun, runs_of, sha256};
use super::super::{machine, output};
use super::bench_server::BenchServer;
use super::progress::BenchProgress;
use crate::error::{Error, ErrorKind, Result};
use crate::model::runs;
use crate::observation::{Benchmark, Rehearsal};
use crate::rehearsal::Conditions;
use crate::rehearsal::scenario::Scenario;
use crate::report::BenchRow;
use crate::sampler;
use crate::server::{Sandbox, Staging};

/// One scenario of a bench.
pub struct Entry {
    /// The scenario.
    pub scenario: Scenario,
    /// Its name in tables: the scenario's name, with its folder where names are ambiguous.
    pub label: String,
    /// The file in which its runs are kept.
    pub file: PathBuf,
    rows: u64,
    seed: u64,
    migration: MigrationFile,
    schema_sha256: String,
    migration_sha256: String,
    /// The complete runs; `None` before the first.
    measured: Option<Rehearsal>,
    template: Option<Sandbox>,
    /// Total seconds of the runs, including copying, and the number of runs.
    spent: (f64, u32),
}

impl Entry {
    /// Opens `scenario` and continues the runs in `file`, if it exists.
    ///
    /// # Errors
    /// `Usage` when the migration cannot be read, or the file holds runs of something else.
    pub fn open(scenario: Scenario, file: PathBuf, label: String, arguments: &BenchArguments) -> Result<Entry> {
        let mut entry = Entry {
            rows: arguments.rows.unwrap_or(scenario.rows),
            seed: arguments.seed,
            migration: MigrationFile::read(&scenario.migration())?,
            schema_sha256: sha256(&output::read_text(&scenario.directory.join("schema.sql"))?),
            migration_sha256: sha256(&output::read_text(&scenario.migration())?),
            measured: None,
            template: None,
            spent: (0.0, 0),
            scenario,
            label,
            file,
        };
        if entry.file.exists() {
            let name = entry.file.display().to_string();
            let saved = Rehearsal::from_json(&output::read_text(&entry.file)?, &name)?;
            entry.refuse_other(&saved, arguments.staging.is_none())?;
            entry.measured = Some(saved);
        }
        Ok(entry)
    }

    /// Returns how many complete runs there are.
    pub fn runs_done(&self) -> u32 {
        self.measured.as_ref().map_or(0, runs_of)
    }

    /// Returns the expected seconds of the next run, including copying, from earlier runs; 0 before the first.
    pub fn expected_seconds(&self) -> f64 {
        if self.spent.1 > 0 {
            return self.spent.0 / f64::from(self.spent.1);
        }
        runs::mean_seconds(&self.seconds())
    }

    /// Returns its row in the bench's table; `None` before the first run.
    pub fn row(&self) -> Option<BenchRow> {
        let seconds = self.seconds();
        (!seconds.is_empty()).then(|| BenchRow {
            scenario: self.label.clone(),
            rows: self.rows,
            seconds,
        })
    }

    /// Runs the migration once on a fresh copy and saves the file; returns whether the run was complete.
    ///
    /// # Errors
    /// Those of a rehearsal; earlier runs are saved.
    pub fn run_once(&mut self, place: &BenchServer, progress: &mut BenchProgress) -> Result<bool> {
        if self.template.is_none() {
            progress.says("filling");
            self.template = Some(place.fill(&self.scenario, self.rows, self.seed)?);
        }
        let Some(template) = &self.template else {
            return Ok(false);
        };
        let begin = Instant::now();
        progress.says("copying");
        let copy = Sandbox::copy(template.parameters())?;
        let mut clone = Staging::connect(copy.parameters())?;
        if let Some(measured) = &self.measured
            && measured.server != clone.read(sampler::server_facts)?
        {
            return Err(self.other("runs on a server with other settings"));
        }
        let batching = BatchArguments {
            batch_size: Some(self.scenario.batch_size),
            ..BatchArguments::default()
        };
        let run = self.whole_run(&batching, place.is_throwaway());
        let Some(measured) = run.add_to(self.measured.as_ref(), &mut clone, progress)? else {
            return Ok(false);
        };
        output::write_measured(&self.file, measured.to_json().as_bytes())?;
        self.measured = Some(measured);
        drop(clone);
        drop(copy);
        self.spent = (self.spent.0 + begin.elapsed().as_secs_f64(), self.spent.1 + 1);
        Ok(true)
    }

    /// Returns the migration that is measured.
    pub fn migration(&self) -> &MigrationFile {
        &self.migration
    }

    /// Drops the filled database, once no run needs it any more.
    pub fn drop_template(&mut self) {
        self.template = None;
    }

    fn seconds(&self) -> Vec<f64> {
        self.measured.as_ref().map(runs::whole_seconds).unwrap_or_default()
    }

    fn whole_run<'a>(&'a self, batching: &'a BatchArguments, throwaway: bool) -> WholeRun<'a> {
        WholeRun {
            migration: &self.migration,
            batching,
            conditions: Conditions {
                seed: self.seed,
                ..Conditions::default()
            },
            throwaway,
            benchmark: Benchmark {
                scenario: self.scenario.name(),
                rows: Some(self.rows),
                schema_sha256: self.schema_sha256.clone(),
                migration_sha256: self.migration_sha256.clone(),
                machine: machine::read(),
                ..Benchmark::default()
            },
        }
    }

    /// Refuses to add runs to those of another scenario or migration.
    fn refuse_other(&self, saved: &Rehearsal, throwaway: bool) -> Result<()> {
        let Some(benchmark) = &saved.benchmark else {
            return Err(self.other("a rehearsal that is no benchmark"));
        };
        let what = if benchmark.scenario != self.scenario.name() {
            "runs of another scenario"
        } else if benchmark.rows != Some(self.rows) {
            "runs with another number of rows"
        } else if saved.seed != self.seed {
            "runs with another seed"
        } else if benchmark.schema_sha256 != self.schema_sha256 {
            "runs with another schema.sql"
        } else if benchmark.migration_sha256 != self.migration_sha256 {
            "runs of another migration.sql"
        } else if saved.throwaway != throwaway {
            "runs on another kind of server"
        } else if benchmark.machine != machine::read() {
            "runs on another machine"
        } else {
            return Ok(());
        };
        Err(self.other(what))
    }

    fn other(&self, what: &str) -> Error {
        Error::new(ErrorKind::Usage, format!("{} holds {what}", self.file.display()))
            .with_hint("remove it to begin anew, or name another --output")
    }
}
