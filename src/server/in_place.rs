//! Facts for and against changing a database in place: its mark, whether it can be copied, and who else depends on it.

use super::reader::Reader;
use super::staging::Staging;
use crate::error::{Error, ErrorKind, Result};

/// Something that depends on the server or database, and so shows that it is not a disposable clone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// Standbys or other receivers of the WAL stream.
    Replicas,
    /// Replication slots in use.
    Slots,
    /// WAL archiving.
    Archiving,
    /// Sessions of other applications.
    Clients,
}

/// What was found about changing the database in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InPlaceFacts {
    /// The database's own settings say that it is disposable.
    pub is_marked: bool,
    /// The role may create a copy of it.
    pub may_be_copied: bool,
    /// Who depends on it, each with one line that says so.
    pub dangers: Vec<(Danger, String)>,
}

/// Only settings stored by `ALTER DATABASE … SET` count: a session's own setting says nothing about the database.
const PERMISSIONS: &str = "\
SELECT EXISTS (SELECT FROM pg_catalog.pg_db_role_setting AS s, unnest(s.setconfig) AS entry \
               WHERE s.setdatabase = d.oid AND s.setrole = 0 \
                 AND lower(entry) IN ('migtime.disposable=on', 'migtime.disposable=true', 'migtime.disposable=yes', \
                                      'migtime.disposable=1')), \
       r.rolsuper OR (r.rolcreatedb AND (d.datistemplate OR pg_has_role(d.datdba, 'USAGE'))) \
FROM pg_catalog.pg_database AS d, pg_catalog.pg_roles AS r \
WHERE d.datname = current_database() AND r.rolname = current_user";

/// Each query with the meaning of its rows. Rows of other roles count even if this role may not see their details.
const QUESTIONS: [(Danger, &str, &str); 4] = [
    (
        Danger::Replicas,
        "replicas are attached",
        "SELECT coalesce(nullif(application_name, ''), 'process ' || pid) FROM pg_catalog.pg_stat_replication ORDER BY \
         pid",
    ),
    (
        Danger::Slots,
        "replication slots are active",
        "SELECT slot_name::text FROM pg_catalog.pg_replication_slots WHERE active ORDER BY 1",
    ),
    (
        Danger::Archiving,
        "its log is archived",
        "SELECT 'archive_mode = ' || current_setting('archive_mode') WHERE current_setting('archive_mode') <> 'off' \
         AND (current_setting('archive_command') NOT IN ('', '(disabled)') \
              OR coalesce(current_setting('archive_library', true), '') <> '')",
    ),
    (
        Danger::Clients,
        "other clients are connected",
        "SELECT format('%s as %s', coalesce(nullif(application_name, ''), 'process ' || pid), coalesce(usename, '?')) \
         FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
         AND (backend_type = 'client backend' OR (backend_type IS NULL AND usesysid IS NOT NULL)) \
         AND application_name IS DISTINCT FROM 'migtime' ORDER BY pid",
    ),
];

impl Staging {
    /// Reads the facts for and against changing this database in place.
    ///
    /// # Errors
    /// `Connection` when they cannot be read.
    pub fn in_place_facts(&mut self) -> Result<InPlaceFacts> {
        self.read(read)
    }
}

fn read(reader: &mut Reader) -> Result<InPlaceFacts> {
    let rows = reader.query(PERMISSIONS, &[])?;
    let row = rows
        .first()
        .ok_or_else(|| Error::new(ErrorKind::Connection, "the server does not say what the role may do"))?;
    let mut facts = InPlaceFacts {
        is_marked: row.get(0),
        may_be_copied: row.get(1),
        dangers: Vec::new(),
    };
    for (danger, words, question) in QUESTIONS {
        let found: Vec<String> = reader.query(question, &[])?.iter().map(|row| row.get(0)).collect();
        if !found.is_empty() {
            facts.dangers.push((danger, format!("{words} ({})", listed(&found))));
        }
    }
    Ok(facts)
}

/// Lists the first three items, and how many more there are.
fn listed(found: &[String]) -> String {
    let shown = found.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    match found.len().saturating_sub(3) {
        0 => shown,
        others => format!("{shown} and {others} more"),
    }
}
