//! `migtime compare --duet`: runs two migrations in turns on copies of one database, and saves them as two rehearsals.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::arguments::CompareArguments;
use super::bench::progress::BenchProgress;
use super::job::now;
use super::migration_file::{MigrationFile, PlannedMigration};
use super::staging_area::StagingArea;
use super::throwaway_base::{Filling, ThrowawayBase};
use super::whole_run::{WholeRun, runs_of, sha256};
use super::{connection, foreign_servers, machine, output};
use crate::error::{Error, ErrorKind, Result};
use crate::model::compare::NamedRehearsal;
use crate::model::runs;
use crate::observation::{Benchmark, Rehearsal, RunRecord};
use crate::rehearsal::batches::schedule::schedule;
use crate::rehearsal::duet::{PAIRS, Voice, backfill_of, play as play_pairs};
use crate::rehearsal::saving::journal::Journal;
use crate::rehearsal::{Conditions, DirectoryLock};
use crate::sampler;
use crate::server::Staging;

/// Default number of whole runs of each.
const RUNS: u32 = 5;
/// The files of the two rehearsals.
const FILES: [&str; 2] = ["base.json", "new.json"];

/// Measures both migrations in turns and saves the measurements.
///
/// # Errors
/// Those of a rehearsal; `TooLittleEvidence` when the person interrupts it.
pub fn play(arguments: &CompareArguments) -> Result<(Vec<NamedRehearsal>, Vec<NamedRehearsal>)> {
    let _claim = DirectoryLock::of(&arguments.duet.output)?;
    let migrations = [
        MigrationFile::read(&arguments.base)?,
        MigrationFile::read(&arguments.new)?,
    ];
    let staging_area = staging_area(arguments, &migrations)?;
    let duet = Duet {
        arguments,
        migrations,
        staging_area,
        journals: FILES.map(|name| {
            let file = arguments.duet.output.join(name);
            RefCell::new(Journal::new(Some(file)).telling(output::print_note))
        }),
    };
    let measured = match (arguments.duet.runs, duet.are_backfills()?) {
        (None, true) => duet.in_pairs()?,
        (runs, _) => duet.in_whole_runs(runs.unwrap_or(RUNS))?,
    };
    duet.are_saved()?;
    let [base, new] = measured.map(|rehearsal| {
        vec![NamedRehearsal {
            name: duet.name(),
            rehearsal,
        }]
    });
    Ok((base, new))
}

struct Duet<'a> {
    arguments: &'a CompareArguments,
    migrations: [MigrationFile; 2],
    staging_area: StagingArea,
    journals: [RefCell<Journal>; 2],
}

impl Duet<'_> {
    /// Returns the name under which the two are compared: that of the new migration.
    fn name(&self) -> String {
        self.migrations[1].name.clone()
    }

    fn conditions(&self) -> Conditions {
        Conditions {
            seed: self.arguments.seed,
            batch_delay: self.arguments.batching.batch_delay.unwrap_or_default().0,
            ..Conditions::default()
        }
    }

    fn benchmark(&self, side: usize) -> Result<Benchmark> {
        let schema = self.arguments.duet.schema.as_deref();
        let schema = schema.map(output::read_text).transpose()?;
        Ok(Benchmark {
            scenario: self.name(),
            rows: schema.as_ref().map(|_| self.arguments.duet.rows),
            schema_sha256: schema.as_deref().map(sha256).unwrap_or_default(),
            migration_sha256: sha256(&output::read_text(self.path(side))?),
            machine: machine::read(),
            ..Benchmark::default()
        })
    }

    fn path(&self, side: usize) -> &Path {
        [&self.arguments.base, &self.arguments.new][side]
    }

    fn file(&self, side: usize) -> PathBuf {
        self.arguments.duet.output.join(FILES[side])
    }

    fn save(&self, side: usize, rehearsal: &Rehearsal) {
        self.journals[side].borrow_mut().try_save(rehearsal);
    }

    /// Returns an error unless both were saved in their directory.
    fn are_saved(&self) -> Result<()> {
        self.journals.iter().try_for_each(|journal| journal.borrow().is_saved())
    }

    fn plan(&self, side: usize, clone: &mut Staging) -> Result<PlannedMigration> {
        self.migrations[side].plan(clone, &self.arguments.batching)
    }

    /// Returns whether each migration is a single backfill; the copy used to find out is dropped.
    fn are_backfills(&self) -> Result<bool> {
        let site = self.staging_area.site()?;
        let mut clone = site.connect()?;
        for side in [0, 1] {
            if backfill_of(&self.plan(side, &mut clone)?.steps).is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn in_pairs(&self) -> Result<[Rehearsal; 2]> {
        let (base_site, new_site) = (self.staging_area.site()?, self.staging_area.site()?);
        let (mut base_clone, mut new_clone) = (base_site.connect()?, new_site.connect()?);
        let planned = [self.plan(0, &mut base_clone)?, self.plan(1, &mut new_clone)?];
        for (planned, path) in planned.iter().zip([&self.arguments.base, &self.arguments.new]) {
            tell_left_out(planned, path);
        }
        let mut base = self.begin(0, &mut base_clone, &planned[0])?;
        let mut new = self.begin(1, &mut new_clone, &planned[1])?;
        let mut progress = BenchProgress::new(PAIRS as usize, "pair");
        progress.run_begins(&self.name(), 0.0);
        let played = play_pairs(
            Voice {
                clone: &mut base_clone,
                steps: &planned[0].steps,
                rehearsal: &mut base,
            },
            Voice {
                clone: &mut new_clone,
                steps: &planned[1].steps,
                rehearsal: &mut new,
            },
            &self.conditions(),
            &mut progress,
        );
        drop(progress);
        self.save(0, &base);
        self.save(1, &new);
        if played? {
            Ok([base, new])
        } else {
            Err(self.interrupted("its last pair"))
        }
    }

    fn in_whole_runs(&self, runs: u32) -> Result<[Rehearsal; 2]> {
        let order = schedule(&[0, 0], runs, self.arguments.seed);
        let mut progress = BenchProgress::new(order.len(), "run");
        let mut measured: [Option<Rehearsal>; 2] = [None, None];
        for (done, side) in order.iter().enumerate() {
            let seconds: Vec<f64> = measured.iter().flatten().flat_map(runs::whole_seconds).collect();
            let name = self.path(*side).display().to_string();
            progress.run_begins(&name, runs::mean_seconds(&seconds) * (order.len() - done) as f64);
            let run = WholeRun {
                migration: &self.migrations[*side],
                batching: &self.arguments.batching,
                conditions: self.conditions(),
                throwaway: self.arguments.duet.scratch,
                benchmark: self.benchmark(*side)?,
            };
            let site = self.staging_area.site()?;
            let mut clone = site.connect()?;
            let Some(added) = run.add_to(measured[*side].as_ref(), &mut clone, &mut progress)? else {
                let done: u32 = measured.iter().flatten().map(runs_of).sum();
                return Err(self.interrupted(&format!("run {} of {}", done + 1, order.len())));
            };
            self.save(*side, &added);
            measured[*side] = Some(added);
            progress.run_done();
        }
        match measured {
            [Some(base), Some(new)] => Ok([base, new]),
            _ => Err(self.interrupted("its first run")),
        }
    }

    fn begin(&self, side: usize, clone: &mut Staging, planned: &PlannedMigration) -> Result<Rehearsal> {
        Ok(Rehearsal {
            started_at: now(),
            seed: self.arguments.seed,
            migration: self.migrations[side].name.clone(),
            throwaway: self.arguments.duet.scratch,
            server: clone.read(sampler::server_facts)?,
            tables: planned.tables.clone(),
            benchmark: Some(Benchmark {
                in_pairs: true,
                runs: vec![RunRecord {
                    number: 0,
                    started_at: now(),
                }],
                ..self.benchmark(side)?
            }),
            ..Rehearsal::default()
        })
    }

    fn interrupted(&self, before: &str) -> Error {
        let [base, new] = [0, 1].map(|side| self.file(side).display().to_string());
        Error::new(
            ErrorKind::TooLittleEvidence,
            format!("interrupted before {before} was done"),
        )
        .with_hint(format!(
            "what was measured may still tell: migtime compare {base} {new}"
        ))
    }
}

fn tell_left_out(planned: &PlannedMigration, path: &Path) {
    if planned.steps.len() > 1 {
        output::print_note(&format!(
            "{}: its backfill is compared; the other steps change the catalog only (--runs {RUNS} compares whole runs)",
            path.display()
        ));
    }
}

fn staging_area(arguments: &CompareArguments, migrations: &[MigrationFile]) -> Result<StagingArea> {
    let duet = &arguments.duet;
    if let Some(schema) = &duet.schema {
        let following = migrations.iter().flat_map(MigrationFile::statements);
        let base = ThrowawayBase {
            following: following.map(|statement| statement.sql.as_str()).collect(),
            schema: Some(Filling::read(schema)?),
            rows: duet.rows,
            seed: arguments.seed,
            ..ThrowawayBase::default()
        };
        return base.start(duet.pg_bin.clone());
    }
    let target = connection::staging_target(duet.staging.as_deref())?;
    let mut staging = connection::staging(&target, None, duet.no_password)?;
    foreign_servers::refuse(&mut staging, true, migrations, &duet.outside)?;
    Ok(StagingArea::staging(staging, true, &duet.outside))
}
