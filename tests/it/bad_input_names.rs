//! Names that break code that does not quote or escape them: in SQL, in URLs, in HTML, on the terminal.

use migtime::observation::EndReason;

use crate::bad_input::{Folder, check_done, check_error};
use crate::support::Database;

/// Names as they are stored; the last one has the maximum length.
fn hostile_names() -> Vec<String> {
    let names = [
        "select",
        "Größe",
        "with space",
        "quo\"te",
        "apos'trophe",
        "semi;colon",
        "line\nbreak",
        "per%cent %s {}",
        "back\\slash",
        "<script>alert(1)</script>",
        "-- comment",
        "$tag$",
        "dot.ted",
        "a:batch_start",
    ];
    let longest = "x".repeat(63);
    names.iter().map(|name| name.to_string()).chain([longest]).collect()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[test]
fn tables_may_be_called_anything() {
    let database = Database::create();
    let folder = Folder::new();
    let mut migration = String::new();
    for name in hostile_names().iter().map(|name| quoted(name)) {
        database.execute(&format!(
            "CREATE TABLE {name} ({name} bigint PRIMARY KEY, other int); \
             INSERT INTO {name} SELECT n FROM generate_series(1, 60) AS n; ANALYZE {name}"
        ));
        migration += &format!("-- migtime: batch size=20\nUPDATE {name} SET other = 1;\n");
    }
    let (file, url, out) = (folder.file("m.sql", migration), database.url(), folder.path("out"));
    check_done(&[
        "rehearse",
        &file,
        "--staging",
        &url,
        "--output",
        &out,
        "--full",
        "--provisional",
    ]);
    folder.check_saved(EndReason::Complete, 3 * hostile_names().len());
    for name in hostile_names().iter().map(|name| quoted(name)) {
        let sql = format!("SELECT count(*) FROM {name} WHERE other = 1");
        assert_eq!(
            database.client().query_one(&sql, &[]).expect("row").get::<_, i64>(0),
            60,
            "{name}"
        );
        let printed = check_done(&["estimate", "--table", &name, "--url", &url, "--reports", &out]);
        assert!(printed.contains("60"), "{printed}");
    }
    let page = std::fs::read_to_string(folder.path("out/report.html")).expect("report.html");
    assert!(
        page.contains("alert(1)") && !page.contains("<script"),
        "names are escaped"
    );
}

#[test]
fn a_name_that_is_not_there_cannot_write_on_the_terminal() {
    let database = Database::create();
    let words = ["there is no table \"a\\nerror: b\\u{1b}[2J\" in database"];
    check_error(
        &[
            "estimate",
            "--table",
            "\"a\nerror: b\u{1b}[2J\"",
            "--url",
            &database.url(),
        ],
        2,
        &words,
    );
}

#[test]
fn databases_may_be_called_anything() {
    let beside = Database::create();
    let folder = Folder::new();
    let file = folder.file("m.sql", "CREATE INDEX ON t (a);");
    for name in ["we\"ird; ?#%20 @dätabase'=", "select"] {
        let unique = format!("{} {name}", beside.name());
        beside.execute(&format!("CREATE DATABASE {}", quoted(&unique)));
        let parameters = beside.parameters_of(&unique);
        let mut client = parameters.connect().expect(name);
        client.batch_execute("CREATE TABLE t (a int)").expect("table");
        drop(client);
        let url = parameters.to_string();
        check_done(&["estimate", "--table", "t", "--url", &url]);
        let out = folder.path("out");
        check_done(&[
            "rehearse",
            &file,
            "--staging",
            &url,
            "--output",
            &out,
            "--sandbox",
            "--provisional",
        ]);
        beside.execute(&format!("DROP DATABASE {} WITH (FORCE)", quoted(&unique)));
    }
}
