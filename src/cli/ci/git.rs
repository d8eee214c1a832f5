//! Queries git by running the program: where the repository is, what a branch is based on, what a directory contained
//! there.
//!
//! Only reads. References are passed to git after `--end-of-options`, so that no name can act as an option.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::error::{Error, ErrorKind, Result};

/// A repository on disk.
pub struct Repository {
    root: PathBuf,
}

/// A file in a commit.
pub struct CommittedFile {
    /// Path relative to the root of the repository, with `/`.
    pub path: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// The commit where a branch left its base.
pub struct MergeBase {
    /// The commit.
    pub commit: String,
    /// Whether it is the checked-out commit, so that the branch has no commits of its own.
    pub is_head: bool,
    /// The base's name in messages.
    pub name: String,
}

/// Environment variables in which CI services name the target branch of a pull request.
const TARGET_BRANCH: [&str; 2] = ["GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"];

impl Repository {
    /// Finds the repository that holds `path`.
    ///
    /// # Errors
    /// `Usage` when there is no repository, or no git.
    pub fn of(path: &Path) -> Result<Repository> {
        let absolute = std::fs::canonicalize(path).map_err(|error| {
            Error::new(
                ErrorKind::Usage,
                format!("cannot read {}: {}", path.display(), crate::error::reason(&error)),
            )
        })?;
        let directory = if absolute.is_dir() {
            absolute.as_path()
        } else {
            absolute.parent().unwrap_or(Path::new("/"))
        };
        let asking = Repository {
            root: directory.to_path_buf(),
        };
        let output = asking.run(&["rev-parse", "--show-toplevel"])?;
        if !output.status.success() {
            let message = format!("{}: {}", path.display(), said(&output));
            let hint = if is_of_another_user(directory) {
                "the repository belongs to another user: git config --global --add safe.directory DIR"
            } else {
                "migtime ci compares with a git base; migtime rehearse needs none"
            };
            return Err(Error::new(ErrorKind::Usage, message).with_hint(hint));
        }
        let root = String::from_utf8_lossy(&output.stdout)
            .trim_end_matches('\n')
            .to_string();
        Ok(Repository {
            root: PathBuf::from(root),
        })
    }

    /// Returns its root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the commit on which the checked-out branch is based: where it left `wanted`, or else the target branch
    /// that a CI service names in the environment, or else the default branch.
    ///
    /// # Errors
    /// `Usage` when the base does not exist, or the clone is too shallow to find it.
    pub fn merge_base(&self, wanted: Option<&str>) -> Result<MergeBase> {
        let base = self.base(wanted)?;
        let output = self.run(&["merge-base", "--end-of-options", &base.commit, "HEAD"])?;
        let found = String::from_utf8_lossy(&output.stdout).trim().to_string();
        let shallow = self.is_shallow();
        let head = self.run(&["rev-parse", "HEAD"])?;
        let is_head = head.stdout.starts_with(found.as_bytes()) && !found.is_empty();
        // A clone of a single commit has its branch as default branch, so nothing would ever be new.
        let misleading = is_head && wanted.is_none() && shallow;
        if output.status.success() && !found.is_empty() && !misleading {
            return Ok(MergeBase {
                commit: found,
                is_head,
                name: base.name,
            });
        }
        let message = if shallow {
            format!("cannot tell where HEAD left {}: the clone is shallow", base.name)
        } else {
            format!("{} and HEAD have no commit in common", base.name)
        };
        Err(Error::new(ErrorKind::Usage, message).with_hint(whole_history()))
    }

    /// Returns the files below `directory`, or the file of that name, at `commit`; symbolic links are left out.
    ///
    /// # Errors
    /// `Usage` when git cannot read them.
    pub fn files_at(&self, commit: &str, directory: &str) -> Result<Vec<CommittedFile>> {
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit];
        if !directory.is_empty() {
            arguments.push(directory);
        }
        let output = self.successful(&arguments)?;
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        // Format: mode SP type SP object TAB path
        let (objects, paths): (Vec<&str>, Vec<&str>) = listed
            .split('\0')
            .filter_map(|entry| entry.split_once('\t'))
            .filter_map(|(entry, path)| {
                let mut words = entry.split(' ');
                let (mode, _, object) = (words.next()?, words.next()?, words.next()?);
                mode.starts_with("100").then_some((object, path))
            })
            .unzip();
        let contents = self.contents(&objects)?;
        Ok(paths
            .into_iter()
            .zip(contents)
            .map(|(path, content)| CommittedFile {
                path: path.to_string(),
                content,
            })
            .collect())
    }

    /// Returns the contents of objects, in order, with one call of git.
    fn contents(&self, objects: &[&str]) -> Result<Vec<Vec<u8>>> {
        let mut command = self.command(&["cat-file", "--batch"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| no_git(&error))?;
        let mut input = child.stdin.take().expect("the input is piped");
        let lines = objects.join("\n") + "\n";
        // Written by a separate thread: git answers while it reads, so full pipes would block both sides.
        let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
        let output = child.wait_with_output().map_err(|error| no_git(&error))?;
        let _ = writer.join();
        divided(&output.stdout, objects.len())
            .ok_or_else(|| Error::new(ErrorKind::Usage, format!("git cat-file: {}", said(&output))))
    }

    fn base(&self, wanted: Option<&str>) -> Result<Base> {
        if let Some(name) = wanted {
            return self.resolve(&[name.to_string()], name);
        }
        let named = TARGET_BRANCH
            .iter()
            .find_map(|variable| std::env::var(variable).ok().filter(|value| !value.is_empty()));
        if let Some(name) = named {
            return self.resolve(
                &[format!("refs/remotes/origin/{name}"), format!("refs/heads/{name}")],
                &name,
            );
        }
        let output = self.run(&["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"])?;
        let default = String::from_utf8_lossy(&output.stdout).trim().to_string();
        let usual = ["main", "master"];
        let candidates: Vec<String> = std::iter::once(default)
            .filter(|name| !name.is_empty())
            .chain(usual.map(|name| format!("refs/remotes/origin/{name}")))
            .chain(usual.map(|name| format!("refs/heads/{name}")))
            .collect();
        self.resolve(&candidates, "the default branch (main or master)")
    }

    /// Returns the first of `candidates` that is a commit; messages call it `name`.
    fn resolve(&self, candidates: &[String], name: &str) -> Result<Base> {
        for candidate in candidates {
            let commit = format!("{candidate}^{{commit}}");
            let output = self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])?;
            // Older versions of git print the option too.
            let found = String::from_utf8_lossy(&output.stdout);
            if let (true, Some(commit)) = (output.status.success(), found.lines().last()) {
                return Ok(Base {
                    name: name.to_string(),
                    commit: commit.to_string(),
                });
            }
        }
        let message = if self.is_shallow() {
            format!("the base {name} is not in this shallow clone")
        } else {
            format!("the base {name} is not in this clone")
        };
        let fetch = if self.is_shallow() {
            whole_history()
        } else {
            "fetch it with `git fetch origin`"
        };
        let hint = format!("{fetch}, or name another commit with --base");
        Err(Error::new(ErrorKind::Usage, message).with_hint(hint))
    }

    fn is_shallow(&self) -> bool {
        self.run(&["rev-parse", "--is-shallow-repository"])
            .is_ok_and(|output| output.stdout.starts_with(b"true"))
    }

    fn successful(&self, arguments: &[&str]) -> Result<Output> {
        let output = self.run(arguments)?;
        if output.status.success() {
            Ok(output)
        } else {
            Err(Error::new(
                ErrorKind::Usage,
                format!("git {}: {}", arguments[0], said(&output)),
            ))
        }
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        self.command(arguments).output().map_err(|error| no_git(&error))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(arguments)
            .current_dir(&self.root)
            .env("LC_ALL", "C")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null());
        command
    }
}

/// Says whether the repository around `directory` belongs to another user, and git therefore does not touch it.
fn is_of_another_user(directory: &Path) -> bool {
    let repository = directory.ancestors().map(|above| above.join(".git"));
    let owner = repository.filter_map(|found| found.metadata().ok()).next();
    owner.is_some_and(|found| found.uid() != rustix::process::geteuid().as_raw())
}

/// A commit and its name in messages.
struct Base {
    name: String,
    commit: String,
}

/// Splits the output of `git cat-file --batch`: for each object `ID SP type SP size LF content LF`.
fn divided(mut printed: &[u8], objects: usize) -> Option<Vec<Vec<u8>>> {
    let mut contents = Vec::with_capacity(objects);
    for _ in 0..objects {
        let end = printed.iter().position(|byte| *byte == b'\n')?;
        let header = std::str::from_utf8(&printed[..end]).ok()?;
        let size: usize = header.rsplit(' ').next()?.parse().ok()?;
        let content = printed.get(end + 1..end + 1 + size)?;
        contents.push(content.to_vec());
        printed = printed.get(end + 2 + size..)?;
    }
    Some(contents)
}

/// Returns the first line of git's message, in lower case like all other messages.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().next().unwrap_or("git failed");
    line.trim_start_matches("fatal: ").to_string()
}

fn whole_history() -> &'static str {
    "fetch the whole history: `fetch-depth: 0` for actions/checkout, `GIT_DEPTH: 0` in GitLab, `git fetch --unshallow`"
}

fn no_git(error: &std::io::Error) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("cannot run git: {}", crate::error::reason(error)),
    )
    .with_hint("install git; migtime ci asks it what is new")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(printed: &str, objects: usize, expected: Option<&[&str]>) {
        let found = divided(printed.as_bytes(), objects);
        let expected = expected.map(|contents| contents.iter().map(|content| content.as_bytes().to_vec()).collect());
        assert_eq!(found, expected);
    }

    #[test]
    fn contents_are_divided_by_their_size() {
        check("1 blob 3\na\nb\n2 blob 0\n\n", 2, Some(&["a\nb", ""]));
        check("1 blob 3\na\n", 1, None);
        check("1 missing\n", 1, None);
        check("", 0, Some(&[]));
    }
}
