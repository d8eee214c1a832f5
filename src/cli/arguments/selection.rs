//! Which migrations of a directory are meant, and whose files they are.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::error::{Error, ErrorKind, Result};
use crate::migration::Tool;
use crate::migration::formats::Migration;

/// Which migrations of a directory are meant. In a pull request usually only the last ones matter: `--from 0298`.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Migrations of a directory")]
pub struct SelectionArguments {
    /// Begin with this version (or file name); those before it count as applied
    ///
    /// In a pull request usually only the last ones matter. On --scratch those before it are applied first.
    #[arg(long, value_name = "VERSION", conflicts_with = "only")]
    pub from: Option<String>,
    /// Take only these versions, separated by commas; those between them are left out
    #[arg(long, value_name = "VERSION", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Read the files as those of this tool, instead of by their names and markers
    #[arg(long, value_name = "TOOL", value_parser = tool())]
    pub format_of: Option<Tool>,
    /// Run them as this version of the tool does, such as 7.3 of Prisma [default: the newest known]
    #[arg(long, value_name = "VERSION")]
    pub tool_version: Option<String>,
}

fn tool() -> impl TypedValueParser<Value = Tool> {
    PossibleValuesParser::new(Tool::ALL.map(Tool::name)).map(|name| Tool::from_name(&name).unwrap_or_default())
}

impl SelectionArguments {
    /// Divides a history into what comes before the first picked migration, and what is picked.
    ///
    /// # Errors
    /// `Usage` when a version that is asked for is not there.
    pub fn pick(&self, migrations: Vec<Migration>, name: &str) -> Result<(Vec<Migration>, Vec<Migration>)> {
        let place_of = |wanted: &String| {
            migrations
                .iter()
                .position(|migration| migration.is_called(wanted))
                .ok_or_else(|| not_there(&migrations, name, wanted))
        };
        let first = self.from.as_ref().map(place_of).transpose()?;
        self.only.iter().try_for_each(|wanted| place_of(wanted).map(drop))?;
        // A tool may keep several migrations of one version, in the sections of a file.
        let is_wanted = |migration: &Migration| self.only.iter().any(|wanted| migration.is_called(wanted));
        let only: Vec<usize> = (0..migrations.len())
            .filter(|place| is_wanted(&migrations[*place]))
            .collect();
        let first = first.or(only.iter().min().copied()).unwrap_or(0);
        let (mut earlier, mut picked) = (Vec::new(), Vec::new());
        for (place, migration) in migrations.into_iter().enumerate() {
            if place < first {
                earlier.push(migration);
            } else if only.is_empty() || only.contains(&place) {
                picked.push(migration);
            }
        }
        Ok((earlier, picked))
    }

    /// Returns what was picked as it would be typed, behind a space; empty for all.
    pub fn in_words(&self) -> String {
        match (&self.from, self.only.as_slice()) {
            (Some(from), _) => format!(" --from {from}"),
            (None, []) => String::new(),
            (None, only) => format!(" --only {}", only.join(",")),
        }
    }
}

fn not_there(migrations: &[Migration], name: &str, wanted: &str) -> Error {
    let versions: Vec<&str> = migrations.iter().map(|migration| migration.version.as_str()).collect();
    let known = match versions.as_slice() {
        [first, .., last] if versions.len() > 5 => format!("it has {} of them, {first} to {last}", versions.len()),
        _ => format!("it has {}", versions.join(", ")),
    };
    Error::new(ErrorKind::Usage, format!("{name}: there is no migration {wanted}"))
        .with_hint(format!("name it by its version or its file; {known}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::formats::{NamedAs, SourceFile, read};

    fn history() -> Vec<Migration> {
        let file = |name: &str| SourceFile {
            name: name.to_owned(),
            path: name.to_owned(),
            text: Some("-- migrate:up\nSELECT 1;".into()),
        };
        let files = ["0001_a.sql", "0002_b.sql", "0003_c.sql", "0004_d.sql"]
            .map(file)
            .to_vec();
        read("dir", files, NamedAs::Directory, None).expect("reads").migrations
    }

    fn check(from: Option<&str>, only: &[&str], expected: (&[&str], &[&str])) {
        let selection = SelectionArguments {
            from: from.map(str::to_owned),
            only: only.iter().map(|version| (*version).to_owned()).collect(),
            format_of: None,
            tool_version: None,
        };
        let (earlier, picked) = selection.pick(history(), "dir").expect("is there");
        let versions = |migrations: &[Migration]| -> Vec<String> {
            migrations.iter().map(|migration| migration.version.clone()).collect()
        };
        assert_eq!((versions(&earlier), versions(&picked)), {
            let owned = |versions: &[&str]| versions.iter().map(|version| (*version).to_owned()).collect::<Vec<_>>();
            (owned(expected.0), owned(expected.1))
        });
    }

    #[test]
    fn versions_are_picked_in_their_order() {
        check(None, &[], (&[], &["0001", "0002", "0003", "0004"]));
        check(Some("3"), &[], (&["0001", "0002"], &["0003", "0004"]));
        check(Some("0003_c.sql"), &[], (&["0001", "0002"], &["0003", "0004"]));
        check(None, &["4", "0002_b"], (&["0001"], &["0002", "0004"]));
    }

    #[test]
    fn a_version_that_is_not_there_is_named() {
        let selection = SelectionArguments {
            from: Some("9".to_owned()),
            ..SelectionArguments::default()
        };
        let error = selection.pick(history(), "dir").expect_err("not there");
        assert_eq!(error.message(), "dir: there is no migration 9");
        assert!(error.hint().expect("hint").contains("0001, 0002, 0003, 0004"));
    }
}
