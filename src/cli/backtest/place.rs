//! The throwaway servers of a backtest, and the tables of one pair on them.

use std::path::PathBuf;

use super::super::arguments::OutsideArguments;
use super::super::migration_file::MigrationFile;
use super::super::staging_area::StagingArea;
use crate::catalog::facts::TableFacts;
use crate::error::Result;
use crate::model::backtest::{Family, Work};
use crate::rehearsal::scenario;

/// The checkpoints of an hour in a minute, as in the demo.
const CHECKPOINTS: [(&str, &str); 2] = [("max_wal_size", "64MB"), ("min_wal_size", "48MB")];
/// A cache that every table exceeds.
const SMALL_CACHE: (&str, &str) = ("shared_buffers", "16MB");

/// How many times larger production's table is than the clone's, for single statements.
pub const GROWTH: u64 = 4;

/// Two throwaway servers, one with a small cache; each is started when it is needed.
pub struct Place {
    pg_bin: Option<PathBuf>,
    usual: Option<StagingArea>,
    with_small_cache: Option<StagingArea>,
}

/// The tables of one pair; each run works on a copy, and they are dropped with this value.
pub struct Tables {
    /// Those of production.
    pub production: StagingArea,
    /// A clone with a quarter of the rows, where the family is predicted from one.
    pub clone: Option<StagingArea>,
}

impl Place {
    /// Returns a place without a server yet.
    pub fn new(pg_bin: Option<PathBuf>) -> Place {
        Place {
            pg_bin,
            usual: None,
            with_small_cache: None,
        }
    }

    /// Makes and fills the tables of a pair.
    ///
    /// # Errors
    /// `Connection` when there are no server programs; `Usage` when a statement of the set-up fails; `Interrupted`.
    pub fn tables(&mut self, family: &Family, rows: u64, seed: u64) -> Result<Tables> {
        let server = self.server(family.exceeds_cache)?;
        let is_statement = matches!(family.work, Work::Statement(_));
        Ok(Tables {
            production: filled(server, family, rows, seed)?,
            clone: is_statement
                .then(|| filled(server, family, rows / GROWTH, seed))
                .transpose()?,
        })
    }

    fn server(&mut self, has_small_cache: bool) -> Result<&StagingArea> {
        let (server, settings) = if has_small_cache {
            (
                &mut self.with_small_cache,
                [CHECKPOINTS[0], CHECKPOINTS[1], SMALL_CACHE].to_vec(),
            )
        } else {
            (&mut self.usual, CHECKPOINTS.to_vec())
        };
        match server {
            Some(server) => Ok(server),
            None => Ok(server.insert(StagingArea::empty(self.pg_bin.clone(), &settings)?)),
        }
    }
}

impl Tables {
    /// Returns where the migration is rehearsed.
    pub fn rehearsed(&self) -> &StagingArea {
        self.clone.as_ref().unwrap_or(&self.production)
    }

    /// Returns what production's catalog says of the migration's tables, where the clone is not of its size.
    ///
    /// # Errors
    /// `Connection` when the catalog cannot be read.
    pub fn facts(&self, migration: &MigrationFile) -> Result<Vec<TableFacts>> {
        match &self.clone {
            None => Ok(Vec::new()),
            Some(_) => self.production.staged()?.read(|reader| migration.tables(reader)),
        }
    }
}

/// Returns a copy of the server's empty database with the family's tables in it.
fn filled(server: &StagingArea, family: &Family, rows: u64, seed: u64) -> Result<StagingArea> {
    let tables = StagingArea::copy_of(server.staged()?, &OutsideArguments::default())?;
    tables.fill(|client| scenario::fill_with(&family.setup, &family.name, client, rows, seed))?;
    Ok(tables)
}
