//! How much disk is free for a server that runs on this machine; PostgreSQL itself does not tell.

use std::path::Path;

use super::Reader;
use crate::error::Result;

/// Returns the bytes that are free where the server keeps its data. `None` when it is reached over a network and so may be on another
/// machine, when the role may not see `data_directory` (`pg_read_all_settings`), or when that is not on this machine (a container's
/// socket). Tablespaces and a WAL directory on other disks are not looked at. One round trip.
///
/// # Errors
/// `Connection` when the server does not answer.
pub fn free_disk(reader: &mut Reader) -> Result<Option<u64>> {
    let sql = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory' AND pg_catalog.inet_server_addr() IS NULL";
    let rows = reader.query(sql, &[])?;
    let directory: Option<String> = rows.first().and_then(|row| row.try_get(0).ok());
    Ok(directory.and_then(|directory| free_in(Path::new(&directory))))
}

/// Returns the bytes that those who are not root may still write below `directory`.
fn free_in(directory: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(directory).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}
