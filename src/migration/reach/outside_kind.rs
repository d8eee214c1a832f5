//! The kinds of things outside its database that a statement may reach.

/// A kind of thing outside the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutsideKind {
    /// Another database, or this database as a server object: its existence, name, settings, privileges.
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
    /// A statement that is built at run time.
    DynamicSql,
}

impl OutsideKind {
    /// Every kind.
    pub const ALL: [OutsideKind; 10] = [
        OutsideKind::Database,
        OutsideKind::Role,
        OutsideKind::Tablespace,
        OutsideKind::Setting,
        OutsideKind::Replication,
        OutsideKind::File,
        OutsideKind::Program,
        OutsideKind::Process,
        OutsideKind::Foreign,
        OutsideKind::DynamicSql,
    ];

    /// Returns its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            OutsideKind::Database => "database",
            OutsideKind::Role => "role",
            OutsideKind::Tablespace => "tablespace",
            OutsideKind::Setting => "setting",
            OutsideKind::Replication => "replication",
            OutsideKind::File => "file",
            OutsideKind::Program => "program",
            OutsideKind::Process => "process",
            OutsideKind::Foreign => "foreign",
            OutsideKind::DynamicSql => "dynamic-sql",
        }
    }

    /// Describes what is reached.
    pub fn in_words(self) -> &'static str {
        match self {
            OutsideKind::Database => "databases of the whole server",
            OutsideKind::Role => "roles of the whole server",
            OutsideKind::Tablespace => "tablespaces of the whole server",
            OutsideKind::Setting => "settings of the whole server",
            OutsideKind::Replication => "replication",
            OutsideKind::File => "files of the server's machine",
            OutsideKind::Program => "programs or unrestricted code on the server's machine",
            OutsideKind::Process => "sessions of others or the server's processes",
            OutsideKind::Foreign => "another server",
            OutsideKind::DynamicSql => "what only its run shows: the statement is put together then",
        }
    }
}
