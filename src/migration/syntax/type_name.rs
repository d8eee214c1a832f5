//! Names of types, read from the parser's tree.
//!
//! Where that tree says less than PostgreSQL's grammar (`SimpleTypename` in `src/backend/parser/gram.y`), this says it:
//! `char` alone has length 1 and is not the type `"char"`, `float(24)` is `real`, `national` means nothing.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::super::command::TypeName;
use super::super::names::name_path;
use super::node::{tokens, written, written_name};

/// Reads the name of a type.
pub(super) fn type_name(ty: &ast::Type) -> TypeName {
    let (element, array) = match ty {
        ast::Type::ArrayType(array) => (array.ty(), true),
        other => (Some(other.clone()), false),
    };
    let (path, modifiers) = element.as_ref().map(named).unwrap_or_default();
    TypeName {
        written: written(ty.syntax()),
        path,
        modifiers,
        array,
    }
}

/// Returns the name of a type that is no array, and its modifiers.
fn named(ty: &ast::Type) -> (Vec<String>, Vec<i64>) {
    let modifiers = modifiers(ty.syntax());
    match ty {
        ast::Type::PathType(found) => {
            let written = found.path_ref().map(|path| written_name(path.syntax()));
            let path = name_path(&written.unwrap_or_default());
            match (path.as_slice(), modifiers.as_slice()) {
                ([name], [digits]) if name == "float" && *digits <= 24 => (vec!["real".to_owned()], Vec::new()),
                ([name], _) if name == "float" => (path, Vec::new()),
                _ => (path, modifiers),
            }
        }
        ast::Type::CharacterType(_) | ast::Type::BitType(_) if modifiers.is_empty() => (keywords(ty.syntax()), vec![1]),
        other => (keywords(other.syntax()), modifiers),
    }
}

fn keywords(node: &SyntaxNode) -> Vec<String> {
    let words = tokens(node).map(|token| token.text().to_ascii_lowercase());
    let names: Vec<String> = words
        .filter(|word| word.starts_with(char::is_alphabetic) && !matches!(word.as_str(), "national" | "setof"))
        .map(|word| match word.as_str() {
            "char" | "nchar" => "character".to_owned(),
            _ => word,
        })
        .collect();
    vec![names.join(" ")]
}

/// Returns the whole numbers in the parenthesis of a type.
fn modifiers(node: &SyntaxNode) -> Vec<i64> {
    let inside = node.descendants().filter(|inner| {
        let of_arguments = ast::Arg::can_cast(inner.kind());
        let of_keywords =
            ast::Literal::can_cast(inner.kind()) && inner.ancestors().all(|outer| !ast::Arg::can_cast(outer.kind()));
        of_arguments || of_keywords
    });
    inside
        .filter_map(|inner| written(&inner).replace(' ', "").parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fragment::type_name;

    #[test]
    fn names_and_modifiers() {
        fn check(text: &str, path: &[&str], modifiers: &[i64], array: bool) {
            let found = type_name(text).expect("is read");
            let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
            assert_eq!(
                (found.path, found.modifiers, found.array),
                (path, modifiers.to_vec(), array),
                "{text}"
            );
        }
        check("INT", &["int"], &[], false);
        check("pg_catalog . int4", &["pg_catalog", "int4"], &[], false);
        check("public.\"Mood\"[]", &["public", "Mood"], &[], true);
        check("char", &["character"], &[1], false);
        check("\"char\"", &["char"], &[], false);
        check(
            "national character /* x */ varying (20)",
            &["character varying"],
            &[20],
            false,
        );
        check("bit", &["bit"], &[1], false);
        check("bit varying(8)", &["bit varying"], &[8], false);
        check("double precision array[3]", &["double precision"], &[], true);
        check(
            "timestamp (3) with time zone",
            &["timestamp with time zone"],
            &[3],
            false,
        );
        check("time", &["time"], &[], false);
        check("interval day to second(3)", &["interval day to second"], &[3], false);
        check("float(24)", &["real"], &[], false);
        check("float(25)", &["float"], &[], false);
        check("numeric(3, -2)", &["numeric"], &[3, -2], false);
        check("geometry(Point, 4326)", &["geometry"], &[4326], false);
    }

    #[test]
    fn what_is_no_type_is_none() {
        for text in [
            "",
            "int using 1",
            "int collate \"C\"",
            "int, drop column a",
            "int; select 1",
        ] {
            assert_eq!(type_name(text), None, "{text}");
        }
    }
}
