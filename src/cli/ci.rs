//! `migtime ci`: the whole job for a pull request. Finds the migrations that are new since a git base, plans and
//! rehearses them, checks them against the budgets of `migtime.toml`, and writes all reports.

mod configuration;
mod git;
mod pending;
mod publish;
mod regression;
mod staging_place;
mod trial;
mod unjudged;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::arguments::{BatchArguments, CiArguments};
use super::migration_file::MigrationFile;
use super::{output, repository::path_in_repository};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::migration::Tool;
use crate::migration::formats::{LeftOut, Migration};
use crate::observation::Rehearsal;
use crate::rehearsal::DirectoryLock;
use crate::report;
use crate::report::ci::{Finding, Level, Rule, Verdict};
use crate::server::signals;
use crate::units::counted;
pub use configuration::Configuration;
use git::{MergeBase, Repository};
use pending::{Pending, Told};
use staging_place::StagingPlace;
use trial::{Trial, Tried};

/// Runs the command.
///
/// # Errors
/// `MigrationFailed` when a migration failed, else `Gate` when a gate was violated, else `TooLittleEvidence` when a
/// gate could not be decided; `Usage` for a base, a configuration or a migration that cannot be read; `Connection` for
/// databases.
pub fn run(arguments: &CiArguments) -> Result<()> {
    let migrations = arguments.migrations.display().to_string();
    let _claim = DirectoryLock::of(&arguments.output)?;
    // However the job ends, files of an earlier job must not be mistaken for its own. If no file can be written, that
    // is reported when the verdicts cannot be written either.
    let _ = publish::save(&[unjudged::cut_off(&migrations)], &arguments.output);
    let (mut verdicts, mut saved) = (Vec::new(), Ok(()));
    let judged = judge(arguments, &migrations, &mut verdicts, &mut saved);
    // Findings from before an error are worth publishing too.
    let published = publish::publish(&verdicts, &arguments.output);
    if let (Err(_), Err(error)) = (&judged, &published) {
        output::print_note(&format!("warning: {error}"));
    }
    judged?;
    published?;
    outcome(&verdicts)?;
    saved
}

/// Judges everything new. If that fails, `verdicts` say so, and `saved` says which reports could not be saved in their
/// directory.
fn judge(arguments: &CiArguments, migrations: &str, verdicts: &mut Vec<Verdict>, saved: &mut Result<()>) -> Result<()> {
    let (configuration, pending) = match begin(arguments) {
        Ok(begun) => begun,
        Err(error) => {
            unjudged::tell(verdicts, None, migrations, &error);
            return Err(error);
        }
    };
    verdicts.extend(pending.changed.iter().map(changed));
    verdicts.extend(pending.left_out.iter().map(|left| left_out(left, pending.tool)));
    let mut judged = Judged {
        verdicts,
        rehearsed: Vec::new(),
        saved,
    };
    let tried = try_all(arguments, &configuration, &pending, &mut judged)
        .and_then(|()| compare(arguments, &configuration, judged.rehearsed, judged.verdicts));
    if configuration.rehearsal.allow_too_little_evidence {
        allow_too_little_evidence(verdicts);
    }
    if let Err(error) = &tried {
        unjudged::tell(verdicts, Some(&pending), migrations, error);
    }
    tried
}

/// Reads the configuration and finds the new migrations.
fn begin(arguments: &CiArguments) -> Result<(Configuration, Pending)> {
    let repository = Repository::of(&arguments.migrations)?;
    let configuration = Configuration::read(arguments.config.as_deref(), repository.root())?;
    let base = repository.merge_base(arguments.base.as_deref())?;
    let told = Told {
        tool: arguments.format_of,
        version: arguments.tool_version.clone(),
    };
    let pending = Pending::since(&repository, &base.commit, &arguments.migrations, &told)?;
    tell(&pending, &base);
    Ok((configuration, pending))
}

/// What came of the migrations so far.
struct Judged<'a> {
    /// What was found, a migration each.
    verdicts: &'a mut Vec<Verdict>,
    /// The rehearsals of those that came to their end.
    rehearsed: Vec<Rehearsal>,
    /// Whether all reports are where they were to be; those that are not keep no migration from being judged.
    saved: &'a mut Result<()>,
}

impl Judged<'_> {
    /// Takes what came of one migration, and returns whether it failed.
    fn take(&mut self, tried: Tried, pending: &Pending, unit: &[Migration]) -> bool {
        let mut verdict = tried.verdict;
        verdict.part = (pending.tool == Tool::Liquibase).then(|| unit[0].name.clone());
        let came_to_its_end = tried.rehearsal.is_some();
        self.rehearsed.extend(tried.rehearsal);
        if let Err(error) = tried.saved {
            output::print_note(&format!("warning: {error}"));
            *self.saved = Err(error);
        }
        let is_failure = |finding: &&mut Finding| !came_to_its_end && finding.rule == Rule::MigrationFailed;
        let failure = verdict.findings.iter_mut().find(is_failure);
        let failed = failure.is_some();
        if let (Some(failure), Some(not_run)) = (failure, pending.not_run()) {
            failure.message += &format!("; {not_run}");
        }
        self.verdicts.push(verdict);
        failed
    }
}

/// Rehearses the new migrations in order, up to the first that fails, because later ones build on it. Reports that
/// could not be `saved` in their directory do not prevent the next migrations from being judged.
fn try_all(
    arguments: &CiArguments,
    configuration: &Configuration,
    pending: &Pending,
    judged: &mut Judged,
) -> Result<()> {
    if pending.new.is_empty() {
        return Ok(());
    }
    let units = pending.units();
    let files = units
        .iter()
        .map(|unit| MigrationFile::of(pending.tool, unit))
        .collect::<Result<Vec<_>>>()?;
    let place = StagingPlace::prepare(arguments, configuration, pending, &files)?;
    let mut directories = Directories::default();
    for (index, (unit, file)) in units.iter().zip(&files).enumerate() {
        output::print_note(&format!("{} of {}: {}", index + 1, files.len(), file.name));
        let trial = Trial {
            configuration,
            place: &place,
            file,
            directory: directories.next_for(&arguments.output, &unit[0].name),
            batching: BatchArguments {
                batch_size: configuration.rehearsal.batch_size,
                ..BatchArguments::default()
            },
            seed: arguments.seed,
        };
        let failed = judged.take(trial.run()?, pending, unit);
        signals::interruption().refuse()?;
        if failed {
            let untried = files[index + 1..].iter();
            judged
                .verdicts
                .extend(untried.map(|file| not_tried(file, &files[index].name)));
            break;
        }
        if index + 1 < files.len() {
            place.apply(file, &trial.batching)?;
        }
    }
    Ok(())
}

/// Compares with the baseline of `migtime.toml`, if it names one.
fn compare(
    arguments: &CiArguments,
    configuration: &Configuration,
    rehearsed: Vec<Rehearsal>,
    verdicts: &mut [Verdict],
) -> Result<()> {
    let Some(regression) = &configuration.regression else {
        return Ok(());
    };
    match regression::judge(regression, rehearsed, verdicts, arguments.seed)? {
        Some(comparison) => {
            let text = report::comparison_markdown(&comparison);
            output::write_atomically(&arguments.output.join("comparison.md"), text.as_bytes())
        }
        None => Ok(()),
    }
}

fn tell(pending: &Pending, base: &MergeBase) {
    let commit = base.commit.get(..12).unwrap_or(&base.commit);
    output::print_note(&match pending.new.len() {
        0 => format!("no migration is new since {commit}: nothing to judge"),
        new => format!("{} new since {commit}", counted(new, "migration is", "migrations are")),
    });
    if base.is_head && pending.new.is_empty() {
        output::print_note(&format!(
            "hint: HEAD is on {} itself; --base HEAD~1 judges its last commit",
            base.name
        ));
    }
}

fn changed(migration: &Migration) -> Verdict {
    let file = path_in_repository(migration.up.file());
    let message = "changed although the base has it: databases that ran it as it was will not run it again";
    Verdict {
        findings: vec![Finding::of_migration(Rule::ChangedOnBase, file.clone(), message)],
        migration: file,
        ..Verdict::default()
    }
}

fn left_out(left: &LeftOut, tool: Tool) -> Verdict {
    let file = path_in_repository(&left.file);
    let message = match left.language {
        Some(language) => format!("not judged: it is a program in {language}, which is not run here"),
        None => format!("not judged: {} does not run this file", tool.name()),
    };
    let mut finding = Finding::of_migration(Rule::CannotBeJudged, file.clone(), message);
    if !left.is_like_a_migration {
        finding.level = Level::Warning;
    }
    Verdict {
        findings: vec![finding],
        migration: file,
        ..Verdict::default()
    }
}

fn not_tried(file: &MigrationFile, failed: &str) -> Verdict {
    let name = path_in_repository(&file.name);
    let message = format!("not rehearsed, because {failed} before it failed");
    Verdict {
        findings: vec![Finding::of_migration(Rule::CannotBeJudged, name.clone(), message)],
        migration: name,
        ..Verdict::default()
    }
}

fn allow_too_little_evidence(verdicts: &mut [Verdict]) {
    for finding in verdicts.iter_mut().flat_map(|verdict| &mut verdict.findings) {
        if finding.rule == Rule::CannotBeJudged {
            finding.level = Level::Warning;
        }
    }
}

/// The directories of reports that were given to migrations.
#[derive(Default)]
struct Directories(HashSet<PathBuf>);

impl Directories {
    /// Returns a directory in `output` for a migration; sections of one file, of the same name, get one each.
    fn next_for(&mut self, output: &Path, migration: &str) -> PathBuf {
        let name = directory_name(migration);
        let named = (1_u32..).map(|number| match number {
            1 => output.join(&name),
            number => output.join(format!("{name}-{number}")),
        });
        named
            .into_iter()
            .find(|directory| self.0.insert(directory.clone()))
            .unwrap_or_default()
    }
}

/// Returns a directory name for a migration that is valid on every file system and as an artifact name.
fn directory_name(migration: &str) -> String {
    let stem = migration.strip_suffix(".sql").unwrap_or(migration);
    let name: String = stem
        .chars()
        .map(|character| match character {
            '.' | '_' | '-' => character,
            character if character.is_alphanumeric() => character,
            _ => '-',
        })
        .collect();
    match name.trim_start_matches('.') {
        "" => "migration".to_string(),
        name => name.to_string(),
    }
}

/// Turns the findings into an exit code: a failure takes precedence over a gate, and a gate over what could not be
/// judged.
fn outcome(verdicts: &[Verdict]) -> Result<()> {
    let errors: Vec<&Finding> = verdicts
        .iter()
        .flat_map(|verdict| &verdict.findings)
        .filter(|finding| finding.level == Level::Error)
        .collect();
    let (kind, first) = match errors.as_slice() {
        [] => return Ok(()),
        errors => {
            let failed = errors.iter().find(|finding| finding.rule.says_that_it_fails());
            let gate = errors.iter().find(|finding| finding.rule != Rule::CannotBeJudged);
            match (failed, gate) {
                (Some(failed), _) => (ErrorKind::MigrationFailed, failed),
                (None, Some(denied)) => (ErrorKind::Gate, denied),
                (None, None) => (ErrorKind::TooLittleEvidence, &errors[0]),
            }
        }
    };
    let others = match errors.len() - 1 {
        0 => String::new(),
        others => format!(" (and {})", counted(others, "more finding", "more findings")),
    };
    let location = Location::line(Some(&first.file), first.line);
    let error = Error::at(kind, location, format_args!("{}{others}", first.message));
    Err(match kind {
        ErrorKind::TooLittleEvidence => error
            .with_hint("rehearse more (max_duration, full, runs), or let it pass: allow_too_little_evidence = true"),
        _ => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_named_after_its_migration() {
        fn check(migration: &str, expected: &str) {
            assert_eq!(directory_name(migration), expected);
        }
        check("0042_orders.sql", "0042_orders");
        check("2024/V7__größe.sql", "2024-V7__größe");
        check("mia:add $(touch x)", "mia-add---touch-x-");
        check("../..", "-..");
        check("...", "migration");
    }

    #[test]
    fn a_failure_comes_before_a_gate_and_a_gate_before_what_cannot_be_judged() {
        fn check(rules: &[Rule], expected: Option<u8>) {
            let findings = rules.iter().map(|rule| Finding::of_migration(*rule, "m.sql", "words"));
            let verdict = Verdict {
                findings: findings.collect(),
                ..Verdict::default()
            };
            let found = outcome(&[Verdict::default(), verdict])
                .err()
                .map(|error| error.kind().exit_code());
            assert_eq!(found, expected, "{rules:?}");
        }
        check(&[], None);
        check(&[Rule::ChangedOnBase, Rule::LongLock], None);
        check(&[Rule::CannotBeJudged], Some(5));
        check(&[Rule::CannotBeJudged, Rule::OverBudget], Some(1));
        check(
            &[Rule::OverBudget, Rule::RollbackFailed, Rule::MigrationFailed],
            Some(4),
        );
    }
}
