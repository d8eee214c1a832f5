//! The statements and functions that reach outside their database, from PostgreSQL's documentation and `pg_proc` of
//! versions 13 to 18.

use super::outside_kind::OutsideKind;

/// The first words of statements. Objects in `pg_shdepend` or `pg_shdescription` belong to the whole server.
pub(super) const HEADS: &[(&str, OutsideKind)] = &[
    ("create database", OutsideKind::Database),
    ("alter database", OutsideKind::Database),
    ("drop database", OutsideKind::Database),
    ("create role", OutsideKind::Role),
    ("alter role", OutsideKind::Role),
    ("drop role", OutsideKind::Role),
    ("create user", OutsideKind::Role),
    ("alter user", OutsideKind::Role),
    ("drop user", OutsideKind::Role),
    ("create group", OutsideKind::Role),
    ("alter group", OutsideKind::Role),
    ("drop group", OutsideKind::Role),
    // Both can also change the owners of databases and tablespaces.
    ("reassign owned", OutsideKind::Role),
    ("drop owned", OutsideKind::Role),
    ("create tablespace", OutsideKind::Tablespace),
    ("alter tablespace", OutsideKind::Tablespace),
    ("drop tablespace", OutsideKind::Tablespace),
    ("alter system", OutsideKind::Setting),
    ("create subscription", OutsideKind::Replication),
    ("alter subscription", OutsideKind::Replication),
    ("drop subscription", OutsideKind::Replication),
    ("load", OutsideKind::Program),
    ("create language", OutsideKind::Program),
    ("create trusted language", OutsideKind::Program),
    ("import foreign schema", OutsideKind::Foreign),
    // Existing servers have been closed to writes; these statements create another one or open one again.
    ("create server", OutsideKind::Foreign),
    ("alter server", OutsideKind::Foreign),
];

/// Functions by name.
pub(super) const FUNCTIONS: &[(&str, OutsideKind)] = &[
    ("pg_reload_conf", OutsideKind::Setting),
    ("pg_rotate_logfile", OutsideKind::Process),
    ("pg_terminate_backend", OutsideKind::Process),
    ("pg_cancel_backend", OutsideKind::Process),
    ("pg_log_backend_memory_contexts", OutsideKind::Process),
    ("pg_promote", OutsideKind::Process),
    ("pg_switch_wal", OutsideKind::Process),
    ("pg_create_restore_point", OutsideKind::Process),
    ("pg_backup_start", OutsideKind::Process),
    ("pg_backup_stop", OutsideKind::Process),
    ("pg_start_backup", OutsideKind::Process),
    ("pg_stop_backup", OutsideKind::Process),
    ("pg_wal_replay_pause", OutsideKind::Process),
    ("pg_wal_replay_resume", OutsideKind::Process),
    ("pg_stat_reset_shared", OutsideKind::Process),
    ("pg_stat_reset_slru", OutsideKind::Process),
    ("pg_stat_reset_replication_slot", OutsideKind::Process),
    ("pg_stat_statements_reset", OutsideKind::Process),
    ("pg_create_physical_replication_slot", OutsideKind::Replication),
    ("pg_create_logical_replication_slot", OutsideKind::Replication),
    ("pg_copy_physical_replication_slot", OutsideKind::Replication),
    ("pg_copy_logical_replication_slot", OutsideKind::Replication),
    ("pg_drop_replication_slot", OutsideKind::Replication),
    ("pg_replication_slot_advance", OutsideKind::Replication),
    ("pg_logical_slot_get_changes", OutsideKind::Replication),
    ("pg_logical_slot_get_binary_changes", OutsideKind::Replication),
    ("pg_sync_replication_slots", OutsideKind::Replication),
    ("lo_import", OutsideKind::File),
    ("lo_export", OutsideKind::File),
    ("pg_read_file", OutsideKind::File),
    ("pg_read_binary_file", OutsideKind::File),
    ("pg_stat_file", OutsideKind::File),
    ("query_to_xml", OutsideKind::DynamicSql),
    ("query_to_xml_and_xmlschema", OutsideKind::DynamicSql),
    ("query_to_xmlschema", OutsideKind::DynamicSql),
    ("ts_stat", OutsideKind::DynamicSql),
    ("crosstab", OutsideKind::DynamicSql),
    ("connectby", OutsideKind::DynamicSql),
    ("cursor_to_xml", OutsideKind::DynamicSql),
    ("database_to_xml", OutsideKind::DynamicSql),
    ("postgres_fdw_disconnect_all", OutsideKind::Foreign),
];

/// Functions by the prefix of their name.
pub(super) const FUNCTION_PREFIXES: &[(&str, OutsideKind)] = &[
    ("dblink", OutsideKind::Foreign),
    ("pg_replication_origin_", OutsideKind::Replication),
    // Functions of adminpack, and PostgreSQL's own for directories.
    ("pg_file_", OutsideKind::File),
    ("pg_ls_", OutsideKind::File),
];

/// Languages whose code can act outside the database.
pub(super) const UNTRUSTED_LANGUAGES: &[&str] = &[
    "c",
    "internal",
    "plpythonu",
    "plpython2u",
    "plpython3u",
    "plperlu",
    "pltclu",
    "plsh",
    "plrustu",
];

/// Languages whose bodies are read here.
pub(super) const READ_LANGUAGES: &[&str] = &["sql", "plpgsql"];

/// Catalogs that all databases of a server share (`pg_class.relisshared`).
pub(super) const SHARED_CATALOGS: &[&str] = &[
    "pg_auth_members",
    "pg_authid",
    "pg_database",
    "pg_db_role_setting",
    "pg_parameter_acl",
    "pg_replication_origin",
    "pg_roles",
    "pg_shadow",
    "pg_shdepend",
    "pg_shdescription",
    "pg_shseclabel",
    "pg_subscription",
    "pg_tablespace",
];
