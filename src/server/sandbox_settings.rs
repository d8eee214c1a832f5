//! Copies the settings that `ALTER DATABASE … SET` and `ALTER ROLE … IN DATABASE … SET` made for a template to its
//! copy.
//!
//! `CREATE DATABASE … TEMPLATE` copies only the files. Without these settings, a query on the copy may find other
//! tables, or be planned with other memory settings, than on the original.

use postgres::Client;
use postgres::error::SqlState;

use crate::error::{Error, ErrorKind, Result};

/// Returns each setting of the database `$1`: its name, how to apply it to the database `$2`, how to undo it for `$1`.
///
/// The mark of a disposable clone is left out: it means nothing on a copy, and only a superuser may set it.
///
/// A list of names is stored as one text, in which names may be quoted. Written back as one literal it would become a
/// single name, and written back unquoted, `""` is not an identifier. So each name becomes a literal, as in `pg_dump`.
const SETTINGS: &str = r#"
SELECT name,
       format('ALTER %s SET %I TO %s', format(subject, $2::text), name, CASE
           WHEN lower(name) IN ('search_path', 'temp_tablespaces', 'local_preload_libraries',
                                'session_preload_libraries', 'shared_preload_libraries')
           THEN coalesce((SELECT string_agg(quote_literal(coalesce(replace(part[1], '""', '"'), rtrim(part[2]))), ', '
                                            ORDER BY position)
                          FROM regexp_matches(value, '"((?:[^"]|"")*)"|([^",[:space:]][^",]*)', 'g')
                               WITH ORDINALITY AS parts (part, position)), quote_literal(''))
           ELSE quote_literal(value) END),
       format('ALTER %s RESET %I', format(subject, $1::text), name)
FROM pg_catalog.pg_db_role_setting AS s
JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
CROSS JOIN LATERAL unnest(s.setconfig) WITH ORDINALITY AS entries (entry, place)
CROSS JOIN LATERAL (SELECT split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1)) AS pair (name, value)
CROSS JOIN LATERAL (SELECT CASE s.setrole WHEN 0 THEN 'DATABASE %I' ELSE
    format('ROLE %s IN DATABASE %%I', replace(quote_ident(pg_get_userbyid(s.setrole)), '%', '%%')) END) AS of (subject)
WHERE d.datname = $1::text AND lower(name) <> 'migtime.disposable'
ORDER BY s.setrole, place"#;

/// Applies every setting of the database `template` to the database `copy` as well.
///
/// # Errors
/// `Connection`, naming the setting, when the role may not apply it or the server refuses it.
pub(super) fn copy_settings(keeper: &mut Client, template: &str, copy: &str) -> Result<()> {
    let settings = keeper
        .query(SETTINGS, &[&template, &copy])
        .map_err(|error| super::server_error(&error, ErrorKind::Connection))?;
    for row in settings {
        let (name, make, undo): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        keeper
            .batch_execute(make)
            .map_err(|error| describe(&error, name, undo, template))?;
    }
    Ok(())
}

fn describe(error: &postgres::Error, name: &str, undo: &str, template: &str) -> Error {
    let described = super::server_error(error, ErrorKind::Connection).in_context(format_args!(
        "cannot copy the setting {name} of the database {template}"
    ));
    match error.code() {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => described.with_hint(format!(
            "connect as a role that may set it, or do without it on the staging clone: {undo}"
        )),
        _ => described,
    }
}
