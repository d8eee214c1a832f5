//! `migtime plan`: what each statement of a migration locks, blocks, rewrites and scans, without running anything.

use std::collections::BTreeMap;

use super::arguments::{PlanArguments, PlanFormat};
use super::migration_file::MigrationFile;
use super::{connection, output};
use crate::catalog::{self, SchemaFacts, facts::TableFacts};
use crate::error::{ErrorKind, Result};
use crate::migration::{self, Effects, LockMode, PlannedStatement, StepKind};
use crate::model::EstimateOptions;
use crate::model::rule_of_thumb::{self, UnmeasuredStep};
use crate::report::ci::Rule;
use crate::report::{self, PlanReport, PlannedLock, Remark, StatementReport};
use crate::server::{Production, Reader};
use crate::units::Seconds;

/// Locks held longer than this are worth another form.
const LONG_SECONDS: f64 = 1.0;

/// Sizes of tables, by qualified name.
type Sizes = BTreeMap<String, TableFacts>;

/// Runs the command.
///
/// # Errors
/// `Usage` for a migration that cannot be read; `Connection` when a database was named and cannot be reached.
pub fn run(arguments: &PlanArguments) -> Result<()> {
    let migration = MigrationFile::read(&arguments.migration)?;
    let mut production = connection::production_if_named(&arguments.connection)?;
    let schema = match &mut production {
        Some(production) => {
            let names = migration::names_in(migration.statements());
            production.read(|reader: &mut Reader| catalog::schema(reader, &names))?
        }
        None => SchemaFacts::default(),
    };
    let planned = migration::plan(migration.statements(), &schema);
    let sizes = match &mut production {
        Some(production) => sizes(production, &planned, &schema)?,
        None => Sizes::new(),
    };
    let report = PlanReport {
        recognised_as: "plain-sql",
        statements: planned
            .iter()
            .map(|planned| statement(planned, &schema, &sizes))
            .collect(),
        rules: rules(&schema),
    };
    let text = match arguments.format {
        PlanFormat::Json => report::plan_json(&report),
        PlanFormat::Markdown => report::plan_markdown(&report),
        PlanFormat::Terminal => {
            let (width, colour) = output::terminal();
            report::plan_terminal(&report, width, colour && arguments.out.is_none())
        }
    };
    if production.is_none() {
        output::print_note("hint: name the database with --url, so that the catalog tells what the text does not");
    }
    output::deliver(text.as_bytes(), arguments.out.as_deref())
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

/// Returns the sizes of the tables whose rows are worked on.
fn sizes(production: &mut Production, planned: &[PlannedStatement], schema: &SchemaFacts) -> Result<Sizes> {
    let mut names: Vec<&str> = planned
        .iter()
        .filter_map(|planned| planned.effects.as_ref())
        .flat_map(worked_on)
        .collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| {
        schema
            .named(name)
            .is_some_and(|found| matches!(found.kind.as_str(), "r" | "p" | "m"))
    });
    production.read(|reader| {
        let mut sizes = Sizes::new();
        for name in names {
            match catalog::table(reader, name) {
                Ok(facts) => {
                    sizes.insert(name.to_string(), facts);
                }
                // Dropped a moment ago: its size matters no more.
                Err(error) if error.kind() == ErrorKind::Usage => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sizes)
    })
}

/// Returns the tables whose rows a statement works on.
fn worked_on(effects: &Effects) -> Vec<&str> {
    let mut names: Vec<&str> = effects
        .scanned
        .iter()
        .chain(&effects.indexed)
        .map(String::as_str)
        .collect();
    if names.is_empty() && effects.kind() == StepKind::Dml {
        names.extend(effects.locks.iter().map(|(name, _)| name.as_str()).take(1));
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn statement(planned: &PlannedStatement, schema: &SchemaFacts, sizes: &Sizes) -> StatementReport {
    let effects = planned.effects.clone().unwrap_or_default();
    let kind = effects.kind();
    let mut warnings: Vec<Remark> = planned.warnings.iter().cloned().map(Remark::from).collect();
    warnings.extend(effects.unknown.iter().map(|reason| Remark {
        rule: Rule::Unclassified,
        text: format!("unknown: {reason}"),
    }));
    let strongest = effects.locks.iter().map(|(_, mode)| *mode).max();
    let works = !matches!(kind, StepKind::CatalogOnly);
    let blocks_writes = strongest.is_some_and(|mode| mode >= LockMode::Share) || kind == StepKind::Dml;
    let hold = if works && blocks_writes {
        hold(&effects, kind, sizes)
    } else {
        None
    };
    // Without sizes the table may be big.
    let may_be_long = match &hold {
        Some(hold) => hold.point >= LONG_SECONDS,
        None => works && blocks_writes && !schema.is_known(),
    };
    if let (Some(hold), Some(mode), true) = (&hold, strongest, may_be_long) {
        warnings.push(Remark {
            rule: Rule::LongLock,
            text: hold.in_words(mode),
        });
    }
    StatementReport {
        number: planned.statement.number,
        file: planned.statement.file.clone(),
        line: planned.statement.line,
        statement: planned.statement.sql.clone(),
        step_kind: kind,
        locks: effects
            .locks
            .into_iter()
            .map(|(relation, mode)| PlannedLock { relation, mode })
            .collect(),
        rewritten: effects.rewritten,
        scanned: effects.scanned,
        transaction: effects.transaction,
        rollback: effects.rollback,
        safe_form: may_be_long
            .then(|| migration::safe_form(&planned.statement.sql))
            .flatten(),
        warnings,
        is_transaction_edge: planned.effects.is_none(),
    }
}

/// How long a lock will be held, in seconds, by rule of thumb.
struct Hold {
    point: f64,
    lower: f64,
    upper: f64,
}

impl Hold {
    fn in_words(&self, mode: LockMode) -> String {
        format!(
            "holds {mode} for about {} (rule of thumb; with 95 % probability between {} and {})",
            Seconds(self.point),
            Seconds(self.lower),
            Seconds(self.upper)
        )
    }
}

fn hold(effects: &Effects, kind: StepKind, sizes: &Sizes) -> Option<Hold> {
    let tables: Vec<&TableFacts> = worked_on(effects)
        .into_iter()
        .filter_map(|name| sizes.get(name))
        .collect();
    let steps: Vec<UnmeasuredStep> = tables
        .iter()
        .enumerate()
        .map(|(index, table)| UnmeasuredStep {
            number: index as u32 + 1,
            kind,
            statement: String::new(),
            table: Some(table),
            rows: None,
            rows_relative_sd: table.rows_relative_sd,
            joins: false,
            pause_seconds: 0.0,
        })
        .collect();
    if steps.is_empty() {
        return None;
    }
    let estimate = rule_of_thumb::estimate(&steps, &EstimateOptions::default());
    let interval = estimate.interval();
    Some(Hold {
        point: estimate.total.point_seconds,
        lower: interval.lower_seconds,
        upper: interval.upper_seconds,
    })
}
