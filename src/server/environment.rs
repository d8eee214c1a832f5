//! What the process's environment says about connections, as plain data, so that the code that uses it can be tested.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The variables that belong to one target: they name it, authenticate to it, or configure it. The others only say
/// where files are and how secure a connection must be.
const TARGET_VARIABLES: [&str; 13] = [
    "DATABASE_URL",
    "MIGTIME_PRODUCTION_URL",
    "PGDATABASE",
    "PGHOST",
    "PGHOSTADDR",
    "PGLOADBALANCEHOSTS",
    "PGOPTIONS",
    "PGPASSWORD",
    "PGPORT",
    "PGREQUIREPEER",
    "PGSERVICE",
    "PGTARGETSESSIONATTRS",
    "PGUSER",
];

/// Environment variables and the few facts about the machine on which libpq's defaults depend.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `PG*`, `DATABASE_URL` and `MIGTIME_PRODUCTION_URL`, by name.
    pub variables: BTreeMap<String, String>,
    /// Name of the person's account on this machine.
    pub user: Option<String>,
    /// The person's home directory.
    pub home: Option<PathBuf>,
    /// Directories in which a local server may have its socket, in search order.
    pub socket_directories: Vec<PathBuf>,
}

impl Environment {
    /// Captures the environment of this process.
    pub fn capture() -> Environment {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("PG") || name == "DATABASE_URL" || name == "MIGTIME_PRODUCTION_URL")
            .collect();
        Environment {
            variables,
            user: account_name(),
            home: std::env::var_os("HOME")
                .filter(|home| !home.is_empty())
                .map(PathBuf::from),
            socket_directories: ["/var/run/postgresql", "/tmp"].map(PathBuf::from).to_vec(),
        }
    }

    /// Returns the environment without the variables that belong to production. So only the person can name a staging
    /// clone, and production's password is never sent to it.
    pub fn without_target(&self) -> Environment {
        let mut environment = self.clone();
        environment
            .variables
            .retain(|name, _| !TARGET_VARIABLES.contains(&name.as_str()));
        environment
    }

    /// Returns the value of a variable.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Returns whether any libpq variable names a server or a database.
    pub(super) fn names_target(&self) -> bool {
        ["PGDATABASE", "PGHOST", "PGHOSTADDR", "PGSERVICE"]
            .iter()
            .any(|name| self.variable(name).is_some_and(|value| !value.is_empty()))
    }
}

/// Returns the name that libpq would use: that of the effective user; `$USER` only if that is unknown.
fn account_name() -> Option<String> {
    let user_id = rustix::process::geteuid().as_raw().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    accounts
        .lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == user_id).then(|| name.to_string())
        })
        .or_else(|| std::env::var("USER").ok())
}
