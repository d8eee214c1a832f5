//! Tools whose files are SQL but are not read as the tool would: refused by name, because the files would seem to be
//! those of another tool, or of none.

use super::lines::lines;
use super::pairs::direction;
use super::plain::is_sql;
use super::source_file::SourceFile;
use crate::error::{Error, ErrorKind};

/// Words behind a migration's name by which pop picks the files of a database.
const DIALECTS: [&str; 8] = [
    "postgres",
    "postgresql",
    "cockroach",
    "cockroachdb",
    "mysql",
    "mariadb",
    "sqlite",
    "sqlite3",
];

/// Returns the error for the files of a tool that is not read.
pub(super) fn refusal(name: &str, files: &[SourceFile]) -> Option<Error> {
    let refused = |found: String, advice: &str| {
        let hint = format!("{advice}; --format-of reads the files as those of another tool");
        Some(Error::new(ErrorKind::Usage, found).with_hint(hint))
    };
    let has = |file_name: &str| files.iter().any(|file| file.file_name() == file_name);
    if has("sqitch.plan")
        || ["deploy", "revert", "verify"]
            .iter()
            .all(|directory| is_there(files, directory))
    {
        return refused(
            format!("{name}: this is a project of Sqitch, whose plan is not read"),
            "name one script of deploy/ with --rollback that of revert/, or run it with --exec 'sqitch deploy'",
        );
    }
    for file in files.iter().filter(|file| is_sql(file) || file.path.ends_with(".fizz")) {
        if let Some(what) = belongs_to_pop(file) {
            return refused(
                format!("{}: {what}, whose migrations are not read", file.name),
                "run it with --exec 'soda migrate'",
            );
        }
        let has_line = |beginnings: &[&str]| {
            let begins = |text: &str| beginnings.iter().any(|beginning| text.starts_with(beginning));
            lines(file.text()).take(20).any(|line| begins(line.text.trim_start()))
        };
        if has_line(&["-- postgres-migrations"]) {
            return refused(
                format!(
                    "{}: this is a migration of postgres-migrations, which is not read",
                    file.name
                ),
                "it sends each file whole, in a transaction unless the file says otherwise",
            );
        }
        if has_line(&["-- transactional:", "--transactional:", "-- depends:", "--depends:"]) {
            return refused(
                format!("{}: this is a migration of yoyo, which is not read", file.name),
                "run it with --exec 'yoyo apply --batch'",
            );
        }
    }
    None
}

fn is_there(files: &[SourceFile], directory: &str) -> bool {
    files
        .iter()
        .any(|file| file.directory().split('/').next() == Some(directory))
}

/// Returns why a file is one of pop's, if it is: `1_name.autocommit.up.sql`, `1_name.mysql.up.sql`, `1_name.up.fizz`.
fn belongs_to_pop(file: &SourceFile) -> Option<String> {
    let name = file.file_name();
    if name.ends_with(".fizz") {
        return Some("this is a migration of pop (soda)".to_owned());
    }
    direction(name)?;
    let stem = name
        .strip_suffix(".up.sql")
        .or_else(|| name.strip_suffix(".down.sql"))?;
    let (_, suffix) = stem.rsplit_once('.')?;
    let is_of_dialect = DIALECTS.contains(&suffix);
    match suffix {
        "autocommit" => Some("the suffix .autocommit is that of pop (soda)".to_owned()),
        _ if is_of_dialect => Some(format!(
            "the suffix .{suffix} for one database is that of pop (soda) and popx"
        )),
        _ => None,
    }
}
