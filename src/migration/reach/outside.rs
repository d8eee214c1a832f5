//! The kinds of things outside of the one database that a statement may reach.

/// Something outside the one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outside {
    /// Another database, or the database as the server knows it: its existence, name, settings, privileges.
    Database,
    /// Roles, their memberships, settings and passwords.
    Role,
    /// Tablespaces.
    Tablespace,
    /// Settings of the whole server.
    Setting,
    /// Subscriptions, replication slots and origins.
    Replication,
    /// Files of the server's machine.
    File,
    /// Programs on the server's machine, and code that may do anything there.
    Program,
    /// Sessions of others, and the server's own processes.
    Process,
    /// Other servers.
    Foreign,
    /// A statement that is put together at run time.
    DynamicSql,
}

impl Outside {
    /// Every kind.
    pub const ALL: [Outside; 10] = [
        Outside::Database,
        Outside::Role,
        Outside::Tablespace,
        Outside::Setting,
        Outside::Replication,
        Outside::File,
        Outside::Program,
        Outside::Process,
        Outside::Foreign,
        Outside::DynamicSql,
    ];

    /// Returns its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Outside::Database => "database",
            Outside::Role => "role",
            Outside::Tablespace => "tablespace",
            Outside::Setting => "setting",
            Outside::Replication => "replication",
            Outside::File => "file",
            Outside::Program => "program",
            Outside::Process => "process",
            Outside::Foreign => "foreign",
            Outside::DynamicSql => "dynamic-sql",
        }
    }

    /// Returns what is reached, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Outside::Database => "databases of the whole server",
            Outside::Role => "roles of the whole server",
            Outside::Tablespace => "tablespaces of the whole server",
            Outside::Setting => "settings of the whole server",
            Outside::Replication => "replication",
            Outside::File => "files of the server's machine",
            Outside::Program => "programs or unrestricted code on the server's machine",
            Outside::Process => "sessions of others or the server's processes",
            Outside::Foreign => "another server",
            Outside::DynamicSql => "what only its run shows: the statement is put together then",
        }
    }
}
