//! Restricts a count to PostgreSQL's own functions before a condition written by somebody else runs on production.

use postgres::types::Type;

use crate::catalog::facts::TableFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::server::Reader;

/// Finds columns whose values are compared or computed by user-defined code, and whether row-level policies apply to
/// this role.
const OWN_CODE: &str = "\
SELECT array(SELECT a.attname::text FROM pg_catalog.pg_attribute AS a \
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid \
             WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped \
             AND (a.attgenerated NOT IN ('', 's') \
                  OR (t.typnamespace <> 'pg_catalog'::regnamespace AND t.typtype NOT IN ('e', 'd')))), \
       pg_catalog.row_security_active($1::text::regclass)";

/// For the rest of the transaction, makes names of functions, operators and types refer only to PostgreSQL's own.
///
/// `names` are the names in the condition.
///
/// # Errors
/// `Usage` where a column of the condition, or a policy of the table, would run user-defined code; `Connection`.
pub fn confine(reader: &mut Reader, facts: &TableFacts, names: &[String]) -> Result<()> {
    let rows = reader.query(OWN_CODE, &[(&facts.name, Type::TEXT)])?;
    let refused = |what: String| {
        Err(Error::new(ErrorKind::Usage, format!("{}: {what}", facts.name))
            .with_hint("leave --sample and --exact out, or rehearse on a clone, which counts there"))
    };
    for row in &rows {
        let (columns, has_policies): (Vec<String>, bool) = (row.get(0), row.get(1));
        if let Some(column) = columns.iter().find(|column| names.contains(column)) {
            return refused(format!("to compare {column} runs code that is not PostgreSQL's own"));
        }
        if has_policies {
            return refused("its row security runs code that is not PostgreSQL's own".to_string());
        }
    }
    reader
        .query("SELECT set_config('search_path', 'pg_catalog', true)", &[])
        .map(drop)
}
