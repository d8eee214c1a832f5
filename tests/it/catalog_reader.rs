//! Shared by the tests of the sampler: read-only access to a test's database, and waiting for statistics.

use std::time::{Duration, Instant};

use migtime::catalog::facts::TableFacts;
use migtime::error::{Error, Result};
use migtime::sampler;
use migtime::server::{Production, Reader};

use crate::support::Database;

/// Reads with the kind of session that the program uses for production.
pub fn read<T>(database: &Database, ask: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T> {
    Production::connect(&database.parameters())?.read(ask)
}

/// Returns the facts of a table that exists.
pub fn facts(database: &Database, name: &str) -> TableFacts {
    read(database, |reader| sampler::table(reader, name))
        .unwrap_or_else(|error| panic!("{name}: {error}, hint: {:?}", error.hint()))
}

/// Returns the error for a name that is not a table.
pub fn refusal(database: &Database, name: &str) -> Error {
    match read(database, |reader| sampler::table(reader, name)) {
        Ok(facts) => panic!("{name} was taken for {}", facts.name),
        Err(error) => error,
    }
}

/// Waits until a condition is true; the server counts changes with a delay.
pub fn wait_until(database: &Database, condition: &str) {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) {
        let row = database
            .client()
            .query_one(&format!("SELECT {condition}"), &[])
            .unwrap();
        if row.get::<_, Option<bool>>(0) == Some(true) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never true: {condition}");
}

/// Analyses a table with `changes` changed rows, once the server has counted them.
pub fn analyze_after(database: &Database, table: &str, changes: u64) {
    let counted = format!("pg_stat_get_mod_since_analyze('{table}'::regclass)");
    wait_until(database, &format!("{counted} = {changes}"));
    database.execute(&format!("ANALYZE {table}"));
    wait_until(database, &format!("{counted} = 0"));
}
