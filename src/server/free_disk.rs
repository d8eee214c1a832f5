//! Free disk space for a server on this machine, which PostgreSQL itself does not report.

use std::path::Path;

use super::Reader;
use crate::error::Result;

/// Returns the free bytes on the disk of the server's data directory. `None` if the server is reached over a network
/// and may be on another machine, if the role may not see `data_directory` (`pg_read_all_settings`), or if that
/// directory is not on this machine (a container's socket). Tablespaces and a WAL directory on other disks are ignored.
/// One round trip.
///
/// # Errors
/// `Connection` when the server does not answer.
pub fn free_disk(reader: &mut Reader) -> Result<Option<u64>> {
    let sql = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory' AND \
               pg_catalog.inet_server_addr() IS NULL";
    let rows = reader.query(sql, &[])?;
    let directory: Option<String> = rows.first().and_then(|row| row.try_get(0).ok());
    Ok(directory.and_then(|directory| free_in(Path::new(&directory))))
}

/// Returns the bytes that users other than root may still write below `directory`.
fn free_in(directory: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(directory).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}
