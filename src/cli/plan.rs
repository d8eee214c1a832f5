//! `migtime plan`: what each statement of a migration locks, blocks, rewrites and scans, without running anything; and the
//! gates on it.

use std::collections::BTreeMap;

use super::arguments::{PlanArguments, PlanFormat};
use super::migration_file::MigrationFile;
use super::repository::path_in_repository;
use super::watching::LEVEL;
use super::{connection, expand_contract, gates, output};
use crate::catalog::SchemaFacts;
use crate::error::Result;
use crate::migration::{self, LockMode, PlannedStatement, PlannedTable, StepKind};
use crate::model::estimate::Prediction;
use crate::model::planned::{self, Sizes, Times};
use crate::report::ci::{self, Rule};
use crate::report::{self, PlanReport, PlannedLock, Remark, StatementReport};
use crate::sampler;
use crate::server::{Readable, Reader};
use crate::shown::without_secrets;
use crate::units::Seconds;

/// Locks held longer than this are worth another form.
const LONG_SECONDS: f64 = 1.0;

/// Runs the command.
///
/// # Errors
/// `Usage` for a migration that cannot be read; `Connection` when a database was named and cannot be reached.
pub fn run(arguments: &PlanArguments) -> Result<()> {
    let migration = MigrationFile::select(&arguments.migration, &arguments.selection)?;
    let mut production = connection::production_if_named(&arguments.connection)?;
    if let Some(directory) = &arguments.expand_and_contract {
        return expand_contract::write(migration.statements(), production.as_mut(), directory);
    }
    let report = match &mut production {
        Some(production) => report(&migration, production, arguments.level)?,
        None => {
            let schema = SchemaFacts::default();
            let planned = migration::plan(migration.statements(), &schema);
            assembled(&migration, &schema, planned, &Sizes::new(), arguments.level)
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
            report::plan_terminal(&report, width, colour && arguments.out.is_none())
        }
    };
    if production.is_none() {
        output::print_note("hint: name the database with --url, so that the catalog tells what the text does not");
    }
    output::deliver(text.as_bytes(), arguments.out.as_deref())?;
    gates::enforce(&verdict)
}

/// Plans a migration with the catalog at hand; bounds are those of the interval of `level`.
///
/// # Errors
/// `Connection` when the catalog cannot be read.
pub fn report(migration: &MigrationFile, database: &mut impl Readable, level: f64) -> Result<PlanReport> {
    let (schema, planned, sizes) = read(migration, database)?;
    Ok(assembled(migration, &schema, planned, &sizes, level))
}

/// Reads the schema, and the sizes of the tables that matter by it, in two transactions with the planning in between.
fn read(
    migration: &MigrationFile,
    database: &mut impl Readable,
) -> Result<(SchemaFacts, Vec<PlannedStatement>, Sizes)> {
    let names = migration::names_in(migration.statements());
    let schema = database.read(|reader| sampler::schema(reader, &names))?;
    let planned = migration::plan(migration.statements(), &schema);
    let names = sized(&planned, &schema);
    let sizes = match names.is_empty() {
        true => Sizes::new(),
        false => database.read(|reader| sizes(reader, &names))?,
    };
    Ok((schema, planned, sizes))
}

/// Returns by its text how many seconds each statement takes by rule of thumb, where that can be told.
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

fn assembled(
    migration: &MigrationFile,
    schema: &SchemaFacts,
    planned: Vec<PlannedStatement>,
    sizes: &Sizes,
    level: f64,
) -> PlanReport {
    let (times, total) = planned::times(&planned, sizes, level);
    PlanReport {
        recognised_as: migration.tool().name(),
        total,
        statements: planned
            .into_iter()
            .zip(times)
            .map(|(planned, times)| statement(planned, times, schema))
            .collect(),
        rules: rules(schema),
    }
}

fn rules(schema: &SchemaFacts) -> String {
    match schema.version_num {
        0 => "By the rules of PostgreSQL 14, without a look into the catalog.".to_string(),
        version => format!(
            "By the rules of PostgreSQL {} and the catalog of {}.",
            version / 10_000,
            "the named database"
        ),
    }
}

/// Returns the names of the tables whose rows are worked on, and of which the catalog knows the size.
fn sized<'planned>(planned: &'planned [PlannedStatement], schema: &SchemaFacts) -> Vec<&'planned str> {
    let mut names = planned::tables(planned);
    names.retain(|name| {
        schema
            .named(name)
            .is_some_and(|found| matches!(found.kind.as_str(), "r" | "p" | "m"))
    });
    names
}

/// Returns the sizes of tables; one that was dropped a moment ago has none.
fn sizes(reader: &mut Reader, names: &[&str]) -> Result<Sizes> {
    let found = sampler::tables_there(reader, names)?;
    let sizes = names.iter().zip(found);
    Ok(sizes
        .filter_map(|(name, facts)| Some((name.to_string(), facts?)))
        .collect())
}

fn statement(planned: PlannedStatement, times: Times, schema: &SchemaFacts) -> StatementReport {
    let kind = planned.kind();
    let scanned = planned.scanned().to_vec();
    let is_transaction_edge = planned.effects.is_none();
    let effects = planned.effects.unwrap_or_default();
    let mut warnings: Vec<Remark> = planned.warnings.iter().cloned().map(Remark::from).collect();
    warnings.extend(effects.unknown.iter().map(|reason| Remark {
        rule: Rule::Unclassified,
        text: format!("unknown: {reason}"),
    }));
    let others_wait = |name: &String| {
        !matches!(
            planned.tables.get(name),
            Some(PlannedTable::Empty | PlannedTable::Filled)
        )
    };
    let locks = effects.locks.iter().filter(|(name, _)| others_wait(name));
    let strongest = locks.map(|(_, mode)| *mode).max();
    let works = !matches!(kind, StepKind::CatalogOnly);
    let blocks_writes = works && (strongest.is_some_and(|mode| mode >= LockMode::Share) || kind == StepKind::Dml);
    // Without sizes the table may be big.
    let may_be_long = blocks_writes
        && match times.held {
            Some(held) => held.point_seconds >= LONG_SECONDS,
            None => !schema.is_known(),
        };
    if let (Some(held), Some(mode), true) = (times.held, strongest, may_be_long) {
        warnings.push(Remark {
            rule: Rule::LongLock,
            text: in_words(held, mode),
        });
    }
    StatementReport {
        number: planned.statement.number,
        file: planned.statement.file.clone(),
        line: planned.statement.line,
        statement: without_secrets(&planned.statement.sql),
        step_kind: kind,
        duration: times.duration,
        locks: effects
            .locks
            .into_iter()
            .map(|(relation, mode)| PlannedLock {
                // What the migration itself has made, nobody else waits for.
                keeps_others_waiting: others_wait(&relation),
                relation,
                mode,
                held: times.held,
            })
            .collect(),
        rewritten: effects.rewritten,
        scanned,
        transaction: effects.transaction,
        rollback: effects.rollback.map(|words| without_secrets(&words)),
        safe_form: may_be_long
            .then(|| migration::safe_form(&planned.statement))
            .flatten()
            .map(|sql| without_secrets(&sql)),
        warnings,
        is_transaction_edge,
    }
}

fn in_words(held: Prediction, mode: LockMode) -> String {
    format!(
        "holds {mode} for about {} (rule of thumb; with {:.0} % probability between {} and {})",
        Seconds(held.point_seconds),
        held.level * 100.0,
        Seconds(held.lower_seconds),
        Seconds(held.upper_seconds)
    )
}
