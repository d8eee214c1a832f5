//! Which statements and functions reach outside their database, from PostgreSQL's documentation and `pg_proc` of 13 to 18.

use super::outside::Outside;

/// The first words of statements; objects that `pg_shdepend` or `pg_shdescription` knows are the whole server's.
pub(super) const HEADS: &[(&str, Outside)] = &[
    ("create database", Outside::Database),
    ("alter database", Outside::Database),
    ("drop database", Outside::Database),
    ("create role", Outside::Role),
    ("alter role", Outside::Role),
    ("drop role", Outside::Role),
    ("create user", Outside::Role),
    ("alter user", Outside::Role),
    ("drop user", Outside::Role),
    ("create group", Outside::Role),
    ("alter group", Outside::Role),
    ("drop group", Outside::Role),
    // Both also change who owns databases and tablespaces.
    ("reassign owned", Outside::Role),
    ("drop owned", Outside::Role),
    ("create tablespace", Outside::Tablespace),
    ("alter tablespace", Outside::Tablespace),
    ("drop tablespace", Outside::Tablespace),
    ("alter system", Outside::Setting),
    ("create subscription", Outside::Replication),
    ("alter subscription", Outside::Replication),
    ("drop subscription", Outside::Replication),
    ("load", Outside::Program),
    ("create language", Outside::Program),
    ("create trusted language", Outside::Program),
    ("import foreign schema", Outside::Foreign),
    // The servers that there were are closed to writes; this makes another, or opens one again.
    ("create server", Outside::Foreign),
    ("alter server", Outside::Foreign),
];

/// Functions by name.
pub(super) const FUNCTIONS: &[(&str, Outside)] = &[
    ("pg_reload_conf", Outside::Setting),
    ("pg_rotate_logfile", Outside::Process),
    ("pg_terminate_backend", Outside::Process),
    ("pg_cancel_backend", Outside::Process),
    ("pg_log_backend_memory_contexts", Outside::Process),
    ("pg_promote", Outside::Process),
    ("pg_switch_wal", Outside::Process),
    ("pg_create_restore_point", Outside::Process),
    ("pg_backup_start", Outside::Process),
    ("pg_backup_stop", Outside::Process),
    ("pg_start_backup", Outside::Process),
    ("pg_stop_backup", Outside::Process),
    ("pg_wal_replay_pause", Outside::Process),
    ("pg_wal_replay_resume", Outside::Process),
    ("pg_stat_reset_shared", Outside::Process),
    ("pg_stat_reset_slru", Outside::Process),
    ("pg_stat_reset_replication_slot", Outside::Process),
    ("pg_stat_statements_reset", Outside::Process),
    ("pg_create_physical_replication_slot", Outside::Replication),
    ("pg_create_logical_replication_slot", Outside::Replication),
    ("pg_copy_physical_replication_slot", Outside::Replication),
    ("pg_copy_logical_replication_slot", Outside::Replication),
    ("pg_drop_replication_slot", Outside::Replication),
    ("pg_replication_slot_advance", Outside::Replication),
    ("pg_logical_slot_get_changes", Outside::Replication),
    ("pg_logical_slot_get_binary_changes", Outside::Replication),
    ("pg_sync_replication_slots", Outside::Replication),
    ("lo_import", Outside::File),
    ("lo_export", Outside::File),
    ("pg_read_file", Outside::File),
    ("pg_read_binary_file", Outside::File),
    ("pg_stat_file", Outside::File),
    ("query_to_xml", Outside::DynamicSql),
    ("query_to_xml_and_xmlschema", Outside::DynamicSql),
    ("query_to_xmlschema", Outside::DynamicSql),
    ("ts_stat", Outside::DynamicSql),
    ("crosstab", Outside::DynamicSql),
    ("connectby", Outside::DynamicSql),
    ("cursor_to_xml", Outside::DynamicSql),
    ("database_to_xml", Outside::DynamicSql),
    ("postgres_fdw_disconnect_all", Outside::Foreign),
];

/// Functions by the beginning of their name.
pub(super) const FUNCTION_PREFIXES: &[(&str, Outside)] = &[
    ("dblink", Outside::Foreign),
    ("pg_replication_origin_", Outside::Replication),
    // adminpack, and PostgreSQL's own for directories.
    ("pg_file_", Outside::File),
    ("pg_ls_", Outside::File),
];

/// Languages whose code is not confined to the database.
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
