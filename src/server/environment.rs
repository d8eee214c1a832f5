//! What the process's surroundings say about connections, as plain data, so that everything after it can be tested.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The variables that belong to one target: they name it, prove who connects to it, or set it up. The rest only says where files
/// are and how safe a connection has to be.
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

/// Environment variables and the few facts of the machine that libpq's defaults rest on.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `PG*`, `DATABASE_URL` and `MIGTIME_PRODUCTION_URL`, by name.
    pub variables: BTreeMap<String, String>,
    /// Name of the person's account.
    pub user: Option<String>,
    /// The person's home directory.
    pub home: Option<PathBuf>,
    /// Where a server of this machine may have its socket, in the order in which to look.
    pub socket_directories: Vec<PathBuf>,
}

impl Environment {
    /// Returns the surroundings of this process.
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

    /// Returns the same without what belongs to production: a staging clone is named by the person or not at all, and
    /// production's password is not sent to it.
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

    /// Tells whether any libpq variable names a server or a database.
    pub(super) fn names_target(&self) -> bool {
        ["PGDATABASE", "PGHOST", "PGHOSTADDR", "PGSERVICE"]
            .iter()
            .any(|name| self.variable(name).is_some_and(|value| !value.is_empty()))
    }
}

/// Returns the name that libpq would use: that of the effective user, not `$USER`, unless only the latter is known.
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
