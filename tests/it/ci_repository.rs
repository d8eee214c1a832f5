//! A git repository with migrations for the tests of `migtime ci`, and helpers that run the program in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::support::migtime;

/// A repository whose branch `main` has one migration; `feature` is checked out.
pub struct Repository {
    directory: tempfile::TempDir,
}

/// Fills the table of the base's migration.
const FILL: &str = "INSERT INTO \"Orders\" SELECT n, 'new', n FROM generate_series(1, :rows) AS n;\n";

impl Repository {
    /// Creates the repository, with `configuration` as its `migtime.toml`.
    pub fn create(configuration: &str) -> Repository {
        let repository = Repository {
            directory: tempfile::tempdir().expect("temporary directory"),
        };
        repository.git(&["init", "-q", "-b", "main", "."]);
        repository.write(
            "db/migrations/0001_orders.sql",
            "CREATE TABLE \"Orders\" (id bigint PRIMARY KEY, status text, total numeric);\n",
        );
        repository.write("db/fill.sql", FILL);
        repository.write("migtime.toml", configuration);
        repository.commit("base");
        repository.git(&["checkout", "-q", "-b", "feature"]);
        repository
    }

    /// Returns the path of a file in it.
    pub fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Writes a file.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().expect("a file has a directory")).expect("directory");
        std::fs::write(path, text).expect("file");
    }

    /// Reads a file.
    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// Commits all files.
    pub fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// Runs git with a test identity.
    pub fn git(&self, arguments: &[&str]) {
        let output = Command::new("git")
            .args(["-c", "user.name=test", "-c", "user.email=test@example.com"])
            .args(arguments)
            .current_dir(self.directory.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git runs");
        assert!(output.status.success(), "git {arguments:?}: {}", text(&output.stderr));
    }

    /// Returns the command `migtime ci db/migrations` with more arguments, without the variables of any CI service.
    pub fn ci(&self, arguments: &[&str]) -> Command {
        let mut command = migtime(&["ci", "db/migrations"]);
        command.args(arguments).current_dir(self.directory.path());
        without_service(&mut command);
        command
    }

    /// Runs the command, checks its exit code, and returns its stdout and stderr.
    pub fn check(&self, command: &mut Command, code: i32) -> (String, String) {
        let output = command.output().expect("the program runs");
        check_code(&output, code);
        (text(&output.stdout), text(&output.stderr))
    }
}

/// Removes the variables set by the CI service that runs these tests.
pub fn without_service(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ["GITHUB_", "CI_", "GIT_", "MIGTIME_PRODUCTION"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(name);
        }
    }
}

/// Checks the exit code.
pub fn check_code(output: &Output, code: i32) {
    let said = format!("{}\n{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{said}");
}

/// Returns what a program printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns a clone of `repository` with only its newest commit.
pub fn shallow_clone(repository: &Repository, into: &Path) {
    let url = format!("file://{}", repository.path("").display());
    let status = Command::new("git")
        .args(["clone", "-q", "--depth", "1", "--branch", "feature", &url])
        .arg(into)
        .status();
    assert!(status.expect("git runs").success());
}
