//! Warns about passwords typed as arguments: every user of the machine can see them in the process list.

use super::output;
use crate::shown::without_secrets;

/// The options that name a database.
const OPTIONS: [&str; 3] = ["--url", "--staging", "--production"];

/// Prints one warning for all of them.
pub fn warn() {
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let options = with_password(&arguments.collect::<Vec<_>>());
    if !options.is_empty() {
        output::print_note(&format!(
            "warning: the password in {} is seen by everyone who can list this machine's processes",
            options.join(" and ")
        ));
        output::print_note(
            "hint: leave it to ~/.pgpass or a service file, or name the whole URL in the environment: staging's in \
             MIGTIME_STAGING_URL, production's in DATABASE_URL",
        );
    }
}

/// Returns the options whose value contains a password, each once.
fn with_password(arguments: &[String]) -> Vec<&'static str> {
    let value_of = |option: &str, index: usize| {
        let (argument, next) = (&arguments[index], arguments.get(index + 1));
        let attached = argument.strip_prefix(option).and_then(|rest| rest.strip_prefix('='));
        if argument == option {
            next.cloned()
        } else {
            attached.map(str::to_string)
        }
    };
    let has_password = |option: &&str| {
        let mut values = (0..arguments.len()).filter_map(|index| value_of(option, index));
        values.any(|value| without_secrets(&value) != value)
    };
    OPTIONS.into_iter().filter(has_password).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], expected: &[&str]) {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        assert_eq!(with_password(&arguments), expected, "{arguments:?}");
    }

    #[test]
    fn passwords_are_found_in_either_form() {
        check(&["--url", "postgres://u:p@h/d"], &["--url"]);
        check(
            &["--staging=host=h password=p", "--production", "postgres://u:p@h/d"],
            &["--staging", "--production"],
        );
        check(&["--url", "postgres://u@h:5432/d", "--staging", "shop"], &[]);
        check(&["--url"], &[]);
    }
}
