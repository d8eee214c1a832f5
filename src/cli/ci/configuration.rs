//! `migtime.toml`: a team's limits for its migrations, and how they are rehearsed. It never contains database
//! addresses.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::super::output::read_text;
use crate::error::{Error, ErrorKind, Result};
use crate::model::preflight::PreflightRules;
use crate::report::ci::Gate;
use crate::units::{Bytes, Seconds, parse_duration, parse_size};

/// The configuration's file name, at the root of the repository.
pub const FILE: &str = "migtime.toml";

/// The whole configuration; every part is optional.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Configuration {
    /// The limits on a migration.
    pub budget: BudgetSection,
    /// How it is rehearsed.
    pub rehearsal: RehearsalSection,
    /// What the throwaway server holds, if there is no staging clone.
    pub throwaway: Throwaway,
    /// An earlier rehearsal to compare with, if any.
    pub regression: Option<Regression>,
    /// What is required of `migtime preflight`, and what is waived.
    pub preflight: PreflightRules,
}

/// The limits on a migration; they apply to the upper bound of an interval, never to its middle.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetSection {
    /// The maintenance window; the report says how probable it is that the migration fits.
    #[serde(deserialize_with = "duration")]
    pub window: Option<Seconds>,
    /// Longest total duration.
    #[serde(deserialize_with = "duration")]
    pub duration: Option<Seconds>,
    /// Most WAL it may write.
    #[serde(deserialize_with = "size")]
    pub wal: Option<Bytes>,
    /// Most additional disk space at its peak.
    #[serde(deserialize_with = "size")]
    pub disk: Option<Bytes>,
    /// Longest time for which each lock mode, or a stronger one, may be held; also for `rewrite`, `scan` and
    /// `index-build`.
    #[serde(deserialize_with = "gates")]
    pub longest: Vec<Gate>,
}

/// How a migration is rehearsed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RehearsalSection {
    /// Confidence level of the intervals to which the limits apply.
    #[serde(deserialize_with = "level")]
    pub level: f64,
    /// Time limit for the backfills of one migration.
    #[serde(deserialize_with = "some_duration")]
    pub max_duration: Seconds,
    /// Whether every batch is replayed, however long it takes.
    pub full: bool,
    /// Whole repetitions, each on a fresh copy.
    #[serde(deserialize_with = "runs")]
    pub runs: u32,
    /// Longest wait for a lock.
    #[serde(deserialize_with = "some_duration")]
    pub lock_timeout: Seconds,
    /// Rows in a batch of a bare `UPDATE` or `DELETE`; `None` where it stays one statement.
    pub batch_size: Option<u64>,
    /// Whether the job passes if the evidence is too thin for an estimate.
    pub allow_too_little_evidence: bool,
}

/// What the throwaway server holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Throwaway {
    /// Schema file that creates the tables, instead of the base's migrations.
    pub schema: Option<PathBuf>,
    /// SQL file that fills them; `:rows` and `:seed` in it are replaced.
    pub fill: Option<PathBuf>,
    /// The value for `:rows`.
    pub rows: u64,
}

/// An earlier rehearsal of the same migrations, and by how much they may have slowed down.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    /// Directory with the reports of an earlier `migtime ci`, kept as a cache or an artifact; missing the first time.
    pub baseline: PathBuf,
    /// Largest slowdown that is not yet a regression, 0.05 for 5 %.
    #[serde(deserialize_with = "percentage", default = "usual_margin")]
    pub margin: f64,
}

impl Default for RehearsalSection {
    fn default() -> RehearsalSection {
        RehearsalSection {
            level: 0.95,
            max_duration: Seconds(300.0),
            full: false,
            runs: 1,
            lock_timeout: Seconds(10.0),
            batch_size: None,
            allow_too_little_evidence: false,
        }
    }
}

impl Default for Throwaway {
    fn default() -> Throwaway {
        Throwaway {
            schema: None,
            fill: None,
            rows: 1_000_000,
        }
    }
}

impl Configuration {
    /// Reads the file `typed`, or else the one at the root of the repository, or else returns the defaults. Paths in
    /// the file are relative to it.
    ///
    /// # Errors
    /// `Usage` with `file:line` for a file that cannot be read or an entry that is invalid.
    pub fn read(typed: Option<&Path>, root: &Path) -> Result<Configuration> {
        let usual = root.join(FILE);
        let file = match typed {
            Some(file) => file,
            None if usual.is_file() => &usual,
            None => return Ok(Configuration::default()),
        };
        let mut configuration = Configuration::parse(&read_text(file)?, &file.display().to_string())?;
        let directory = file.parent().unwrap_or(Path::new(""));
        let throwaway = &mut configuration.throwaway;
        let baseline = configuration
            .regression
            .as_mut()
            .map(|regression| &mut regression.baseline);
        let files = [throwaway.schema.as_mut(), throwaway.fill.as_mut(), baseline];
        for path in files.into_iter().flatten() {
            *path = directory.join(&path);
        }
        Ok(configuration)
    }

    /// Reads the text of the file `name`; paths in it stay as they are.
    ///
    /// # Errors
    /// `Usage` with `file:line` for an invalid entry.
    pub fn parse(text: &str, name: &str) -> Result<Configuration> {
        toml::from_str(text).map_err(|error| {
            let line = match error.span() {
                Some(span) => format!(":{}", 1 + text[..span.start.min(text.len())].matches('\n').count()),
                None => String::new(),
            };
            let (message, hint) = in_words(error.message());
            let error = Error::new(ErrorKind::Usage, format!("{name}{line}: {message}"));
            match hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        })
    }
}

/// Rewords the parser's message like other errors, and returns what it expected as the hint.
fn in_words(message: &str) -> (String, Option<String>) {
    let message = message.replace('\n', "; ").replace('`', "\"");
    let message = message.replace("unknown field", "unknown key");
    match message.split_once(", expected ") {
        Some((message, expected)) => (message.to_string(), Some(format!("it is {expected}"))),
        None => match message.split_once("; hint: ") {
            Some((message, hint)) => (message.to_string(), Some(hint.to_string())),
            None => (message, None),
        },
    }
}

fn refused<E: serde::de::Error>(error: &Error) -> E {
    match error.hint() {
        Some(hint) => E::custom(format!("{error}; hint: {hint}")),
        None => E::custom(error),
    }
}

fn some_duration<'de, D: Deserializer<'de>>(input: D) -> Result<Seconds, D::Error> {
    parse_duration(&String::deserialize(input)?).map_err(|error| refused(&error))
}

fn duration<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Seconds>, D::Error> {
    some_duration(input).map(Some)
}

fn size<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Bytes>, D::Error> {
    parse_size(&String::deserialize(input)?)
        .map(Some)
        .map_err(|error| refused(&error))
}

fn usual_margin() -> f64 {
    crate::model::compare::DEFAULT_MARGIN
}

fn percentage<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
    let text = String::deserialize(input)?;
    match text
        .trim()
        .strip_suffix('%')
        .and_then(|number| number.trim().parse::<f64>().ok())
    {
        Some(percent) if percent > 0.0 && percent <= 1000.0 => Ok(percent / 100.0),
        _ => Err(D::Error::custom(format!(
            "\"{text}\" is not a percentage; hint: write it with its sign, like 5%"
        ))),
    }
}

fn level<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
    match f64::deserialize(input)? {
        level if (0.5..=0.999).contains(&level) => Ok(level),
        level => Err(D::Error::custom(format!(
            "{level} is not a level; hint: write a probability between 0.5 and 0.999, like 0.95"
        ))),
    }
}

fn runs<'de, D: Deserializer<'de>>(input: D) -> Result<u32, D::Error> {
    match u32::deserialize(input)? {
        runs @ 1..=100 => Ok(runs),
        runs => Err(D::Error::custom(format!(
            "{runs} runs; hint: write a number between 1 and 100"
        ))),
    }
}

fn gates<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Gate>, D::Error> {
    BTreeMap::<String, String>::deserialize(input)?
        .into_iter()
        .map(|(what, limit)| {
            let gate = Gate::parse(&format!("{what}>{limit}")).map_err(|error| refused(&error))?;
            Ok(gate.called(format!("{what} = \"{limit}\" in {FILE}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let error = Configuration::parse(text, "migtime.toml").expect_err(text);
        let found = format!("{error} | {}", error.hint().unwrap_or("-"));
        assert!(found.contains(expected), "{text}: {found}");
    }

    #[test]
    fn what_is_not_understood_is_said_with_its_line() {
        check(
            "[budget]\nwindwo = \"30m\"",
            "migtime.toml:2: unknown key \"windwo\" | it is one of ",
        );
        check(
            "[budget]\n\nduration = \"30\"",
            "migtime.toml:3: \"30\" is not a duration | write it with its unit",
        );
        check("[budget]\nwal = 20", "migtime.toml:2: invalid type");
        check(
            "[budget]\nwal = \"20\"",
            "\"20\" is not a size | write it with its unit",
        );
        check(
            "[budget.longest]\nacess-exclusive = \"1s\"",
            "did you mean access-exclusive?",
        );
        check("[rehearsal]\nlevel = 95", "95 is not a level");
        check("[rehearsal]\nruns = 0", "0 runs");
        check("[regression]\nbaseline = \"b\"\nmargin = \"5\"", "is not a percentage");
        check("[regression]\nmargin = \"5%\"", "missing field \"baseline\"");
        check("budget", "migtime.toml:1: ");
    }

    #[test]
    fn the_published_examples_are_understood() {
        let all = Configuration::parse(include_str!("../../../ci-templates/migtime.toml"), "all").expect("every key");
        assert_eq!(all.budget.longest.len(), 2);
        assert_eq!(all.budget.disk.map(|size| size.0), Some(50 << 30));
        let reference = include_str!("../../../docs/reference.md");
        let (_, example) = reference.split_once("```toml\n").expect("the reference has an example");
        let (example, _) = example.split_once("```").expect("the example ends");
        let budget = Configuration::parse(example, "reference.md")
            .expect("the reference's example")
            .budget;
        assert_eq!(budget.duration, Some(Seconds(2700.0)));
    }

    #[test]
    fn everything_may_be_left_out() {
        let empty = Configuration::parse("", "migtime.toml").expect("nothing is needed");
        assert_eq!(empty.rehearsal.level, 0.95);
        assert_eq!(empty.throwaway.rows, 1_000_000);
        assert!(empty.budget.duration.is_none() && empty.budget.longest.is_empty());
    }
}
