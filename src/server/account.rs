//! The account that runs the throwaway server: PostgreSQL refuses to run as root, so root starts it under an
//! unprivileged account.
//!
//! Needs neither sudo nor su: the standard library sets the user, group and supplementary groups of a child process.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, ErrorKind, Result};

/// An account of this machine, by its user and group ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    user_id: u32,
    group_id: u32,
}

/// The account under which the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunAs {
    /// The person's own account.
    Oneself,
    /// An unprivileged account, because the person is root.
    Dropped(Account),
}

impl RunAs {
    /// Returns the person's own account; for root, `postgres`, or else `nobody`.
    ///
    /// # Errors
    /// `Connection` when the person is root and neither exists.
    pub fn choose() -> Result<RunAs> {
        if !rustix::process::geteuid().is_root() {
            return Ok(RunAs::Oneself);
        }
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| find_account(&accounts, name))
            .map(RunAs::Dropped)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Connection,
                    "PostgreSQL does not run as root, and this machine has no account `postgres` or `nobody`",
                )
                .with_hint("run migtime as another user, or `useradd postgres`")
            })
    }

    /// Returns the id of the user that owns the server's files.
    pub fn user_id(self) -> u32 {
        match self {
            RunAs::Oneself => rustix::process::geteuid().as_raw(),
            RunAs::Dropped(account) => account.user_id,
        }
    }

    /// Says whether the system knows no name for the account, as in a container that was given a number only.
    pub fn has_no_name(self) -> bool {
        let mut ask = Command::new("id");
        ask.arg("-un").stdout(Stdio::null()).stderr(Stdio::null());
        self.apply(&mut ask);
        ask.status().is_ok_and(|status| !status.success())
    }

    /// Makes the account the owner of `path`.
    pub fn give(self, path: &Path) -> std::io::Result<()> {
        match self {
            RunAs::Oneself => Ok(()),
            RunAs::Dropped(account) => std::os::unix::fs::chown(path, Some(account.user_id), Some(account.group_id)),
        }
    }

    /// Makes `command` run under the account.
    pub fn apply(self, command: &mut Command) {
        if let RunAs::Dropped(account) = self {
            command.uid(account.user_id).gid(account.group_id);
        }
    }

    /// Returns whether the account can enter `directory` and every directory above it.
    pub fn can_enter(self, directory: &Path) -> bool {
        match self {
            RunAs::Oneself => true,
            RunAs::Dropped(_) => directory
                .ancestors()
                .all(|ancestor| ancestor.metadata().is_ok_and(|found| found.mode() & 0o001 != 0)),
        }
    }
}

/// Finds an account in the text of `/etc/passwd` (`name:password:uid:gid:…`); never returns root.
fn find_account(accounts: &str, name: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()?;
        // macOS writes the ids of `nobody` as -2.
        let mut number = |skipped| Some(fields.nth(skipped)?.parse::<i64>().ok()? as u32);
        let account = Account {
            user_id: number(1)?,
            group_id: number(0)?,
        };
        (found == name && account.user_id != 0).then_some(account)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accounts: &str, name: &str, expected: Option<(u32, u32)>) {
        let found = find_account(accounts, name).map(|account| (account.user_id, account.group_id));
        assert_eq!(found, expected);
    }

    #[test]
    fn accounts_are_read_from_passwd() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\n\nnobody:*:-2:-2::/var/empty:/usr/bin/false\n\
                        postgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n";
        check(accounts, "postgres", Some((101, 104)));
        check(accounts, "nobody", Some((4_294_967_294, 4_294_967_294)));
        check(accounts, "postgre", None);
        check("postgres:x:0:0::/:/bin/sh\n", "postgres", None);
        check("postgres:x\n", "postgres", None);
    }
}
