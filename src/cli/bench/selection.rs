//! Which scenarios a bench runs, and into which file each goes.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::super::arguments::BenchArguments;
use super::entry::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::rehearsal::scenario::Scenario;

/// Returns the selected scenarios, each with the runs that earlier benches saved.
///
/// # Errors
/// `Usage` when a path holds no scenario, a scenario's description is wrong, a name is unknown, two scenarios would
/// share a file, or an existing file holds runs of something else.
pub fn entries(arguments: &BenchArguments) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    for path in &arguments.scenarios {
        found.extend(
            scenarios_in(path)?
                .into_iter()
                .map(|scenario| (path.as_path(), scenario)),
        );
    }
    let found = only(found, &arguments.only)?;
    let files = files(&found, &arguments.output);
    if let Some(twice) = first_repeated(&files) {
        let message = format!("two scenarios would be written to {}", twice.display());
        return Err(Error::new(ErrorKind::Usage, message).with_hint("name each folder once"));
    }
    found
        .into_iter()
        .zip(files)
        .map(|((_, scenario), file)| {
            let inside = file.strip_prefix(&arguments.output).unwrap_or(&file).with_extension("");
            let label = inside.display().to_string();
            Entry::open(scenario, file, label, arguments)
        })
        .collect()
}

/// Returns the scenario in `path`, or those in its folders.
fn scenarios_in(path: &Path) -> Result<Vec<Scenario>> {
    // A path like `.` has no name of its own. If it cannot be resolved, the error names it as typed.
    let path = match path.file_name() {
        Some(_) => path.to_path_buf(),
        None => path.canonicalize().unwrap_or_else(|_| path.to_path_buf()),
    };
    if path.join("scenario.toml").is_file() {
        Ok(vec![Scenario::load(&path)?])
    } else {
        Scenario::all(&path)
    }
}

fn only<'a>(found: Vec<(&'a Path, Scenario)>, names: &[String]) -> Result<Vec<(&'a Path, Scenario)>> {
    let known: BTreeSet<String> = found.iter().map(|(_, scenario)| scenario.name()).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(*name)) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        return Err(Error::new(ErrorKind::Usage, format!("there is no scenario {unknown}"))
            .with_hint(format!("there are {}", known.join(", "))));
    }
    let wanted = |scenario: &Scenario| names.is_empty() || names.contains(&scenario.name());
    Ok(found.into_iter().filter(|(_, scenario)| wanted(scenario)).collect())
}

/// Returns each scenario's file: `<output>/<name>.json`, or `<output>/<path>/<name>.json` for names that occur twice.
fn files(found: &[(&Path, Scenario)], output: &Path) -> Vec<PathBuf> {
    let names: Vec<String> = found.iter().map(|(_, scenario)| scenario.name()).collect();
    let apart = names.iter().collect::<BTreeSet<_>>().len() < names.len();
    found
        .iter()
        .zip(names)
        .map(|((path, _), name)| {
            let directory = if apart {
                output.join(label(path))
            } else {
                output.to_path_buf()
            };
            directory.join(format!("{name}.json"))
        })
        .collect()
}

/// Returns the components of a path, joined to one name.
fn label(path: &Path) -> String {
    let names: Vec<String> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            Component::ParentDir => Some("up".to_string()),
            _ => None,
        })
        .collect();
    names.join("-")
}

fn first_repeated(files: &[PathBuf]) -> Option<&PathBuf> {
    let mut seen = BTreeSet::new();
    files.iter().find(|file| !seen.insert(*file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        assert_eq!(label(Path::new(path)), expected);
    }

    #[test]
    fn a_path_becomes_one_name() {
        check("main/scenarios", "main-scenarios");
        check("./scenarios/", "scenarios");
        check("/srv/a/b", "srv-a-b");
        check("../scenarios", "up-scenarios");
    }
}
