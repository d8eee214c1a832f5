//! Each statement's plan against what the server does: random statements on a catalog of shapes, alone and in chains.
//!
//! Truth is the server: `pg_locks` before the statement's transaction ends, `pg_class.relfilenode`, and the rows that
//! sequential scans read. A part with a fixed seed runs on each version; `make differential` runs the whole, prints
//! each difference and writes `reports/accuracy/differential.csv`.

use std::collections::{BTreeMap, BTreeSet};

use migtime::catalog::SchemaFacts;
use migtime::migration::{self, LockMode, PlannedStatement};
use migtime::sampler;
use migtime::server::Production;
use postgres::{Client, Transaction};

use crate::differential_report::{Done, Tally, note, write};
use crate::differential_statements::{Forms, Objects, seeded, version};
use crate::support::Database;

/// Counts one statement, and returns what its plan missed or claimed in vain.
fn count(tally: &mut Tally, planned: &PlannedStatement, found: &Done, measured: &Done) -> Option<&'static str> {
    // A scan of what has become empty reads nothing.
    let mut found = found.clone();
    found
        .scanned
        .retain(|name| measured.scanned.contains(name) || !measured.visited.contains(name));
    let measured = &Done {
        visited: BTreeSet::new(),
        ..measured.clone()
    };
    if found == Done::default() && *measured == Done::default() {
        return None;
    }
    tally.judged += 1;
    if found == *measured {
        tally.exact += 1;
        return None;
    }
    let is_unknown = planned
        .effects
        .as_ref()
        .is_some_and(|effects| !effects.unknown.is_empty());
    let weaker = |strong: bool| {
        let mut locks = measured.locks.iter();
        locks.any(|(name, mode)| {
            (*mode >= LockMode::ShareUpdateExclusive) == strong && found.locks.get(name).is_none_or(|own| own < mode)
        })
    };
    let (count, text) = if is_unknown {
        (&mut tally.unclassified, "unclassified")
    } else if weaker(true) {
        (&mut tally.missed_strong_lock, "MISSED a strong lock")
    } else if !measured.rewritten.is_subset(&found.rewritten) {
        (&mut tally.missed_rewrite, "MISSED a rewrite")
    } else if !measured.scanned.is_subset(&found.scanned) {
        (&mut tally.missed_scan, "MISSED a scan")
    } else if weaker(false) {
        (&mut tally.missed_weak_lock, "missed a weak lock")
    } else {
        (&mut tally.extra, "extra")
    };
    *count += 1;
    Some(text)
}

/// What the catalog says of one relation, at one moment of a transaction.
struct Relation {
    name: String,
    lockable: bool,
    storage: u32,
    read: i64,
    visits: i64,
}

type Relations = BTreeMap<u32, Relation>;

fn relations(transaction: &mut Transaction) -> Relations {
    let sql = "SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text, c.relfilenode,
                      CASE WHEN c.relkind IN ('r', 'm') THEN pg_stat_get_xact_tuples_returned(c.oid) ELSE 0 END,
                      CASE WHEN c.relkind IN ('r', 'm') THEN pg_stat_get_xact_numscans(c.oid) ELSE 0 END
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'";
    let rows = transaction.query(sql, &[]).expect("relations");
    let relation = |row: &postgres::Row| Relation {
        name: row.get(1),
        lockable: matches!(row.get(2), "r" | "p" | "v" | "m" | "f"),
        storage: row.get(3),
        read: row.get(4),
        visits: row.get(5),
    };
    rows.iter().map(|row| (row.get(0), relation(row))).collect()
}

fn locks(transaction: &mut Transaction, known: &Relations) -> BTreeMap<String, LockMode> {
    let sql = "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'";
    let mut locks: BTreeMap<String, LockMode> = BTreeMap::new();
    for row in transaction.query(sql, &[]).expect("locks") {
        let mode = LockMode::from_name(row.get(1)).expect("a lock mode");
        let relation = known.get(&row.get(0)).filter(|relation| relation.lockable);
        if let Some(relation) = relation.filter(|_| mode > LockMode::AccessShare) {
            let strongest = locks.entry(relation.name.clone()).or_insert(mode);
            *strongest = (*strongest).max(mode);
        }
    }
    locks
}

/// Lets the planner read large tables as it would read larger ones: from end to end, where it has to look at each row.
const AS_IF_LARGE: &str = "SET enable_nestloop = off; SET enable_mergejoin = off; SET enable_indexonlyscan = off";

/// Runs a statement; `None` where the server refuses it, which leaves the transaction as it was.
fn measure(transaction: &mut Transaction, sql: &str) -> Option<Done> {
    let before = relations(transaction);
    let held = locks(transaction, &before);
    let mut inner = transaction.transaction().expect("a savepoint");
    if inner.batch_execute(sql).is_err() {
        inner.rollback().expect("a rollback");
        return None;
    }
    let after = relations(&mut inner);
    let taken = locks(&mut inner, &before);
    inner.commit().expect("a release");
    let kept = before.iter().filter_map(|(oid, old)| Some((old, after.get(oid)?)));
    Some(Done {
        locks: taken
            .into_iter()
            .filter(|(name, mode)| held.get(name).is_none_or(|own| own < mode))
            .collect(),
        rewritten: kept
            .clone()
            .filter(|(old, new)| old.storage != new.storage)
            .map(|(old, _)| old.name.clone())
            .collect(),
        visited: kept
            .clone()
            .filter(|(old, new)| new.visits > old.visits)
            .map(|(old, _)| old.name.clone())
            .collect(),
        scanned: kept
            .filter(|(old, new)| new.read > old.read)
            .map(|(old, _)| old.name.clone())
            .collect(),
    })
}

/// What a plan says, without what is held already, and without indexes and sequences, which it lists only at times.
fn foretold(planned: &PlannedStatement, held: &BTreeMap<String, LockMode>, lockable: &BTreeSet<String>) -> Done {
    let effects = planned.effects.clone().unwrap_or_default();
    let is_new =
        |(name, mode): &(String, LockMode)| lockable.contains(name) && held.get(name).is_none_or(|own| own < mode);
    Done {
        locks: effects.locks.into_iter().filter(is_new).collect(),
        rewritten: effects
            .rewritten
            .into_iter()
            .filter(|name| !name.contains("_seq") && name != "public.sq")
            .collect(),
        scanned: planned.scanned().iter().cloned().collect(),
        visited: BTreeSet::new(),
    }
}

fn without_sequences(mut done: Done) -> Done {
    done.rewritten
        .retain(|name| !name.contains("_seq") && name != "public.sq");
    done
}

fn schema_of(database: &Database, text: &str) -> SchemaFacts {
    let words = migration::names_in(&migration::parse(text, "m.sql").expect("parses"));
    let mut production = Production::connect(&database.parameters()).expect("the database takes connections");
    production
        .read(|reader| sampler::schema(reader, &words))
        .expect("the catalog is readable")
}

/// Judges statements one by one, each in a transaction that is rolled back.
pub(crate) fn alone(database: &Database, wanted: usize, seed: u64) -> Tally {
    let mut client = database.client();
    client.batch_execute(AS_IF_LARGE).expect("settings");
    let objects = Objects::read(&mut client);
    let forms = Forms::read();
    let mut random = seeded(seed);
    let filled = (0..2 * wanted).filter_map(|_| forms.fill(&objects, &mut random));
    let mut known = BTreeSet::new();
    let statements: Vec<String> = filled.filter(|sql| known.insert(sql.clone())).collect();
    let text: String = statements.iter().map(|sql| format!("{sql};\n")).collect();
    // What is rolled back leaves its pages behind, so that an empty table seems to have rows.
    let schema = schema_of(database, &text);
    let lockable = lockable(&mut client);
    let mut tally = Tally::default();
    for sql in statements {
        let mut transaction = client.transaction().expect("a transaction");
        let measured = measure(&mut transaction, &sql);
        transaction.rollback().expect("a rollback");
        // An index is built over rows that were rolled back, too.
        client.batch_execute("TRUNCATE bare").expect("an empty table");
        let Some(measured) = measured else { continue };
        let planned = migration::plan(&migration::parse(&sql, "m.sql").expect(&sql), &schema);
        judge(
            &mut tally,
            ("alone", &sql),
            &planned[0],
            &BTreeMap::new(),
            (&lockable, measured),
        );
        if tally.judged == wanted {
            break;
        }
    }
    tally
}

fn lockable(client: &mut Client) -> BTreeSet<String> {
    let mut transaction = client.transaction().expect("a transaction");
    let found = relations(&mut transaction).into_values();
    found
        .filter(|relation| relation.lockable)
        .map(|relation| relation.name)
        .collect()
}

fn judge(
    tally: &mut Tally,
    (label, sql): (&str, &str),
    planned: &PlannedStatement,
    held: &BTreeMap<String, LockMode>,
    (lockable, measured): (&BTreeSet<String>, Done),
) {
    let (found, measured) = (foretold(planned, held, lockable), without_sequences(measured));
    if let Some(verdict) = count(tally, planned, &found, &measured) {
        let unknown = planned
            .effects
            .iter()
            .flat_map(|effects| &effects.unknown)
            .cloned()
            .collect::<Vec<_>>();
        note(
            label,
            &format!("{sql} {}", unknown.join("; ")),
            verdict,
            &found,
            &measured,
        );
    }
}

/// One statement of a chain, as the server ran it.
struct Link {
    sql: String,
    measured: Done,
    held: BTreeMap<String, LockMode>,
    lockable: BTreeSet<String>,
}

/// Judges a file of statements that leave their effects to those behind them, some of them in blocks, of which one in
/// five is rolled back.
pub(crate) fn chain(template: &Database, length: usize, seed: u64) -> Tally {
    let copy = template.copy();
    let mut client = copy.client();
    let forms = Forms::read();
    let mut random = seeded(seed);
    let (mut links, mut text): (Vec<Link>, String) = (Vec::new(), String::new());
    while links.len() < length {
        let size = if random.below(3) == 0 { 1 + random.below(4) } else { 1 };
        let commits = random.below(5) > 0;
        let in_block = size > 1 || !commits;
        client.batch_execute(AS_IF_LARGE).expect("settings");
        let mut transaction = client.transaction().expect("a transaction");
        let mut block = String::new();
        for _ in 0..size {
            let objects = Objects::within(&mut transaction);
            let Some(sql) = forms.fill(&objects, &mut random) else {
                continue;
            };
            let (known, lockable) = (relations(&mut transaction), lockable_in(&mut transaction));
            let held = locks(&mut transaction, &known);
            if !in_block && sql.starts_with("SET LOCAL") {
                continue;
            }
            if let Some(measured) = measure(&mut transaction, &sql) {
                block += &format!("{sql};\n");
                links.push(Link {
                    sql,
                    measured,
                    held,
                    lockable,
                });
            }
        }
        match (in_block, commits) {
            (false, _) => text += &block,
            (true, true) => text += &format!("BEGIN;\n{block}COMMIT;\n"),
            (true, false) => text += &format!("BEGIN;\n{block}ROLLBACK;\n"),
        }
        if commits {
            transaction.commit()
        } else {
            transaction.rollback()
        }
        .expect("an end");
    }
    drop(client);
    judge_chain(template, &text, links, seed)
}

fn judge_chain(template: &Database, text: &str, links: Vec<Link>, seed: u64) -> Tally {
    let schema = schema_of(template, text);
    let planned = migration::plan(&migration::parse(text, "m.sql").expect("parses"), &schema);
    let planned = planned.iter().filter(|planned| planned.effects.is_some());
    let mut tally = Tally::default();
    let mut count = 0;
    for (planned, link) in planned.zip(links) {
        count += 1;
        let label = format!("chain {seed}, {count}");
        judge(
            &mut tally,
            (&label, &link.sql),
            planned,
            &link.held,
            (&link.lockable, link.measured),
        );
    }
    tally
}

fn lockable_in(transaction: &mut Transaction) -> BTreeSet<String> {
    let found = relations(transaction).into_values();
    found
        .filter(|relation| relation.lockable)
        .map(|relation| relation.name)
        .collect()
}

/// Creates a database with the shapes that this version knows.
fn shapes() -> Database {
    let database = Database::create();
    let mut client = database.client();
    let version = version(&mut client);
    let text = std::fs::read_to_string("tests/data/differential/shapes.sql").expect("the shapes are there");
    for paragraph in text.split("\n\n").skip(1) {
        let (first, sql) = match paragraph
            .strip_prefix("-- from ")
            .and_then(|rest| rest.split_once('\n'))
        {
            Some((first, sql)) => (first.parse().expect("a version"), sql),
            None => (0, paragraph),
        };
        if first <= version {
            client
                .batch_execute(sql)
                .unwrap_or_else(|error| panic!("{sql}: {}", crate::support::said(&error)));
        }
    }
    client.batch_execute("VACUUM ANALYZE").expect("statistics");
    database
}

#[test]
fn plans_say_what_the_server_does() {
    let database = shapes();
    let whole = std::env::var("DIFFERENTIAL")
        .ok()
        .map(|count| count.parse().expect("a number of statements"));
    let of_alone = alone(&database, whole.unwrap_or(200), 1);
    let mut of_chains = Tally::default();
    for seed in 1..=whole.map_or(1, |count| count as u64 / 40) {
        of_chains += chain(&database, 25, seed);
    }
    println!("alone {of_alone:?}\nchains {of_chains:?}");
    assert_eq!(
        of_alone.dangerous() + of_chains.dangerous(),
        0,
        "{of_alone:?} {of_chains:?}"
    );
    if whole.is_some() {
        write(version(&mut database.client()), of_alone, of_chains);
    }
}
