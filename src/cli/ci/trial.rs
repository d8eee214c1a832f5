//! Plans, rehearses, estimates and judges one new migration, and writes its reports.

use std::path::PathBuf;

use super::super::arguments::{BatchArguments, HistoryFlags};
use super::super::job::{Job, ProductionFacts, REHEARSAL_FILE, Resumable};
use super::super::migration_file::MigrationFile;
use super::super::repository::path_in_repository;
use super::super::results::Results;
use super::super::{connection, history, output, plan, rollback, targets};
use super::configuration::Configuration;
use super::staging_place::StagingPlace;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::migration::StepKind;
use crate::model::estimate::{Estimate, SizeInterval, StepEstimate};
use crate::model::transfer::Transfer;
use crate::model::{self, EstimateOptions};
use crate::observation::Rehearsal;
use crate::rehearsal::Conditions;
use crate::rehearsal::saving::journal::Journal;
use crate::report;
use crate::report::ci::{self, Budget, Finding, Level, Rule, Size, StatementVerdict, Storage, Verdict};
use crate::server::signals;

/// A migration and all that is needed to judge it.
pub struct Trial<'a> {
    /// Its limits, and how it is rehearsed.
    pub configuration: &'a Configuration,
    /// Where it is rehearsed.
    pub place: &'a StagingPlace,
    /// The migration.
    pub file: &'a MigrationFile,
    /// Where its reports go.
    pub directory: PathBuf,
    /// How bare statements are batched.
    pub batching: BatchArguments,
    /// Seed of everything random.
    pub seed: u64,
}

/// The result of a trial.
pub struct Tried {
    /// The verdict on it.
    pub verdict: Verdict,
    /// The measurements; `None` if it failed.
    pub rehearsal: Option<Rehearsal>,
    /// Whether its reports are in their directory; the error says where they are otherwise.
    pub saved: Result<()>,
}

impl Trial<'_> {
    /// Plans, rehearses and judges the migration; a migration that fails gets a verdict too.
    ///
    /// # Errors
    /// `Connection`, `UnsafeTarget`, `Usage`; `TooLittleEvidence` when the person interrupts it.
    pub fn run(&self) -> Result<Tried> {
        let (mut verdict, plan_saved) = self.plan()?;
        if self.file.is_empty() {
            return Ok(Tried {
                verdict,
                rehearsal: None,
                saved: plan_saved,
            });
        }
        let (rollback, unreadable) = match self.file.down() {
            Ok(rollback) => (rollback, None),
            Err(error) => (None, Some(error)),
        };
        let file = self.directory.join(REHEARSAL_FILE);
        let mut journal = Journal::new(Some(file)).telling(output::print_note);
        let rehearsal = match self.job(rollback.as_ref())?.run(&self.place.staging_area, &mut journal) {
            Ok(rehearsal) => rehearsal,
            Err(error) if error.kind() == ErrorKind::MigrationFailed => {
                verdict.findings.push(failure(&verdict, &error));
                return Ok(Tried {
                    verdict,
                    rehearsal: None,
                    saved: plan_saved.and(journal.is_saved()),
                });
            }
            Err(error) => return Err(error),
        };
        signals::interruption().refuse()?;
        let rehearsal = self.with_targets(rehearsal, &mut journal)?;
        let (results, too_thin) = self.estimate(rehearsal)?;
        let saved = output::or_in_refuge(&self.directory, |directory| results.save(directory));
        let saved = plan_saved.and(saved).and(journal.is_saved());
        let planned = verdict.statements;
        let traps = verdict.findings;
        verdict = ci::of_rehearsal(&results.rehearsal, &results.estimate, &path_in_repository);
        classify(&mut verdict.statements, &planned);
        let placed: Vec<Finding> = traps.into_iter().map(|trap| renumbered(trap, &verdict)).collect();
        verdict.findings.extend(placed);
        if let Some(error) = too_thin {
            let finding = Finding::of_migration(Rule::CannotBeJudged, verdict.migration.clone(), error.to_string());
            verdict.findings.push(finding);
        }
        judge_rollback(&mut verdict, &results.rehearsal, unreadable.as_ref());
        self.judge(&mut verdict, &results);
        Ok(Tried {
            verdict,
            rehearsal: Some(results.rehearsal),
            saved,
        })
    }

    /// Judges by rule what each statement locks and does, based on the schema before it in the clone, which has the new
    /// migrations before this one; also returns whether that report was saved.
    fn plan(&self) -> Result<(Verdict, Result<()>)> {
        let level = self.configuration.rehearsal.level;
        let plan = plan::report(self.file, &mut self.place.staging_area.staged()?, level)?;
        let saved = output::or_in_refuge(&self.directory, |directory| {
            let write = |name: &str, text: String| output::write_atomically(&directory.join(name), text.as_bytes());
            write("plan.json", report::plan_json(&plan))?;
            write("plan.md", report::plan_markdown(&plan))
        });
        Ok((ci::of_plan(&self.file.name, &plan, &path_in_repository), saved))
    }

    fn job<'b>(&'b self, rollback: Option<&'b MigrationFile>) -> Result<Job<'b>> {
        let rehearsal = &self.configuration.rehearsal;
        let production = match self.place.production.as_deref() {
            Some(url) => {
                connection::production_at(Some(url), true)?.read(|reader| ProductionFacts::read(reader, self.file))?
            }
            None => ProductionFacts::default(),
        };
        Ok(Job {
            migration: self.file,
            rollback,
            batching: &self.batching,
            conditions: Conditions {
                seed: self.seed,
                full: rehearsal.full,
                max_seconds: if rehearsal.full {
                    f64::INFINITY
                } else {
                    rehearsal.max_duration.0
                },
                lock_timeout: rehearsal.lock_timeout.0,
                ..Conditions::default()
            },
            precision: None,
            runs: rehearsal.runs,
            throwaway: self.place.throwaway,
            production,
            resumable: Resumable::default(),
        })
    }

    /// Reads from production how large the steps are there.
    fn with_targets(&self, mut rehearsal: Rehearsal, journal: &mut Journal) -> Result<Rehearsal> {
        if let Some(url) = self.place.production.as_deref() {
            let mut production = connection::production_at(Some(url), true)?;
            production.read(|reader| targets::aim(reader, &mut rehearsal))?;
            journal.try_save(&rehearsal);
        }
        Ok(rehearsal)
    }

    /// Estimates the duration. If the evidence is too thin, the estimate is still shown, with the reason why it is
    /// unreliable.
    fn estimate(&self, rehearsal: Rehearsal) -> Result<(Results, Option<Error>)> {
        let outcomes = history::known(&HistoryFlags::default(), true)?;
        let options = EstimateOptions {
            transfer: Transfer::learn(&outcomes, rehearsal.server.version_num),
            level: self.configuration.rehearsal.level,
            seed: self.seed,
            window: self.configuration.budget.window,
            ..EstimateOptions::default()
        };
        let (estimate, too_thin) = match model::estimate(&rehearsal, &rehearsal.targets, &options) {
            Ok(estimate) => (estimate, None),
            Err(error) if error.kind() == ErrorKind::TooLittleEvidence => {
                let provisional = EstimateOptions {
                    provisional: true,
                    ..options
                };
                let estimate = model::estimate(&rehearsal, &rehearsal.targets, &provisional)?;
                (estimate, Some(error))
            }
            Err(error) => return Err(error),
        };
        let results = Results {
            rehearsal,
            estimate,
            // The limits come from the configuration instead.
            budget: None,
            deny: Vec::new(),
        };
        Ok((results, too_thin))
    }

    fn judge(&self, verdict: &mut Verdict, results: &Results) {
        let allowed = &self.configuration.budget;
        let budget = Budget {
            duration: allowed.duration,
            wal: allowed.wal,
            disk: allowed.disk,
        };
        let mut found = budget.judge(verdict, &storage(&results.estimate));
        found.extend(allowed.longest.iter().flat_map(|gate| gate.judge(verdict)));
        verdict.findings.extend(found);
        verdict.findings.sort_by_key(|finding| finding.statement);
    }
}

/// Returns the estimate's WAL and disk space.
fn storage(estimate: &Estimate) -> Storage {
    let Some(total) = &estimate.storage else {
        return Storage::default();
    };
    let size = |interval: &SizeInterval, is_known: fn(&StepEstimate) -> bool| {
        // Steps that only change the catalog need almost no storage.
        let works = estimate.steps.iter().filter(|step| step.kind != StepKind::CatalogOnly);
        Size {
            point_bytes: interval.point_bytes,
            upper_bytes: interval.upper_bytes,
            uncounted_steps: works.filter(|step| !is_known(step)).map(|step| step.number).collect(),
        }
    };
    Storage {
        wal: Some(size(&total.wal, |step| step.wal_interval.is_some())),
        disk: Some(size(&total.peak, |step| step.disk.is_some())),
    }
}

fn failure(planned: &Verdict, error: &Error) -> Finding {
    let words = sentence_with_excerpt(error);
    let statement = planned
        .statements
        .iter()
        .rfind(|statement| error.location().is_some_and(|found| is_of(statement, found)));
    match statement {
        Some(statement) => Finding::of_statement(Rule::MigrationFailed, statement, words),
        None => Finding::of_migration(Rule::MigrationFailed, planned.migration.clone(), words),
    }
}

/// Says whether something stands where a statement begins.
fn is_of(statement: &StatementVerdict, location: &Location) -> bool {
    let file = location.file.as_ref();
    statement.line == location.line && file.is_none_or(|file| *file == statement.file)
}

/// Adds what is wrong with the rollback; `unreadable` says why it was not even begun.
fn judge_rollback(verdict: &mut Verdict, rehearsal: &Rehearsal, unreadable: Option<&Error>) {
    let migration = verdict.migration.clone();
    // A rollback that did not finish is among the findings already.
    let failed = rollback::check(rehearsal, false)
        .err()
        .filter(|error| error.kind() != ErrorKind::TooLittleEvidence);
    if let Some(error) = failed {
        // The error says more than the estimate's finding.
        verdict.findings.retain(|finding| finding.rule != Rule::RollbackFailed);
        let words = sentence_with_excerpt(&error);
        verdict
            .findings
            .push(Finding::of_migration(Rule::RollbackFailed, migration.clone(), words));
    }
    if let Some(error) = unreadable {
        let words = format!("the rollback cannot be read: {}", sentence_with_excerpt(error));
        verdict
            .findings
            .push(Finding::of_migration(Rule::MigrationFailed, migration, words));
    }
}

/// Takes over from the plan, which had the catalog, what the text of a statement does not tell.
fn classify(statements: &mut [StatementVerdict], planned: &[StatementVerdict]) {
    for statement in statements
        .iter_mut()
        .filter(|statement| statement.kind == StepKind::Unclassified)
    {
        let same = |planned: &&StatementVerdict| planned.line == statement.line && planned.file == statement.file;
        statement.kind = planned.iter().find(same).map_or(statement.kind, |planned| planned.kind);
    }
}

/// Replaces a plan finding's statement number by the rehearsal's number for it.
fn renumbered(mut finding: Finding, rehearsed: &Verdict) -> Finding {
    if finding.statement.is_some() {
        let same = rehearsed
            .statements
            .iter()
            .find(|statement| statement.line == finding.line);
        finding.statement = same.map(|statement| statement.number);
    }
    if finding.rule == Rule::LongLock || finding.rule == Rule::Unclassified {
        // The plan only uses a rule of thumb; the rehearsal has measured it.
        finding.level = Level::Note;
    }
    finding
}

fn sentence_with_excerpt(error: &Error) -> String {
    let lines = error.excerpt().unwrap_or_default().lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => error.to_string(),
        lines => format!("{error}: {}", lines.join("; ")),
    }
}
