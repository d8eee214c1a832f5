//! What a throwaway server holds before a migration is rehearsed on it: a schema or earlier migrations, the roles that
//! the scripts name, the tool's own table, rows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use postgres::Client;

use super::base_cache::BaseCache;
use super::output::{print_note, read_text};
use super::progress::Progress;
use super::staging_area::StagingArea;
use crate::error::{ErrorKind, Result};
use crate::migration::formats::{Migration, bookkeeping_rows, bookkeeping_table};
use crate::migration::{Statement, Tool, roles_in};
use crate::quoting::identifier;
use crate::rehearsal::{history, scenario};
use crate::server::{server_error, server_version};
use crate::units::counted;

/// A file of SQL that fills the database.
pub struct Filling {
    name: String,
    text: String,
}

/// What a throwaway server is to hold.
#[derive(Default)]
pub struct ThrowawayBase<'a> {
    /// The tool of the migrations.
    pub tool: Tool,
    /// The migrations that were run before, in order.
    pub applied: &'a [Migration],
    /// Their statements.
    pub statements: Vec<Statement>,
    /// The texts that will be run on it, whose roles must be there.
    pub following: Vec<&'a str>,
    /// A schema that is run before the migrations.
    pub schema: Option<Filling>,
    /// What is run at the end.
    pub fill: Option<Filling>,
    /// The value of `:rows` in these files.
    pub rows: u64,
    /// The value of `:seed` in these files.
    pub seed: u64,
}

impl Filling {
    /// Reads a file.
    ///
    /// # Errors
    /// `Usage` when it cannot be read.
    pub fn read(file: &Path) -> Result<Filling> {
        Ok(Filling {
            name: file.display().to_string(),
            text: read_text(file)?,
        })
    }
}

impl ThrowawayBase<'_> {
    /// Starts a server that holds it.
    ///
    /// # Errors
    /// `Connection` when there are no server programs; `MigrationFailed` with `file:line` when an earlier migration
    /// fails, `Usage` when a file does.
    pub fn start(&self, pg_bin: Option<PathBuf>) -> Result<StagingArea> {
        let staging_area = StagingArea::empty(pg_bin, &[])?;
        self.build(&staging_area)?;
        Ok(staging_area)
    }

    /// Does the same, but begins with a copy of an earlier server that was filled in the same way, if there is one.
    ///
    /// # Errors
    /// As [`ThrowawayBase::start`].
    pub fn start_cached(&self, pg_bin: Option<PathBuf>) -> Result<StagingArea> {
        let is_worth_it = !self.statements.is_empty() || self.schema.is_some() || self.fill.is_some();
        let Some(cache) = is_worth_it
            .then(|| self.key(pg_bin.as_deref()))
            .transpose()?
            .and_then(|key| BaseCache::of(&key))
        else {
            return self.start(pg_bin);
        };
        if let Some(kept) = cache.find() {
            match StagingArea::from_kept(pg_bin.clone(), kept) {
                Ok(staging_area) => {
                    print_note("the base comes from the cache (--no-cache makes it anew)");
                    return Ok(staging_area);
                }
                // It may have been removed meanwhile, or be damaged.
                Err(_) => cache.remove(),
            }
        }
        let staging_area = self.start(pg_bin)?;
        cache.keep(&staging_area)?;
        Ok(staging_area)
    }

    /// Returns everything on which the content of the server depends.
    fn key(&self, pg_bin: Option<&Path>) -> Result<String> {
        let mut parts = vec![server_version(pg_bin)?, env!("CARGO_PKG_VERSION").to_string()];
        parts.push(format!("{} {} {}", self.tool.name(), self.rows, self.seed));
        for statement in &self.statements {
            let sending = [statement.sending.transaction, statement.sending.message];
            parts.push(sending.map(|number| number.unwrap_or(0).to_string()).join(" "));
            parts.push(statement.sql.clone());
            parts.extend(statement.data.as_deref().map(str::to_owned));
        }
        parts.extend(self.applied.iter().map(|migration| migration.version.clone()));
        for filling in [&self.schema, &self.fill] {
            parts.push(filling.as_ref().map_or(String::new(), |filling| filling.text.clone()));
        }
        parts.extend(self.roles());
        parts.extend(self.own_table().map(str::to_owned));
        Ok(parts.join("\0"))
    }

    fn build(&self, staging_area: &StagingArea) -> Result<()> {
        let own_table = self.own_table();
        let roles = self.roles();
        staging_area.fill(|client| {
            roles.iter().try_for_each(|role| make_role(client, role))?;
            // A schema brings its own.
            own_table
                .filter(|_| self.schema.is_none())
                .map_or(Ok(()), |made| run(client, made))
        })?;
        self.schema
            .as_ref()
            .map_or(Ok(()), |schema| self.fill_from(staging_area, schema))?;
        self.apply(staging_area)?;
        if own_table.is_some() {
            staging_area.fill(|client| {
                own_table
                    .filter(|_| self.schema.is_some())
                    .map_or(Ok(()), |made| run(client, made))?;
                let rows = bookkeeping_rows(self.tool, self.applied);
                rows.iter().try_for_each(|row| run(client, row))
            })?;
        }
        self.fill
            .as_ref()
            .map_or(Ok(()), |fill| self.fill_from(staging_area, fill))
    }

    fn fill_from(&self, staging_area: &StagingArea, filling: &Filling) -> Result<()> {
        let progress = Progress::spinner(format!("filling the tables from {}", filling.name));
        staging_area.fill(|client| scenario::fill_with(&filling.text, &filling.name, client, self.rows, self.seed))?;
        progress.finish();
        Ok(())
    }

    fn apply(&self, staging_area: &StagingArea) -> Result<()> {
        if self.statements.is_empty() {
            return Ok(());
        }
        let count = counted(self.applied.len(), "earlier migration", "earlier migrations");
        let progress = Progress::spinner(format!("applying {count}"));
        staging_area.fill(|client| history::apply(client, &self.statements))?;
        progress.finish();
        Ok(())
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let fillings = [&self.schema, &self.fill].into_iter().flatten();
        let statements = self.statements.iter().map(|statement| statement.sql.as_str());
        statements
            .chain(fillings.map(|filling| filling.text.as_str()))
            .chain(self.following.iter().copied())
    }

    fn roles(&self) -> BTreeSet<String> {
        roles_in(self.texts())
    }

    fn own_table(&self) -> Option<&'static str> {
        bookkeeping_table(self.tool, self.texts())
    }
}

fn make_role(client: &mut Client, role: &str) -> Result<()> {
    let there = "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)";
    let there = client
        .query_one(there, &[&role])
        .map_err(|error| server_error(&error, ErrorKind::Connection))?;
    if there.get(0) {
        return Ok(());
    }
    run(client, &format!("CREATE ROLE {}", identifier(role)))
}

fn run(client: &mut Client, sql: &str) -> Result<()> {
    let error = |error| server_error(&error, ErrorKind::Connection).in_context("cannot prepare the throwaway server");
    client.batch_execute(sql).map_err(error)
}
