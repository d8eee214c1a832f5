//! Which file under `src/` uses items of which other: read from `use` lines and from paths in the code.
//!
//! A `mod` line does not count as use, and a re-export counts as use of the file that defines the item. Method calls
//! are not seen; a file that calls one nearly always names its type.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use super::source_tokens::{Import, Source};

/// Files, each with the files whose items it uses.
pub struct Graph {
    files: BTreeMap<Vec<String>, PathBuf>,
    uses: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
}

/// What a path refers to.
#[derive(Clone, Debug, PartialEq)]
enum Target {
    Module(Vec<String>),
    /// An item defined in the file of this module.
    Item(Vec<String>),
}

/// The modules of a crate, each with what was read from its file.
struct Modules(BTreeMap<Vec<String>, Source>);

impl Graph {
    /// Reads the files of a crate; paths are relative to its `src`.
    pub fn of(files: impl IntoIterator<Item = (PathBuf, String)>) -> Graph {
        let mut paths = BTreeMap::new();
        let mut sources = BTreeMap::new();
        for (path, text) in files {
            let module = module_of(&path);
            sources.insert(module.clone(), Source::read(&text));
            paths.insert(module, path);
        }
        let modules = Modules(sources);
        let tests = modules.of_tests();
        let mut uses = BTreeMap::new();
        for (module, source) in &modules.0 {
            if tests.iter().any(|test| module.starts_with(test)) {
                continue;
            }
            let used = modules.used_by(module, source);
            let used = used
                .iter()
                .filter(|other| *other != module)
                .map(|other| paths[other].clone());
            uses.insert(paths[module].clone(), used.collect());
        }
        Graph { files: paths, uses }
    }

    /// Returns the files of the program, without those that are only for tests.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.values().filter(|file| self.uses.contains_key(*file))
    }

    /// Returns the shortest circle through each file that is part of one, each circle once.
    pub fn circles(&self) -> Vec<Vec<PathBuf>> {
        let mut circles: Vec<Vec<PathBuf>> = Vec::new();
        for file in self.files() {
            if circles.iter().any(|circle| circle.contains(file)) {
                continue;
            }
            circles.extend(self.path(file, |other| other == file));
        }
        circles.sort_by_key(Vec::len);
        circles
    }

    /// Returns the shortest path from a file to another that is `wanted`, including both ends.
    pub fn path(&self, from: &PathBuf, wanted: impl Fn(&PathBuf) -> bool) -> Option<Vec<PathBuf>> {
        let mut reached_from: BTreeMap<&PathBuf, &PathBuf> = BTreeMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(file) = queue.pop_front() {
            for other in self.uses.get(file).into_iter().flatten() {
                if wanted(other) {
                    let back = std::iter::successors(Some(file), |at| reached_from.get(at).copied());
                    let mut path: Vec<PathBuf> = std::iter::once(other).chain(back).cloned().collect();
                    path.reverse();
                    return Some(path);
                }
                if other != from && !reached_from.contains_key(other) {
                    reached_from.insert(other, file);
                    queue.push_back(other);
                }
            }
        }
        None
    }
}

impl Modules {
    /// Returns the modules declared only for tests.
    fn of_tests(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        for (module, source) in &self.0 {
            for name in &source.test_modules {
                found.push([module.as_slice(), std::slice::from_ref(name)].concat());
            }
        }
        found
    }

    fn used_by(&self, module: &[String], source: &Source) -> BTreeSet<Vec<String>> {
        let imported = source.imports.iter().filter(|import| source.uses(import));
        let paths = imported.map(|import| &import.path).chain(&source.paths);
        paths
            .filter_map(|path| match self.resolve(module, path, 0)? {
                Target::Item(module) => Some(module),
                Target::Module(_) => None,
            })
            .collect()
    }

    /// Finds what a path in the file of `module` refers to; `None` outside the crate.
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Option<Target> {
        assert!(depth < 50, "{path:?} in {module:?} leads to itself");
        let (head, rest) = path.split_first()?;
        match head.as_str() {
            "crate" => self.walk(Vec::new(), rest, depth),
            "self" => self.walk(module.to_vec(), rest, depth),
            "super" => match rest.first().map(String::as_str) {
                Some("super") => self.resolve(module.split_last()?.1, rest, depth + 1),
                _ => self.walk(module.split_last()?.1.to_vec(), rest, depth),
            },
            _ if self.is_module(module, head) => self.walk(module.to_vec(), path, depth),
            _ => {
                let import = self.import(module, head)?;
                if import.path == path {
                    return None;
                }
                match self.resolve(module, &import.path, depth + 1)? {
                    Target::Module(found) => self.walk(found, rest, depth + 1),
                    item => Some(item),
                }
            }
        }
    }

    /// Follows the rest of a path down from a module.
    fn walk(&self, mut module: Vec<String>, path: &[String], depth: usize) -> Option<Target> {
        for (index, name) in path.iter().enumerate() {
            let rest = &path[index + 1..];
            let import = self.import(&module, name);
            if self.is_module(&module, name) && (import.is_none() || !rest.is_empty()) {
                module.push(name.clone());
                continue;
            }
            return match import {
                None => Some(Target::Item(module)),
                Some(import) => match self.resolve(&module, &import.path, depth + 1)? {
                    Target::Module(found) if !rest.is_empty() => self.walk(found, rest, depth + 1),
                    found => Some(found),
                },
            };
        }
        Some(Target::Module(module))
    }

    fn import(&self, module: &[String], name: &str) -> Option<&Import> {
        let source = self.0.get(module)?;
        source.imports.iter().find(|import| import.name == name)
    }

    fn is_module(&self, module: &[String], name: &str) -> bool {
        self.0.contains_key(&[module, &[name.to_string()]].concat())
    }
}

/// Returns the module of a file: `[catalog, names]` for `catalog/names.rs`; the crate's root is empty.
fn module_of(path: &std::path::Path) -> Vec<String> {
    let parts = path.with_extension("");
    let mut module: Vec<String> = parts.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod") || module == ["lib"] {
        module.pop();
    }
    module
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(files: &[(&str, &str)]) -> Graph {
        Graph::of(
            files
                .iter()
                .map(|(path, text)| (PathBuf::from(path), (*text).to_string())),
        )
    }

    fn check(files: &[(&str, &str)], expected: &[&[&str]]) {
        let circles = graph(files).circles();
        let expected: Vec<Vec<PathBuf>> = expected
            .iter()
            .map(|circle| circle.iter().map(PathBuf::from).collect())
            .collect();
        assert_eq!(circles, expected);
    }

    #[test]
    fn declarations_and_re_exports_make_no_circle() {
        check(
            &[
                ("lib.rs", "pub mod room;"),
                (
                    "room/mod.rs",
                    "mod one;\nmod two;\npub use one::{One, first};\npub use two::Two;",
                ),
                ("room/one.rs", "pub struct One; pub fn first() {}"),
                (
                    "room/two.rs",
                    "use super::One;\npub struct Two(One); // super::two::Two",
                ),
            ],
            &[],
        );
    }

    #[test]
    fn a_re_export_leads_to_the_file_that_defines() {
        let graph = graph(&[
            ("room/mod.rs", "mod one;\npub use one::One;"),
            ("room/one.rs", "pub struct One;"),
            ("other.rs", "use crate::room::{self};\nfn other(_: room::One) {}"),
        ]);
        let path = graph.path(&PathBuf::from("other.rs"), |file| file.starts_with("room"));
        assert_eq!(path, Some(vec!["other.rs".into(), "room/one.rs".into()]));
    }

    #[test]
    fn a_path_is_followed_to_the_end_of_every_import() {
        let graph = graph(&[
            ("pure.rs", "use crate::middle::Middle;\npub struct Pure(Middle);"),
            ("middle.rs", "use crate::end::{self};\npub struct Middle(end::End);"),
            ("end.rs", "pub struct End;"),
        ]);
        let path = graph.path(&PathBuf::from("pure.rs"), |file| file.starts_with("end.rs"));
        assert_eq!(path, Some(vec!["pure.rs".into(), "middle.rs".into(), "end.rs".into()]));
        assert_eq!(graph.path(&PathBuf::from("end.rs"), |_| true), None);
    }

    #[test]
    fn a_circle_is_found_by_import_by_inline_path_and_by_the_parent() {
        let names = ["a.rs", "b.rs", "a.rs"];
        check(
            &[
                ("a.rs", "use crate::b::B;\npub struct A(B);"),
                ("b.rs", "pub struct B(super::a::A);"),
            ],
            &[&names],
        );
        check(
            &[
                ("a.rs", "use crate::b;\nfn a() { b::b() }"),
                ("b.rs", "use crate::a;\npub fn b() { a::a::<u8>() }"),
            ],
            &[&names],
        );
        check(
            &[
                (
                    "room/mod.rs",
                    "mod child;\npub struct Mine;\nfn all() { child::of(Mine) }",
                ),
                ("room/child.rs", "use super::{Mine as Other};\npub fn of(_: Other) {}"),
            ],
            &[&["room/mod.rs", "room/child.rs", "room/mod.rs"]],
        );
    }

    #[test]
    fn what_a_file_passes_on_and_uses_itself_is_used() {
        check(
            &[
                (
                    "room/mod.rs",
                    "mod child;\npub use child::Child;\npub struct Mine(Child);",
                ),
                ("room/child.rs", "use super::Mine;\npub struct Child(Box<Mine>);"),
            ],
            &[&["room/mod.rs", "room/child.rs", "room/mod.rs"]],
        );
    }

    #[test]
    fn text_comments_and_tests_are_not_read() {
        check(
            &[
                ("a.rs", "use crate::b::B;\npub struct A(B);"),
                (
                    "b.rs",
                    "/* crate::a::A */ const B: &str = \"crate::a::A\";\n#[cfg(test)]\nmod tests {\n use \
                     crate::a::A;\n}",
                ),
            ],
            &[],
        );
        check(
            &[
                ("a.rs", "#[cfg(test)]\nmod tests;\npub struct A;"),
                ("a/tests.rs", "use super::A;\npub struct T;"),
            ],
            &[],
        );
    }
}
