//! `migtime plan`: shows what each statement of a migration locks, blocks, rewrites and scans, without running
//! anything, and applies gates.

use std::collections::BTreeMap;

use super::arguments::{PlanArguments, PlanFormat};
use super::migration_file::MigrationFile;
use super::repository::path_in_repository;
use super::watching::LEVEL;
use super::{connection, expand_contract, gates, output};
use crate::catalog::SchemaFacts;
use crate::error::Result;
use crate::migration::{self, PlannedStatement, StepKind};
use crate::model::planned::{self, Sizes};
use crate::report::{self, PlanReport, ci};
use crate::sampler;
use crate::server::{Readable, Reader};
use crate::shown::without_secrets;
use crate::units::counted;

/// Runs the command.
///
/// # Errors
/// `Usage` for a migration that cannot be read; `Connection` when a database was named and cannot be reached.
pub fn run(arguments: &PlanArguments) -> Result<()> {
    let migration = MigrationFile::select(&arguments.migration, &arguments.selection)?;
    migration.is_empty();
    let mut production = connection::production_if_named(&arguments.connection)?;
    if let Some(directory) = &arguments.expand_and_contract {
        return expand_contract::write(migration.statements(), production.as_mut(), directory);
    }
    let report = match &mut production {
        Some(production) => report(&migration, production, arguments.level)?,
        None => {
            let schema = schema_of_files(&migration);
            let planned = migration::plan(migration.statements(), &schema);
            report::assemble_plan(migration.tool(), &schema, planned, &Sizes::new(), arguments.level)
        }
    };
    if let Err(error) = migration.down() {
        output::print_note(&format!("warning: the rollback cannot be read: {error}"));
    }
    let mut verdict = ci::of_plan(&migration.name, &report, &path_in_repository);
    gates::judge(&arguments.deny, &mut verdict);
    let text = match (arguments.format.document(), arguments.format) {
        (Some(document), _) => document.render(std::slice::from_ref(&verdict)),
        (_, PlanFormat::Json) => report::plan_json(&report),
        (_, PlanFormat::Markdown) => report::plan_markdown(&report),
        _ => {
            let (width, colour) = output::terminal();
            let colour = colour && arguments.out.is_none();
            let summary = (!arguments.all).then(|| report::plan_summary(&report, width, colour));
            summary
                .flatten()
                .unwrap_or_else(|| report::plan_terminal(&report, width, colour))
        }
    };
    if production.is_none() {
        output::print_note("hint: name the database with --url, so that the catalog tells what the text does not");
    }
    output::deliver(text.as_bytes(), arguments.out.as_deref())?;
    gates::enforce(&verdict)
}

/// Returns what the migrations before tell of the schema, where there is no database to ask.
fn schema_of_files(migration: &MigrationFile) -> SchemaFacts {
    let schema = migration.earlier().map(|earlier| migration::schema_after(&earlier));
    let schema = schema.unwrap_or_default();
    if !schema.relations.is_empty() {
        let earlier = counted(
            migration.earlier_migrations().len(),
            "earlier migration",
            "earlier migrations",
        );
        output::print_note(&format!(
            "note: the schema is read from {earlier} here, not from a database"
        ));
    }
    schema
}

/// Plans a migration with the catalog of `database`; bounds are those of the interval of `level`.
///
/// # Errors
/// `Connection` when the catalog cannot be read.
pub fn report(migration: &MigrationFile, database: &mut impl Readable, level: f64) -> Result<PlanReport> {
    let (schema, planned, sizes) = read(migration, database)?;
    Ok(report::assemble_plan(migration.tool(), &schema, planned, &sizes, level))
}

/// Reads the schema and the sizes of the relevant tables in two transactions, with the planning between them.
///
/// # Errors
/// `Connection` when the catalog cannot be read.
pub fn read(
    migration: &MigrationFile,
    database: &mut impl Readable,
) -> Result<(SchemaFacts, Vec<PlannedStatement>, Sizes)> {
    let names = migration::names_in(migration.statements());
    for statement in migration.statements().iter().filter(|statement| statement.is_unread()) {
        database
            .read(|reader| reader.check_syntax(&statement.sql))
            .map_err(|error| error.in_context(statement.location()))?;
    }
    let schema = database.read(|reader| sampler::schema(reader, &names))?;
    let planned = migration::plan(migration.statements(), &schema);
    let names = planned::tables_with_rows(&planned, &schema);
    let sizes = if names.is_empty() {
        Sizes::new()
    } else {
        database.read(|reader| sizes(reader, &names))?
    };
    Ok((schema, planned, sizes))
}

/// Returns the expected seconds of each statement, by its text, where a rule of thumb exists.
///
/// # Errors
/// `Connection` when the catalog cannot be read.
pub fn expected_seconds(migration: &MigrationFile, database: &mut impl Readable) -> Result<BTreeMap<String, f64>> {
    let (_, planned, sizes) = read(migration, database)?;
    let (times, _) = planned::times(&planned, &sizes, LEVEL);
    let expected = planned.iter().zip(times).filter_map(|(planned, times)| {
        let seconds = times.duration?.point_seconds;
        (planned.kind() != StepKind::Backfill).then(|| (without_secrets(&planned.statement.sql), seconds))
    });
    Ok(expected.collect())
}

/// Returns the sizes of tables; a table that was just dropped has none.
fn sizes(reader: &mut Reader, names: &[&str]) -> Result<Sizes> {
    let found = sampler::tables_there(reader, names)?;
    let sizes = names.iter().zip(found);
    Ok(sizes
        .filter_map(|(name, facts)| Some((name.to_string(), facts?)))
        .collect())
}
