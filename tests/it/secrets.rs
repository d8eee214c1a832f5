//! Passwords and command lines appear in no report, file or message; another tool gets access to the clone only.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::bad_input::{Folder, check_refused, run};
use crate::support::{self, Database};

/// Every secret in it is `hunter2`; all of it is executed.
const MIGRATION: &str = "CREATE TABLE visits (note text); -- as postgres://u:hunter2@h/d says\n\
    INSERT INTO visits VALUES ('https://u:hunter2@h/d');\n\
    UPDATE visits SET note = 'host=h password=hunter2 user=u' WHERE note IS NULL;\n\
    DO $$ BEGIN PERFORM 'ALTER ROLE u PASSWORD ''hunter2'''; END $$;\n\
    SELECT 'postgresql://u:hunter2@h/d';\n";

/// Checks that no file below `directory` holds the secret, and returns how many there are.
fn check_files(directory: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(directory).expect("directory") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            files += check_files(&path);
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&path).expect("file")).into_owned();
        assert!(!text.contains("hunter2"), "{}: {text}", path.display());
        files += 1;
    }
    files
}

#[test]
fn a_rehearsal_shows_no_password() {
    let database = Database::create();
    let folder = Folder::new();
    let (migration, url, out) = (folder.file("m.sql", MIGRATION), database.url(), folder.path("out"));
    let arguments = [
        "rehearse",
        &migration,
        "--staging",
        &url,
        "--output",
        &out,
        "--provisional",
    ];
    let output = run(&mut support::migtime(&arguments));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert!(check_files(Path::new(&out)) >= 5, "all reports were looked through");
    let statements: Vec<String> = folder
        .rehearsal()
        .steps
        .into_iter()
        .map(|step| step.statement)
        .collect();
    assert!(
        statements.iter().any(|sql| sql.contains("https://u:********@h/d")),
        "{statements:?}"
    );
    // The executed text was unchanged.
    let sql = "SELECT note = 'https://u:hunter2@h/d' FROM visits";
    assert!(database.client().query_one(sql, &[]).expect("row").get::<_, bool>(0));
}

#[test]
fn no_format_of_a_plan_shows_a_password() {
    let folder = Folder::new();
    let migration = "CREATE USER MAPPING FOR public SERVER far OPTIONS (user 'u', password 'hunter2');\n\
                     ALTER ROLE a PASSWORD\n  'hunter2';\nCREATE SUBSCRIPTION s CONNECTION 'host=h password=hunter2' \
                     PUBLICATION p;\n\
                     COPY t FROM PROGRAM 'curl -u u:hunter2 x';\nCREATE USER a ENCRYPTED PASSWORD 'hunter2';\n";
    let migration = folder.file("m.sql", [MIGRATION, migration].concat());
    for format in ["terminal", "json", "markdown", "github", "gitlab", "sarif", "junit"] {
        let output = run(&mut support::migtime(&["plan", &migration, "--format", format]));
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(0), "{format}: {said}");
        assert!(!said.contains("hunter2"), "{format}: {said}");
    }
}

#[test]
fn no_error_shows_a_password() {
    let database = Database::create();
    let folder = Folder::new();
    let (url, out) = (database.url(), folder.path("out"));
    for (migration, exit_code) in [
        (
            "CREATE TABLE t (id int);\nUPDATE t SET PASSWORD\n'hunter2' 'x' LOGIN;\n",
            2,
        ),
        ("SELECT 'postgres://u:hunter2@h/d'::int;\n", 4),
        ("CREATE TABLE t AS SELECT 'host=h password=hunter2'::date;\n", 4),
    ] {
        let migration = folder.file("m.sql", migration);
        let arguments = ["rehearse", &migration, "--staging", &url, "--output", &out];
        let output = check_refused(run(&mut support::migtime(&arguments)), exit_code, &["********"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("hunter2"), "{said}");
    }
    check_files(Path::new(&out));
}

#[test]
fn a_command_gets_no_way_to_another_database() {
    let database = Database::create();
    database.execute("CREATE TABLE items (id int); INSERT INTO items VALUES (1)");
    let folder = Folder::new();
    let (url, out, environment) = (database.url(), folder.path("out"), folder.path("environment"));
    let command = format!("env > '{environment}'; echo ::error::x; echo \"PASSWORD 'hunter2'\"");
    let arguments = ["rehearse", "--exec", &command, "--staging", &url, "--output", &out];
    let output = run(support::migtime(&arguments)
        .env("MIGTIME_STAGING_URL", "postgresql://u:hunter2@production/d")
        .env("MIGTIME_PRODUCTION_URL", "host=production password=hunter2")
        .env("SHOP_URL", "jdbc:postgresql://production/d?password=hunter2")
        .env("PGPASSFILE", "/production")
        .env("PGOPTIONS", "-c application_name=production")
        .env("KEPT", "as it is"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let environment = std::fs::read_to_string(environment).expect("the command ran");
    for forbidden in ["hunter2", "production"] {
        assert!(!environment.contains(forbidden), "{environment}");
    }
    assert!(environment.contains("KEPT=as it is"), "{environment}");
    assert!(said.contains("warning: the command does not get SHOP_URL"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    assert!(!said.lines().any(|line| line.trim_start().starts_with("::")), "{said}");
}

#[test]
fn a_password_file_that_others_may_read_warns_and_is_ignored() {
    let folder = Folder::new();
    let file = folder.file("pgpass", "*:*:*:*:hunter2\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("permissions");
    let mut command = support::migtime(&["estimate", "--table", "t", "--url", "host=/nonexistent user=u"]);
    let words = [
        "warning: password file \"",
        "\" has group or world access; permissions should be u=rw (0600) or less",
    ];
    check_refused(run(command.env("PGPASSFILE", &file)), 3, &words);
}

#[test]
fn a_typed_password_warns_once() {
    let url = "postgresql://u:hunter2@/d?host=/nonexistent";
    let output = run(&mut support::migtime(&[
        "rehearse",
        "m.sql",
        "--staging",
        url,
        "--production",
        url,
    ]));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let warning = "warning: the password in --staging and --production is seen by everyone";
    assert_eq!(said.matches(warning).count(), 1, "{said}");
    assert!(
        said.contains("hint: leave it to ~/.pgpass") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn files_are_as_private_as_the_umask_says() {
    let folder = Folder::new();
    let (migration, plan) = (folder.file("m.sql", MIGRATION), folder.path("out/plan.json"));
    for (umask, expected) in [("077", 0o600), ("022", 0o644)] {
        let line = format!("umask {umask}; exec \"$0\" plan \"$1\" --format json -o \"$2\"");
        let mut command = std::process::Command::new("sh");
        let output = run(command.args(["-c", &line, env!("CARGO_BIN_EXE_migtime"), &migration, &plan]));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mode = std::fs::metadata(&plan).expect("the plan").permissions().mode();
        assert_eq!(mode & 0o777, expected, "umask {umask}");
    }
}
