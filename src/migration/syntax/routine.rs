//! Bodies of `DO` blocks, functions and procedures, in SQL and PL/pgSQL: the statements they run.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::constant_text::constant_text;
use super::expression::expression;
use super::node::{child, child_of, last_name, statements, string, tokens, written_name};
use super::{commands, rows, targets};
use crate::migration::command::{Body, Command, Query, Routine, Run, Select};
use crate::migration::depth;

/// Depth to which bodies in bodies, and texts that are executed, are read.
const DEEPEST: usize = 4;

/// Reads the body of a statement that has one; `None` for every other statement.
pub(super) fn routine(statement: &SyntaxNode) -> Option<Routine> {
    let mut reader = Reader::default();
    let name = child_of(statement, &[SyntaxKind::FUNCTION_NAME, SyntaxKind::PROCEDURE_NAME]);
    reader.found.name = name.map(|name| last_name(&name));
    reader.body_of(statement, false, 0).then_some(reader.found)
}

#[derive(Default)]
struct Reader {
    found: Routine,
}

impl Reader {
    /// Reads the body of a statement; says whether it is one that has a body.
    fn body_of(&mut self, statement: &SyntaxNode, repeated: bool, nested: usize) -> bool {
        if !matches!(
            statement.kind(),
            SyntaxKind::DO | SyntaxKind::CREATE_FUNCTION | SyntaxKind::CREATE_PROCEDURE
        ) {
            return false;
        }
        if nested >= DEEPEST || !texts_in(statement).all(|text| depth::is_bearable(&text, true)) {
            self.unseen("a body that is nested too deep");
            return true;
        }
        let procedural = ast::Do::cast(statement.clone())
            .and_then(|found| found.plpgsql())
            .or_else(|| ast::CreateFunction::cast(statement.clone()).and_then(|found| found.plpgsql()))
            .or_else(|| ast::CreateProcedure::cast(statement.clone()).and_then(|found| found.plpgsql()));
        if let Some(body) = procedural {
            match without_targets(body.text()) {
                Some(body) => self.procedural(&body, repeated, nested),
                None => self.unseen("a body that is not understood"),
            }
            return true;
        }
        let plain = ast::CreateFunction::cast(statement.clone())
            .and_then(|found| found.sql_body())
            .or_else(|| ast::CreateProcedure::cast(statement.clone()).and_then(|found| found.sql_body()));
        let atomic = || statement.children().find(|part| part.kind() == SyntaxKind::ATOMIC_BODY);
        match (plain, atomic()) {
            (Some(body), _) if body.errors().is_empty() => self.plain(&body.syntax(), repeated, nested),
            (None, Some(body)) => self.plain(&body, repeated, nested),
            _ => self.unseen("a body that is not understood"),
        }
        true
    }

    fn unseen(&mut self, what: impl Into<String>) {
        self.found.runs.push(Run::Unseen(what.into()));
    }

    fn run(&mut self, command: Command, repeated: bool) {
        self.found.runs.push(Run::Statement {
            command: Box::new(command),
            repeated,
        });
    }

    /// Reads the statements of a body in SQL.
    fn plain(&mut self, body: &SyntaxNode, repeated: bool, nested: usize) {
        let all = body.children().filter(|node| node.kind() != SyntaxKind::EMPTY_STMT);
        all.for_each(|statement| self.statement(&statement, repeated, nested));
    }

    fn statement(&mut self, statement: &SyntaxNode, repeated: bool, nested: usize) {
        self.found.calls.extend(rows::calls(statement));
        if statement.kind() == SyntaxKind::DO {
            self.body_of(statement, repeated, nested + 1);
            return;
        }
        let mut command = commands::command(statement);
        // INTO names a variable here.
        if let Command::Query(Query {
            body: Body::Select(select),
            ..
        }) = &mut command
        {
            select.into = None;
        }
        self.run(command, repeated);
    }

    /// Reads a node of PL/pgSQL and what it holds.
    fn procedural(&mut self, node: &SyntaxNode, repeated: bool, nested: usize) {
        match node.kind() {
            SyntaxKind::PLPGSQL_COMMIT_STMT | SyntaxKind::PLPGSQL_ROLLBACK_STMT => {
                self.found.runs.push(Run::EndsTransaction);
            }
            SyntaxKind::PLPGSQL_DYN_EXECUTE_STMT
            | SyntaxKind::PLPGSQL_OPEN_EXECUTE
            | SyntaxKind::PLPGSQL_RETURN_QUERY_EXECUTE_STMT => self.executed(node, repeated, nested),
            SyntaxKind::PLPGSQL_FOR_DYN_STMT => {
                self.executed(node, repeated, nested);
                let body = child(node, SyntaxKind::PLPGSQL_BODY);
                body.iter().for_each(|body| self.procedural(body, true, nested));
            }
            SyntaxKind::CALL_EXPR => self.called(node, repeated, nested),
            kind => {
                let loops = is_loop(kind);
                for part in node.children() {
                    let repeated = repeated || (loops && part.kind() == SyntaxKind::PLPGSQL_BODY);
                    if is_statement(&part) {
                        self.statement(&part, repeated, nested);
                    } else {
                        self.procedural(&part, repeated, nested);
                    }
                }
            }
        }
    }

    /// Reads a call within an expression.
    fn called(&mut self, node: &SyntaxNode, repeated: bool, nested: usize) {
        let calls: Vec<String> = rows::calls(node);
        let own = node.children().next().map(|name| last_name(&name));
        if let Some(name) = own.filter(|name| calls.contains(name)) {
            self.found.calls.push(name.clone());
            let query = Query {
                sets: Vec::new(),
                with: Vec::new(),
                body: Body::Select(Select::default()),
                calls: vec![name],
            };
            self.run(Command::Query(query), repeated);
        }
        node.children().for_each(|part| {
            if is_statement(&part) {
                self.statement(&part, repeated, nested);
            } else {
                self.procedural(&part, repeated, nested);
            }
        });
    }

    /// Reads what is executed from a text, where that is constant.
    fn executed(&mut self, node: &SyntaxNode, repeated: bool, nested: usize) {
        let text = child(node, SyntaxKind::PLPGSQL_EXPR)
            .and_then(|text| text.descendants().find_map(ast::Expr::cast))
            .map(|text| expression(&text));
        match text.as_ref().and_then(constant_text) {
            Some(text) if nested < DEEPEST && depth::is_bearable(&text, false) => {
                self.text(&text, repeated, nested + 1)
            }
            _ => {
                let written = tokens(node).map(|token| token.text().to_owned());
                let words: Vec<String> = written.take(6).collect();
                self.unseen(format!("what is put together at run time ({} …)", words.join(" ")));
            }
        }
    }

    fn text(&mut self, text: &str, repeated: bool, nested: usize) {
        let parsed = SourceFile::parse(text);
        if !parsed.errors().is_empty() {
            return self.unseen("a text that is executed and not understood");
        }
        let all: Vec<SyntaxNode> = statements(&parsed.tree()).collect();
        all.iter()
            .for_each(|statement| self.statement(statement, repeated, nested));
    }
}

/// Returns the contents of the strings of a statement, one of which is its body.
fn texts_in(statement: &SyntaxNode) -> impl Iterator<Item = String> {
    let literals = statement
        .descendants()
        .filter(|node| node.kind() == SyntaxKind::LITERAL);
    literals.map(|literal| {
        let written = written_name(&literal);
        let after_tag = written.strip_prefix('$').and_then(|rest| rest.split_once('$'));
        match (string(&literal), after_tag) {
            (Some(text), _) => text,
            (None, Some((tag, rest))) => rest.strip_suffix(&format!("${tag}$")).unwrap_or(rest).to_owned(),
            (None, None) => written,
        }
    })
}

/// Reads a body in PL/pgSQL without its `INTO`, which in a statement of SQL names variables; `None` where it is not
/// understood.
fn without_targets(text: &str) -> Option<SyntaxNode> {
    let text = targets::blanked(text);
    let tag = (0..)
        .map(|number| format!("$body{number}$"))
        .find(|tag| !text.contains(tag))?;
    let parsed = SourceFile::parse(&format!("DO {tag}{text}{tag}"));
    let statement = statements(&parsed.tree()).next()?;
    let body = ast::Do::cast(statement)?.plpgsql()?;
    body.errors().is_empty().then(|| body.syntax())
}

fn is_loop(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::PLPGSQL_LOOP_STMT
            | SyntaxKind::PLPGSQL_WHILE_STMT
            | SyntaxKind::PLPGSQL_FOR_I_STMT
            | SyntaxKind::PLPGSQL_FOR_EACH_STMT
            | SyntaxKind::PLPGSQL_FOR_QUERY_STMT
            | SyntaxKind::PLPGSQL_FOR_CURSOR_STMT
    )
}

/// Says whether a node is a statement of SQL, in a body or in one of its expressions.
fn is_statement(node: &SyntaxNode) -> bool {
    ast::Stmt::cast(node.clone()).is_some()
}
