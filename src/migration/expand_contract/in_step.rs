//! The trigger that keeps two columns in step, and statements that several phases need.

use super::dependents::IndexChange;
use super::facts::ColumnChange;
use super::identifiers::{free_name, quote};
use crate::quoting::in_literal;

/// Which of the two columns follows the other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Follower {
    /// Before the switch: the twin follows. If only the name changes, each follows the other.
    TwinFollows,
    /// After the switch: the old column follows the final one.
    OldFollows,
}

/// Returns the statements that create the trigger which keeps the columns in step.
pub fn in_step(change: &ColumnChange, step: Follower) -> Vec<String> {
    let (function, trigger) = names(change);
    let body = match (step, change.is_rename()) {
        (Follower::TwinFollows, true) => both_ways(change),
        (Follower::TwinFollows, false) => {
            format!(
                "    NEW.{} := NEW.{}::{};\n",
                quote(&change.twin),
                quote(&change.old),
                change.new_type
            )
        }
        (Follower::OldFollows, _) => format!(
            "    NEW.{} := NEW.{}::{};\n",
            quote(&change.retired),
            quote(&change.final_name),
            change.old_type
        ),
    };
    vec![
        format!(
            "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $in_step$\nBEGIN\n{body}    RETURN \
             NEW;\nEND\n$in_step$;"
        ),
        format!(
            "CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {function}();",
            change.table.name
        ),
    ]
}

/// Returns the statements that drop that trigger.
pub fn out_of_step(change: &ColumnChange) -> Vec<String> {
    let (function, trigger) = names(change);
    vec![
        format!("DROP TRIGGER {trigger} ON {};", change.table.name),
        format!("DROP FUNCTION {function}();"),
    ]
}

/// Returns the names of the function and the trigger. Triggers fire in alphabetical order and the last one decides, so
/// the trigger's name sorts last.
fn names(change: &ColumnChange) -> (String, String) {
    let stem = format!("{}_{}", change.table.bare_name, change.old);
    let function = in_schema(change, &free_name(&stem, "_in_step", &[]));
    let trigger = quote(&free_name(&format!("zz_{stem}"), "_in_step", &[]));
    (function, trigger)
}

fn both_ways(change: &ColumnChange) -> String {
    let (old, new) = (quote(&change.old), quote(&change.twin));
    let cast = if change.comparable() { "" } else { "::text" };
    format!(
        "    IF TG_OP = 'INSERT' THEN
        IF NEW.{new} IS NULL THEN
            NEW.{new} := NEW.{old};
        ELSE
            NEW.{old} := NEW.{new};
        END IF;
    ELSIF NEW.{new}{cast} IS DISTINCT FROM OLD.{new}{cast} THEN
        NEW.{old} := NEW.{new};
    ELSIF NEW.{old}{cast} IS DISTINCT FROM OLD.{old}{cast} THEN
        NEW.{new} := NEW.{old};
    END IF;
"
    )
}

/// Returns the statement that creates the change's index over `column`, with the given name.
pub fn indexed(change: &ColumnChange, index: &IndexChange, name: &str, column: &str) -> String {
    let body = change.with(&index.body, column);
    let create = format!("{} {} ON {} {body};", index.create, quote(name), change.table.name);
    match &index.comment {
        Some(comment) => format!(
            "{create}\nCOMMENT ON INDEX {} IS '{}';",
            in_schema(change, name),
            in_literal(comment)
        ),
        None => create,
    }
}

/// Returns a name qualified with the table's schema.
pub fn in_schema(change: &ColumnChange, name: &str) -> String {
    format!("{}.{}", quote(&change.table.schema), quote(name))
}

/// Wraps statements in one transaction with a short lock timeout.
pub fn block(statements: Vec<String>) -> Vec<String> {
    let mut block = vec!["BEGIN;".to_owned(), "SET LOCAL lock_timeout = '5s';".to_owned()];
    block.extend(statements);
    block.push("COMMIT;".to_owned());
    block
}
