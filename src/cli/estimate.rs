//! `migtime estimate`: shows the catalog's facts and estimates durations, without running anything.

use std::path::Path;

use super::arguments::{EstimateArguments, Format};
use super::migration_file::{MigrationFile, PlannedMigration};
use super::results::{Results, model_options};
use super::{connection, history, output, past_rehearsals, rollback, targets};
use crate::catalog::facts::TableFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::migration::{self, Step};
use crate::model::estimate::{Origin, TargetKind};
use crate::model::rule_of_thumb::UnmeasuredStep;
use crate::model::transfer::Transfer;
use crate::model::{self, EstimateOptions, rule_of_thumb};
use crate::observation::{BatchingRecord, Rehearsal, StepRecord};
use crate::report::{self, TableReport};
use crate::sampler::{self, SampleOptions};
use crate::server::{Production, Reader};
use crate::shown::without_secrets;
use crate::units::Count;

/// Time limit for a count, which may read the whole table: hours, but not for ever.
const COUNT_LIMIT: std::time::Duration = std::time::Duration::from_secs(6 * 3600);

/// Runs the command.
pub fn run(arguments: &EstimateArguments) -> Result<()> {
    if let Some(log) = &arguments.batches {
        return from_batch_log(log, arguments);
    }
    match &arguments.migration {
        Some(file) => of_migration(&MigrationFile::select(file, &arguments.selection)?, arguments),
        None => of_tables(arguments),
    }
}

/// Estimates from a batch log of any origin, without a database.
fn from_batch_log(log: &Path, arguments: &EstimateArguments) -> Result<()> {
    let total_rows = arguments.rows.unwrap_or_default() as f64;
    let rehearsal = model::batch_log::read(&output::read_text(log)?, &log.display().to_string(), total_rows)?;
    let results = Results::new(rehearsal, &arguments.options, &[])?;
    results.deliver(arguments.output.format, arguments.output.out.as_deref())?;
    results.check()
}

/// Estimates a migration from its newest rehearsal, or by rule of thumb.
fn of_migration(migration: &MigrationFile, arguments: &EstimateArguments) -> Result<()> {
    if migration.is_empty() {
        return Ok(());
    }
    let outcomes = history::known(&arguments.options.history, arguments.connection.no_password)?;
    let mut production = connection::production(&arguments.connection)?;
    let server = production.read(sampler::server_facts)?;
    let mut planned = migration.plan(&mut production, &arguments.batching)?;
    refine(&mut production, &mut planned.tables, arguments)?;
    let unmeasured = Rehearsal {
        started_at: super::job::now(),
        seed: arguments.options.seed,
        migration: migration.name.clone(),
        server,
        tables: planned.tables.clone(),
        steps: planned.steps.iter().map(StepRecord::new).collect(),
        ..Rehearsal::default()
    };
    let names: Vec<&str> = planned.tables.iter().map(|table| table.name.as_str()).collect();
    let past = past_rehearsals::find(&arguments.reports, &names);
    let past = past
        .into_iter()
        .find(|past| past_rehearsals::is_of(&past.rehearsal, &unmeasured.steps));
    let results = match past {
        Some(past) => {
            output::print_note(&format!("resting on {}", past.place));
            let mut rehearsal = past.rehearsal;
            adopt_batching(&mut rehearsal, &planned.steps, arguments)?;
            production.read(|reader| targets::aim_at(reader, &mut rehearsal, &planned.tables))?;
            Results::new(rehearsal, &arguments.options, &outcomes)?
        }
        None => {
            output::print_note(&format!(
                "hint: nothing was measured yet; rehearse it with migtime rehearse {} --staging URL",
                migration.name
            ));
            by_rule_of_thumb(&mut production, unmeasured, &planned, arguments)?
        }
    };
    results.deliver(arguments.output.format, arguments.output.out.as_deref())?;
    rollback::check(&results.rehearsal, false)?;
    results.check()
}

/// Applies the requested pause between batches to the rehearsed loop.
///
/// # Errors
/// `Usage` when the requested batches differ from the rehearsed ones, as their cost is not known.
fn adopt_batching(rehearsal: &mut Rehearsal, steps: &[Step], arguments: &EstimateArguments) -> Result<()> {
    for (record, step) in rehearsal.steps.iter_mut().zip(steps) {
        let (Some(rehearsed), Some(planned)) = (&mut record.batching, &step.batching) else {
            continue;
        };
        let asked = arguments.batching.batch_size.is_some() || arguments.batching.walk.is_some();
        if asked && (rehearsed.batch_size, rehearsed.walk) != (planned.batch_size, planned.walk) {
            let message = format!(
                "step {} was rehearsed with other batches than asked for now",
                record.number
            );
            return Err(Error::new(ErrorKind::Usage, message).with_hint("rehearse it with these batches first"));
        }
        if let Some(delay) = arguments.batching.batch_delay {
            rehearsed.batch_delay_seconds = delay.0;
        }
    }
    Ok(())
}

fn by_rule_of_thumb(
    production: &mut Production,
    rehearsal: Rehearsal,
    planned: &PlannedMigration,
    arguments: &EstimateArguments,
) -> Result<Results> {
    let mut steps = Vec::new();
    for step in &planned.steps {
        let table = planned
            .tables
            .iter()
            .find(|table| Some(&table.name) == step.table.as_ref());
        let matching = match table {
            Some(table) => matching_rows(production, step, table, arguments)?,
            None => None,
        };
        let known = table.map(|table| (table.estimated_rows, table.rows_relative_sd));
        let (rows, rows_relative_sd) = matching.or(known).unwrap_or_default();
        let delay = arguments.batching.batch_delay.unwrap_or_default().0;
        let batches = match (&step.batching, table) {
            (Some(batching), Some(table)) => production
                .read(|reader| targets::batches(reader, &BatchingRecord::new(batching, delay), table))?
                .unwrap_or(rows / batching.batch_size as f64),
            _ => 1.0,
        };
        steps.push(UnmeasuredStep {
            number: step.number,
            kind: step.kind,
            statement: without_secrets(&step.sql),
            table,
            rows: table.map(|_| rows),
            rows_relative_sd,
            joins: step.joins,
            pause_seconds: delay * (batches - 1.0).max(0.0),
        });
    }
    let mut estimate = rule_of_thumb::estimate(&steps, &model_options(&arguments.options)?);
    estimate.origin = Some(Origin {
        migration: rehearsal.migration.clone(),
        rehearsed_at: String::new(),
        migtime_version: rehearsal.migtime_version.clone(),
        server_version_num: rehearsal.server.version_num,
        target: TargetKind::Production,
    });
    Ok(Results {
        rehearsal,
        estimate,
        budget: arguments.options.budget,
        deny: arguments.options.deny.clone(),
    })
}

/// Returns the number of rows that match a step's predicate, with its relative deviation, if sampling or counting was
/// requested.
fn matching_rows(
    production: &mut Production,
    step: &Step,
    table: &TableFacts,
    arguments: &EstimateArguments,
) -> Result<Option<(f64, f64)>> {
    let Some(batching) = &step.batching else {
        return Ok(None);
    };
    let Some(condition) = &batching.predicate else {
        return Ok(None);
    };
    refuse_more_than_reading(condition, step, arguments)?;
    let names = migration::names_of(condition);
    let predicate = Some((batching.alias.as_str(), condition.as_str()));
    let sampled = if arguments.exact {
        production.read_within(COUNT_LIMIT, |reader| {
            sampler::confine(reader, table, &names)?;
            sampler::exact(reader, table, predicate)
        })?
    } else if arguments.sample {
        let options = SampleOptions::default();
        production.read(|reader| {
            sampler::confine(reader, table, &names)?;
            sampler::sample(reader, table, predicate, arguments.options.seed, options)
        })?
    } else {
        return Ok(None);
    };
    let matching = sampled.matching;
    if let Some(matching) = &matching {
        output::print_note(&format!(
            "{} rows of {} meet {condition}: {:.1} % (95 % interval {:.1} to {:.1} %)",
            Count(matching.rows.round()),
            table.name,
            100.0 * matching.share,
            100.0 * matching.share_lower,
            100.0 * matching.share_upper
        ));
    }
    Ok(matching.map(|matching| (matching.rows, matching.rows_relative_sd)))
}

/// Refuses a condition whose functions may have side effects: a read-only transaction does not prevent them, so on
/// production only conditions known to have none are run.
fn refuse_more_than_reading(condition: &str, step: &Step, arguments: &EstimateArguments) -> Result<()> {
    match migration::more_than_reading(condition) {
        Some(part) if arguments.exact || arguments.sample => Err(Error::at(
            ErrorKind::Usage,
            step.location(),
            format_args!(
                "production is not asked for rows that meet {condition}: {part} may do more than read its columns"
            ),
        )
        .with_hint("leave --sample and --exact out, or rehearse on a clone, which counts there")),
        _ => Ok(()),
    }
}

/// Describes tables, and how long each class of change to them takes.
fn of_tables(arguments: &EstimateArguments) -> Result<()> {
    if arguments.options.budget.is_some() {
        return Err(Error::new(
            ErrorKind::Usage,
            "a budget needs something to be judged: a migration or a batch log",
        )
        .with_hint("add --migration FILE, or --batches CSV --rows N"));
    }
    if !arguments.options.deny.is_empty() {
        return Err(
            Error::new(ErrorKind::Usage, "a gate needs something to be judged: a migration")
                .with_hint("judge one before it runs with migtime plan FILE --deny GATE"),
        );
    }
    if arguments.output.format == Format::Html || arguments.output.format.document().is_some() {
        return Err(
            Error::new(ErrorKind::Usage, "a table has no such report, only a migration has")
                .with_hint("use --format terminal, json, csv or markdown"),
        );
    }
    let names: Vec<&str> = arguments.table.iter().map(String::as_str).collect();
    let outcomes = history::known(&arguments.options.history, arguments.connection.no_password)?;
    let mut production = connection::production(&arguments.connection)?;
    let (server, mut tables) = production
        .read(|reader: &mut Reader| Ok((sampler::server_facts(reader)?, sampler::tables(reader, &names)?)))?;
    refine(&mut production, &mut tables, arguments)?;
    let mut content = Vec::new();
    for table in tables {
        let past = past_rehearsals::find(&arguments.reports, &[table.name.as_str()]);
        let options = EstimateOptions {
            transfer: Transfer::learn(&outcomes, server.version_num),
            ..model_options(&arguments.options)?
        };
        let mut hints = report::table_hints(&table, &past);
        let growth = options.growth.iter();
        hints.extend(growth.flat_map(|growth| growth.sentences([(Some(table.name.as_str()), table.estimated_rows)])));
        let hardware = options.hardware.iter().filter(|_| !past.is_empty());
        hints.extend(hardware.flat_map(|hardware| hardware.told(&[])));
        let report = TableReport {
            server: server.clone(),
            level: options.level,
            classes: report::class_estimates(&table, &past, &options),
            hints,
            table,
        };
        content.extend(rendered(&report, arguments));
    }
    output::deliver(&content, arguments.output.out.as_deref())
}

fn rendered(report: &TableReport, arguments: &EstimateArguments) -> Vec<u8> {
    match arguments.output.format {
        Format::Json => report::table_json(report).into_bytes(),
        Format::Csv => report::table_csv(report),
        Format::Markdown => report::table_markdown(report).into_bytes(),
        _ => {
            let (width, colour) = output::terminal();
            let colour = colour && arguments.output.out.is_none();
            report::terminal_table(report, width, colour).into_bytes()
        }
    }
}

/// Replaces the catalog's row estimates by sampled or counted ones, if requested.
fn refine(production: &mut Production, tables: &mut [TableFacts], arguments: &EstimateArguments) -> Result<()> {
    for table in tables {
        if arguments.exact {
            production
                .read_within(COUNT_LIMIT, |reader| sampler::exact(reader, table, None))?
                .refine(table);
        } else if arguments.sample {
            let (seed, options) = (arguments.options.seed, SampleOptions::default());
            production
                .read(|reader| sampler::sample(reader, table, None, seed, options))?
                .refine(table);
        }
    }
    Ok(())
}
