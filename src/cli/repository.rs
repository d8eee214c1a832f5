//! A file's path in its repository: the name by which services find it, independent of the working directory.

use std::path::{Component, Path, PathBuf};

/// Returns the path of `file` relative to the root of its repository, with `/`. Without a repository, it is relative to
/// the current directory, or absolute if it lies outside that.
pub fn path_in_repository(file: &str) -> String {
    let absolute = without_dots(&std::env::current_dir().unwrap_or_default().join(file));
    let root = root_around(&absolute);
    let inside = absolute.strip_prefix(&root).unwrap_or(&absolute);
    inside.to_string_lossy().into_owned()
}

/// Returns the root of the repository around the file at `path`, or the current directory.
pub fn root_around(path: &Path) -> PathBuf {
    let current = std::env::current_dir().unwrap_or_default();
    let absolute = without_dots(&current.join(path));
    let mut directories = absolute.ancestors().skip(1);
    let root = directories.find(|directory| directory.join(".git").exists());
    root.map_or(current, Path::to_path_buf)
}

/// Removes `.` and `..` from the text of an absolute path; symbolic links are kept, as a repository has them.
fn without_dots(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut found, component| {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                found.pop();
            }
            other => found.push(other),
        }
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_at_the_root_of_the_repository() {
        let root = tempfile::tempdir().expect("a directory");
        let migrations = root.path().join("db").join("migrations");
        std::fs::create_dir_all(&migrations).expect("directories");
        std::fs::create_dir(root.path().join(".git")).expect("a directory");
        let file = migrations.join("../migrations/./1.sql");
        assert_eq!(path_in_repository(&file.display().to_string()), "db/migrations/1.sql");
    }

    #[test]
    fn without_a_repository_a_path_outside_stays_whole() {
        assert_eq!(path_in_repository("/nowhere/at/all/1.sql"), "/nowhere/at/all/1.sql");
    }
}
