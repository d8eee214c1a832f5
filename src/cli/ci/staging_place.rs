//! Where the new migrations are rehearsed: on copies of the staging clone, or of a throwaway server in the base's
//! state.

use super::super::arguments::{BatchArguments, CiArguments, OutsideArguments};
use super::super::job::{Job, ProductionFacts, Resumable};
use super::super::migration_file::{MigrationFile, statements};
use super::super::progress::Progress;
use super::super::staging_area::StagingArea;
use super::super::throwaway_base::{Filling, ThrowawayBase};
use super::super::{connection, foreign_servers, output};
use super::configuration::Configuration;
use super::pending::Pending;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::Statement;
use crate::rehearsal::saving::journal::Journal;
use crate::rehearsal::{Conditions, history};

/// A staging area in which each migration follows those before it.
pub struct StagingPlace {
    /// Where copies are made.
    pub staging_area: StagingArea,
    /// Whether it is a throwaway server.
    pub throwaway: bool,
    /// Production, if it was named; only ever read.
    pub production: Option<String>,
}

impl StagingPlace {
    /// Uses the staging clone that `MIGTIME_STAGING_URL` names, or else creates a throwaway server. Each of `files`
    /// will be applied before the next.
    ///
    /// # Errors
    /// `Connection`, `UnsafeTarget`; `MigrationFailed` with `file:line` when the base's own migrations fail.
    pub fn prepare(
        arguments: &CiArguments,
        configuration: &Configuration,
        pending: &Pending,
        files: &[MigrationFile],
    ) -> Result<StagingPlace> {
        let production = variable("MIGTIME_PRODUCTION_URL");
        let staging = variable("MIGTIME_STAGING_URL");
        let staging_area = match &staging {
            Some(target) => staging_ground(target, production.as_deref(), files, &arguments.outside)?,
            None => throwaway_server(arguments, configuration, pending, files)?,
        };
        Ok(StagingPlace {
            staging_area,
            throwaway: staging.is_none(),
            production,
        })
    }

    /// Runs a whole migration, so that the next one can follow it.
    ///
    /// # Errors
    /// `MigrationFailed` with `file:line`.
    pub fn apply(&self, file: &MigrationFile, batching: &BatchArguments) -> Result<()> {
        let progress = Progress::spinner(format!("applying {}", file.name));
        let batched = file
            .statements()
            .iter()
            .any(|statement| !statement.placeholders.is_empty());
        if batched {
            self.apply_in_batches(file, batching)?
        } else {
            self.staging_area
                .fill(|client| history::apply(client, file.statements()))?
        }
        progress.finish();
        Ok(())
    }

    /// Runs a migration whose placeholders only a rehearsal fills in.
    fn apply_in_batches(&self, file: &MigrationFile, batching: &BatchArguments) -> Result<()> {
        let job = Job {
            migration: file,
            rollback: None,
            batching,
            conditions: Conditions {
                full: true,
                max_seconds: f64::INFINITY,
                ..Conditions::default()
            },
            precision: None,
            runs: 1,
            throwaway: self.throwaway,
            production: ProductionFacts::default(),
            resumable: Resumable::default(),
        };
        job.run(&self.staging_area.in_place(), &mut Journal::new(None))
            .map(drop)
    }
}

/// Returns the value of a variable; services set unused ones to an empty text.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn staging_ground(
    target: &str,
    production: Option<&str>,
    files: &[MigrationFile],
    allowed: &OutsideArguments,
) -> Result<StagingArea> {
    let production = production
        .map(|url| connection::production_parameters(Some(url), true))
        .transpose()?;
    let mut staging = connection::staging(target, production.as_ref(), true)?;
    // One that cannot be read is not run either, and is reported with its migration.
    let rollbacks: Vec<MigrationFile> = files.iter().filter_map(|file| file.down().ok().flatten()).collect();
    // Done before anything is copied, and for all files: otherwise the first ones may run for hours before the last is
    // refused.
    foreign_servers::refuse(&mut staging, true, files.iter().chain(&rollbacks), allowed)?;
    if files.len() > 1 {
        StagingArea::copy_of(staging, allowed)
    } else {
        Ok(StagingArea::staging(staging, true, allowed))
    }
}

fn throwaway_server(
    arguments: &CiArguments,
    configuration: &Configuration,
    pending: &Pending,
    files: &[MigrationFile],
) -> Result<StagingArea> {
    let throwaway = &configuration.throwaway;
    if throwaway.schema.is_none() && throwaway.fill.is_none() && pending.applied.is_empty() {
        output::print_note("hint: nothing fills the tables: name rows with fill under [throwaway] in migtime.toml");
    }
    let rollbacks: Vec<MigrationFile> = files.iter().filter_map(|file| file.down().ok().flatten()).collect();
    let following = files.iter().chain(&rollbacks).flat_map(MigrationFile::statements);
    let base = ThrowawayBase {
        tool: pending.tool,
        applied: &pending.applied,
        statements: match throwaway.schema {
            Some(_) => Vec::new(),
            None => applied_statements(pending)?,
        },
        following: following.map(|statement| statement.sql.as_str()).collect(),
        schema: throwaway.schema.as_deref().map(Filling::read).transpose()?,
        fill: throwaway.fill.as_deref().map(Filling::read).transpose()?,
        rows: throwaway.rows,
        seed: arguments.seed,
    };
    let started = if arguments.no_cache {
        base.start(arguments.pg_bin.clone())
    } else {
        base.start_cached(arguments.pg_bin.clone())
    };
    started.map_err(|error| explained(error, pending))
}

/// Reads the statements of the base's migrations that can run before there are rows.
fn applied_statements(pending: &Pending) -> Result<Vec<Statement>> {
    let mut applied = statements(pending.tool, pending.applied.iter().map(|migration| &migration.up))?;
    applied.retain(|statement| {
        let batched = !statement.placeholders.is_empty();
        if batched {
            let place = format!("{}:{}", statement.file, statement.line);
            output::print_note(&format!(
                "{place}: passed over, because the tables hold no rows yet that it could fill"
            ));
        }
        !batched
    });
    Ok(applied)
}

fn explained(error: Error, pending: &Pending) -> Error {
    let not_run = pending
        .not_run()
        .map(|not_run| format!("; {not_run}"))
        .unwrap_or_default();
    match error.kind() {
        ErrorKind::MigrationFailed => error.in_context("on the base").with_hint(format!(
            "the base's own history does not run on an empty database: name its schema with schema under [throwaway], \
             or a staging clone{not_run}"
        )),
        _ => error,
    }
}
