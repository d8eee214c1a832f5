//! `migtime rehearse`: replay a migration on a clone, save what was measured, and say how long it will take.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::arguments::{BatchArguments, RehearseArguments};
use super::ground::Ground;
use super::migration_file::{MigrationFile, PlannedMigration};
use super::progress::Progress;
use super::results::Results;
use super::{
    connection, exec, foreign, in_place, output, plan, resume, targets,
    watching::{LEVEL, Watcher},
    way_back,
};
use crate::catalog::facts::TableFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{self, stopping};
use crate::observation::{EndReason, Rehearsal};
use crate::rehearsal::journal::Journal;
use crate::rehearsal::resume::{CutOff, Place};
use crate::rehearsal::{Claim, Conditions, Unfinished, history, rehearse};
use crate::sampler;
use crate::server::{ConnectionParameters, Production, Staging, free_disk, signals};
use crate::units::{Bytes, Count, Seconds};

/// The file in which a rehearsal is kept.
pub const REHEARSAL_FILE: &str = "rehearsal.json";

/// Runs the command.
pub fn run(arguments: &RehearseArguments) -> Result<()> {
    if let Some(command) = &arguments.exec {
        return exec::run(arguments, command);
    }
    let migration = MigrationFile::select(&arguments.migration, &arguments.selection)?;
    let rollback = rollback(arguments, &migration)?;
    let production = arguments
        .production
        .as_deref()
        .map(|url| connection::production_parameters(Some(url), arguments.no_password))
        .transpose()?;
    let mut session = production.as_ref().map(Production::connect).transpose()?;
    let directory = directory(arguments);
    let cut_off = match arguments.resume {
        true => Some(resume::cut_off(&directory)?),
        false => None,
    };
    let ground = match arguments.scratch {
        true => prepare_scratch(arguments, &migration)?,
        false => prepare_staging(
            arguments,
            production.as_ref(),
            std::iter::once(&migration).chain(&rollback),
            cut_off.as_ref().map(|cut_off| &cut_off.beginning.place),
        )?,
    };
    let production_tables = match &mut session {
        Some(session) => session.read(|reader| migration.tables(reader))?,
        None => Vec::new(),
    };
    tell_the_floor(arguments);
    let _claim = Claim::of(&directory)?;
    let job = Job {
        migration: &migration,
        rollback: rollback.as_ref(),
        batching: &arguments.batching,
        conditions: conditions(arguments),
        precision: arguments.precision,
        runs: arguments.runs,
        throwaway: arguments.scratch,
        production: production_tables,
        resumable: Resumable {
            log: (arguments.runs == 1 && !arguments.scratch).then(|| directory.join(resume::LOG)),
            cut_off,
        },
    };
    let file = directory.join(REHEARSAL_FILE);
    let mut journal = Journal::new(Some(file.clone())).telling(output::print_note);
    let outcome = job.run(&ground, &mut journal);
    resume::tell(&ground, &journal, &outcome);
    let mut rehearsal = outcome.inspect_err(|_| tell_saved(&journal, &file))?;
    // What was measured for hours must not be lost because production does not answer now.
    let production = read_targets(arguments, &mut rehearsal, &mut journal);
    let results = Results::new(rehearsal, &arguments.options).inspect_err(|_| tell_saved(&journal, &file))?;
    if !results.rehearsal.targets.is_empty() {
        tell_clone(&results, arguments)?;
    }
    results.publish_safely(arguments.format, &directory)?;
    journal.is_saved()?;
    output::print_note(&format!("saved {}", directory.join("report.html").display()));
    production.map_err(|error| error.in_context("the estimate is for the clone's size"))?;
    way_back::check(&results.rehearsal, !ground.works_on_copies())?;
    results.check()
}

/// Reads the rollback that was named, or the way back that belongs to the migration.
fn rollback(arguments: &RehearseArguments, migration: &MigrationFile) -> Result<Option<MigrationFile>> {
    match &arguments.rollback {
        Some(path) => MigrationFile::read(path).map(Some),
        None if arguments.no_rollback => Ok(None),
        None => migration.down(),
    }
}

/// Asks production, if one was named, how large the steps are there, and saves the answer with what was measured.
///
/// It is a session of its own: one that is as old as the rehearsal may long be gone.
fn read_targets(arguments: &RehearseArguments, rehearsal: &mut Rehearsal, journal: &mut Journal) -> Result<()> {
    let Some(url) = arguments.production.as_deref() else {
        return Ok(());
    };
    let mut production = connection::production_at(Some(url), arguments.no_password)?;
    production.read(|reader| targets::aim(reader, rehearsal))?;
    journal.try_save(rehearsal);
    Ok(())
}

/// What is to be rehearsed and how, wherever that is.
pub struct Job<'a> {
    /// The migration.
    pub migration: &'a MigrationFile,
    /// What undoes it, to be rehearsed after it.
    pub rollback: Option<&'a MigrationFile>,
    /// How bare statements are batched.
    pub batching: &'a BatchArguments,
    /// Under which conditions.
    pub conditions: Conditions,
    /// Half width of the interval at which to stop, 0.1 for ±10 %.
    pub precision: Option<f64>,
    /// Whole repetitions, each on a fresh copy.
    pub runs: u32,
    /// Whether the ground is a throwaway server.
    pub throwaway: bool,
    /// The tables in production, where that was asked.
    pub production: Vec<TableFacts>,
    /// What of it was cut off, and may be.
    pub resumable: Resumable,
}

/// How a rehearsal goes on after it was cut off.
#[derive(Default)]
pub struct Resumable {
    /// Where to write down what is needed for it; `None` where it is not worth it.
    pub log: Option<PathBuf>,
    /// The rehearsal that was cut off, to go on with.
    pub cut_off: Option<CutOff>,
}

impl Job<'_> {
    /// Rehearses on `ground`, keeping what is measured in `journal` all the while.
    ///
    /// # Errors
    /// Those of [`rehearse`]; the journal then says how far it came. `Interrupted` when the person interrupts
    /// before anything was measured.
    pub fn run(&self, ground: &Ground, journal: &mut Journal) -> Result<Rehearsal> {
        let mut rehearsal = None;
        for run in 0..self.runs {
            if rehearsal.is_some() && signals::interrupted() {
                break;
            }
            let site = ground.site()?;
            let mut clone = site.connect()?;
            clone.wait_for_locks(self.conditions.lock_timeout);
            tell_unfinished(&mut clone)?;
            if let Some(cut_off) = &self.resumable.cut_off {
                return self.go_on(cut_off, &mut clone, journal);
            }
            let planned = self.migration.plan(&mut clone, self.batching)?;
            let way_back = match self.rollback {
                Some(file) if run == 0 => Some(way_back::Preparation::new(file, self.migration, &site, &mut clone)?),
                _ => None,
            };
            let rehearsal = match &mut rehearsal {
                Some(rehearsal) => rehearsal,
                None => rehearsal.insert(self.begin(&mut clone, &planned)?),
            };
            // Only shown: what cannot be read in time here must not end a rehearsal.
            let expected = plan::expected_seconds(self.migration, &mut clone);
            let mut watcher = Watcher::new(self.precision).expecting(expected.unwrap_or_default());
            let conditions = Conditions {
                growth: growth(&planned.tables, &self.production),
                ..self.conditions.clone()
            };
            if let Some(log) = &self.resumable.log {
                journal.keep_log(self.begin_log(log, ground, &planned, &conditions, rehearsal, &mut clone)?);
            }
            rehearse(
                &mut clone,
                &planned.steps,
                run,
                &conditions,
                rehearsal,
                journal,
                &mut watcher,
            )?;
            if is_interrupted(rehearsal) {
                if let (Some(file), 0) = (self.rollback, run) {
                    way_back::not_come_to(file, rehearsal);
                    journal.try_save(rehearsal);
                }
                break;
            }
            if let Some(way_back) = way_back {
                drop(clone);
                way_back.rehearse(self, &conditions, &site, &planned.steps, rehearsal, journal)?;
            }
        }
        match rehearsal {
            Some(rehearsal) if !is_interrupted(&rehearsal) || has_observations(&rehearsal) => Ok(rehearsal),
            _ => Err(signals::nothing_measured()),
        }
    }

    fn begin(&self, clone: &mut Staging, planned: &PlannedMigration) -> Result<Rehearsal> {
        for table in &planned.tables {
            output::print_note(&sampled(table));
        }
        Ok(Rehearsal {
            started_at: now(),
            seed: self.conditions.seed,
            migration: self.migration.name.clone(),
            throwaway: self.throwaway,
            server: clone.read(sampler::server_facts)?,
            free_disk_bytes: clone.read(free_disk)?,
            tables: planned.tables.clone(),
            ..Rehearsal::default()
        })
    }
}

/// Returns how many times as large as the clone's each of production's tables is.
pub fn growth(clone: &[TableFacts], production: &[TableFacts]) -> BTreeMap<String, f64> {
    let of = |table: &TableFacts| {
        let there = production.iter().find(|there| there.name == table.name)?;
        let growth = there.estimated_rows / table.estimated_rows.max(1.0);
        Some((table.name.clone(), growth))
    };
    clone.iter().filter_map(of).collect()
}

/// Names what others, or a run that was killed, left unfinished on the clone.
pub fn tell_unfinished(clone: &mut Staging) -> Result<()> {
    for warning in Unfinished::of(clone)?.warnings() {
        output::print_note(&format!("warning: {warning}"));
    }
    Ok(())
}

/// Tells whether the person ended the rehearsal.
pub fn is_interrupted(rehearsal: &Rehearsal) -> bool {
    rehearsal
        .ended
        .as_ref()
        .is_some_and(|ended| ended.reason == EndReason::Interrupted)
}

fn has_observations(rehearsal: &Rehearsal) -> bool {
    rehearsal.steps.iter().any(|step| !step.observations.is_empty())
}

/// Says where the measurements are, when the command is about to fail.
pub fn tell_saved(journal: &Journal, file: &Path) {
    match journal.is_saved() {
        Ok(()) if journal.has_saved() => output::print_note(&format!("saved {}", file.display())),
        Ok(()) if journal.holds_earlier() => output::print_note(&format!(
            "nothing was measured: {} is still the earlier rehearsal",
            file.display()
        )),
        Ok(()) => {}
        Err(error) => output::print_note(&format!("warning: {error}")),
    }
}

/// Returns what the sampler found of a table, in one line.
fn sampled(table: &TableFacts) -> String {
    format!(
        "{}: {} rows ± {:.0} %, heap {}, TOAST {}, {} indexes {}",
        table.name,
        Count(table.estimated_rows.round()),
        196.0 * table.rows_relative_sd,
        Bytes(table.heap_bytes),
        Bytes(table.toast_bytes),
        table.indexes.len(),
        Bytes(table.index_bytes)
    )
}

/// Returns the present time as files state it: RFC 3339, UTC.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}

/// Connects to the staging clone, once it is certain that it is not production, and decides whether it is changed itself; refuses
/// what `files` do outside of it.
pub fn prepare_staging<'a>(
    arguments: &RehearseArguments,
    production: Option<&ConnectionParameters>,
    files: impl IntoIterator<Item = &'a MigrationFile>,
    left: Option<&Place>,
) -> Result<Ground> {
    let target = connection::staging_target(arguments.staging.as_deref())?;
    let mut staging = connection::staging(&target, production, arguments.no_password)?;
    staging.wait_for_locks(arguments.lock_timeout.0);
    let copies = match left {
        Some(left) => resume::works_on_a_copy(&mut staging, arguments, left)?,
        None => {
            arguments.sandbox || arguments.runs > 1 || in_place::works_on_a_copy(&mut staging, &arguments.in_place)?
        }
    };
    foreign::refuse(&mut staging, copies, files, &arguments.outside)?;
    let copy = left
        .filter(|left| left.is_copy)
        .map(|left| left.database.name().to_string());
    Ok(Ground::staging(staging, copies, &arguments.outside).in_left_copy(copy))
}

/// Starts a throwaway server, fills it from the schema file, and applies the migrations before those that are rehearsed.
fn prepare_scratch(arguments: &RehearseArguments, migration: &MigrationFile) -> Result<Ground> {
    let earlier = migration.earlier()?;
    let ground = match &arguments.schema {
        Some(schema) => Ground::scratch(schema, arguments.rows, arguments.options.seed, arguments.pg_bin.clone())?,
        None if arguments.migration.is_dir() => Ground::empty(arguments.pg_bin.clone(), &[])?,
        None => {
            return Err(
                Error::new(ErrorKind::Usage, "a throwaway server has no tables for this migration").with_hint(
                    "make them with --schema FILE, or name the directory of all migrations and begin with --from VERSION",
                ),
            );
        }
    };
    if !earlier.is_empty() {
        let count = migration.earlier_migrations();
        output::print_note(&format!("applying the {count} earlier migrations, unmeasured"));
        let progress = Progress::spinner(format!("applying {count} earlier migrations"));
        ground.fill(|client| history::apply(client, &earlier))?;
        progress.finish();
    }
    Ok(ground)
}

fn conditions(arguments: &RehearseArguments) -> Conditions {
    Conditions {
        seed: arguments.options.seed,
        fraction: arguments.fraction,
        full: arguments.full,
        max_seconds: if arguments.full {
            f64::INFINITY
        } else {
            arguments.max_duration.0
        },
        batch_delay: arguments.batching.batch_delay.unwrap_or_default().0,
        lock_timeout: arguments.lock_timeout.0,
        count_exactly: arguments.exact,
        ..Conditions::default()
    }
}

/// Says at once when no rehearsal of a part can be as precise as asked.
fn tell_the_floor(arguments: &RehearseArguments) {
    let floor = stopping::narrowest_partial(LEVEL);
    if arguments.precision.is_some_and(|precision| precision < floor) {
        output::print_note(&format!(
            "hint: the {:.0} % interval from a part of the batches cannot be narrower than ±{:.0} %; --full with --runs 3 \
             gives about ±17 %",
            LEVEL * 100.0,
            floor * 100.0
        ));
    }
}

/// Says what the estimate is for the clone itself, where the main one is for production.
fn tell_clone(results: &Results, arguments: &RehearseArguments) -> Result<()> {
    let options = super::results::model_options(&arguments.options);
    let estimate = model::estimate(&results.rehearsal, &[], &options)?;
    let interval = estimate.interval();
    output::print_note(&format!(
        "on the clone itself: {}, with {:.0} % probability between {} and {}",
        Seconds(estimate.total.point_seconds),
        interval.level * 100.0,
        Seconds(interval.lower_seconds),
        Seconds(interval.upper_seconds)
    ));
    Ok(())
}

/// Returns the directory for the results.
pub fn directory(arguments: &RehearseArguments) -> PathBuf {
    let chosen = arguments.output.clone();
    chosen.unwrap_or_else(|| default_directory(&arguments.migration))
}

/// Returns `reports/<migration>`, where `migtime estimate` looks for rehearsals.
fn default_directory(migration: &Path) -> PathBuf {
    let absolute = std::path::absolute(migration).unwrap_or_else(|_| migration.to_path_buf());
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_owned();
    // The file of a tool that names the directory instead.
    let named_by_directory = ["up.sql", "down.sql"].iter().any(|name| absolute.ends_with(name));
    let name = match absolute.parent() {
        Some(parent) if named_by_directory => stem(parent),
        _ => stem(&absolute),
    };
    Path::new("reports").join(name)
}
