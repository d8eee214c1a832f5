//! Random statements for the differential test: forms from `tests/data/differential/forms.sql`, filled with names from
//! the catalog.

use postgres::{Client, GenericClient, Transaction};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Random numbers from one seed.
pub(crate) struct Random(ChaCha8Rng, usize);

pub(crate) fn seeded(seed: u64) -> Random {
    Random(ChaCha8Rng::seed_from_u64(seed), 0)
}

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0.random_range(0..limit)
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        if list.is_empty() {
            return None;
        }
        list.get(self.below(list.len()))
    }
}

/// Returns the major version of a server.
pub(crate) fn version(client: &mut Client) -> u32 {
    let sql = "SELECT current_setting('server_version_num')::int / 10000";
    let version: i32 = client.query_one(sql, &[]).expect("a version").get(0);
    version as u32
}

/// A relation, with the names of what belongs to it.
struct Relation {
    name: String,
    kind: String,
    columns: Vec<String>,
    constraints: Vec<String>,
    triggers: Vec<String>,
    rules: Vec<String>,
    policies: Vec<String>,
    children: Vec<String>,
    indexes: Vec<String>,
    has_key: bool,
}

/// What there is to name.
pub(crate) struct Objects {
    relations: Vec<Relation>,
    types: Vec<String>,
    domains: Vec<String>,
    functions: Vec<String>,
}

impl Objects {
    pub fn read(client: &mut Client) -> Objects {
        Objects::by(client)
    }

    pub fn within(transaction: &mut Transaction) -> Objects {
        Objects::by(transaction)
    }

    fn by(client: &mut impl GenericClient) -> Objects {
        // Names as the session would write them.
        let sql = "SELECT c.oid::regclass::text, c.relkind::text,
            ARRAY(SELECT quote_ident(attname) FROM pg_attribute
                  WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum),
            ARRAY(SELECT quote_ident(conname) FROM pg_constraint WHERE conrelid = c.oid ORDER BY conname),
            ARRAY(SELECT quote_ident(tgname) FROM pg_trigger
                  WHERE tgrelid = c.oid AND NOT tgisinternal ORDER BY tgname),
            ARRAY(SELECT quote_ident(rulename) FROM pg_rewrite
                  WHERE ev_class = c.oid AND rulename <> '_RETURN' ORDER BY 1),
            ARRAY(SELECT quote_ident(polname) FROM pg_policy WHERE polrelid = c.oid ORDER BY 1),
            ARRAY(SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = c.oid ORDER BY 1),
            ARRAY(SELECT quote_ident(i.relname) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                  WHERE x.indrelid = c.oid ORDER BY 1),
            EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p')
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('public', 'app') AND c.relkind IN ('r', 'p', 'v', 'm', 'i', 'I', 'S')
            ORDER BY n.nspname, c.relname";
        let rows = client.query(sql, &[]).expect("objects");
        let relation = |row: &postgres::Row| Relation {
            name: row.get(0),
            kind: row.get(1),
            columns: row.get(2),
            constraints: row.get(3),
            triggers: row.get(4),
            rules: row.get(5),
            policies: row.get(6),
            children: row.get(7),
            indexes: row.get(8),
            has_key: row.get(9),
        };
        let mut names = |sql: &str| -> Vec<String> {
            let rows = client.query(sql, &[]).expect("names");
            rows.iter().map(|row| row.get(0)).collect()
        };
        let typed =
            "FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
                     WHERE n.nspname IN ('public', 'app')";
        Objects {
            relations: rows.iter().map(relation).collect(),
            types: names(&format!(
                "SELECT t.oid::regtype::text {typed} AND (t.typtype = 'e' OR c.relkind = 'c') ORDER BY 1"
            )),
            domains: names(&format!(
                "SELECT t.oid::regtype::text {typed} AND t.typtype = 'd' ORDER BY 1"
            )),
            functions: names(
                "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace::regnamespace::text IN \
                              ('public', 'app') ORDER BY 1",
            ),
        }
    }

    fn of_kind(&self, kinds: &str) -> Vec<&Relation> {
        self.relations
            .iter()
            .filter(|relation| kinds.contains(relation.kind.as_str()))
            .collect()
    }
}

const TYPES: &[&str] = &[
    "int",
    "bigint",
    "text",
    "varchar(20)",
    "varchar(5)",
    "varchar",
    "timestamptz",
    "date",
    "numeric(10, 2)",
    "jsonb",
    "uuid",
    "positive",
    "plain_int",
    "over_positive",
    "stamped",
    "holds",
    "mood",
    "int[]",
    "positive[]",
    "boolean",
    "char(4)",
];

const DEFAULTS: &[&str] = &[
    "5",
    "NULL",
    "one()",
    "plus(1)",
    "dice()",
    "dice(3)",
    "roll()",
    "length('abc')",
    "(1 + 2)",
    "(random() * 5)::int",
    "nextval('sq')",
    "extract(year FROM now())::int",
    "extract(year FROM clock_timestamp())::int",
    "abs(-4)",
    "date_part('year', timezone('utc', now()))::int",
    "CASE WHEN true THEN 1 ELSE 2 END",
];

const BOUNDS: &[&str] = &[
    "FROM ('2026-01-01') TO ('2027-01-01')",
    "FROM ('2030-01-01') TO ('2031-01-01')",
    "FROM ('2020-01-01') TO ('2021-01-01')",
];

/// The forms, as the file has them.
pub(crate) struct Forms(Vec<String>);

impl Forms {
    pub fn read() -> Forms {
        let text = std::fs::read_to_string("tests/data/differential/forms.sql").expect("the forms are there");
        let forms = text.lines().filter(|line| !line.is_empty() && !line.starts_with("--"));
        Forms(forms.map(str::to_owned).collect())
    }

    /// Returns a random statement; `None` where there is nothing to fill a form with.
    pub fn fill(&self, objects: &Objects, random: &mut Random) -> Option<String> {
        let form = random.pick(&self.0)?;
        let table = fitting(form, objects, random)?;
        random.1 += 1;
        let new = format!("n{}", random.1);
        let mut sql = form.replace("{new}", &new).replace("{t}", &table.name);
        while let Some(start) = sql.find('{') {
            let end = sql[start..].find('}')? + start;
            let value = value_of(&sql[start + 1..end], table, objects, random)?;
            sql.replace_range(start..=end, &value);
        }
        Some(sql)
    }
}

/// Picks a table that has what the form names of it.
fn fitting<'a>(form: &str, objects: &'a Objects, random: &mut Random) -> Option<&'a Relation> {
    let has = |relation: &&Relation| {
        (!form.contains("{con}") || !relation.constraints.is_empty())
            && (!form.contains("{trg}") || !relation.triggers.is_empty())
            && (!form.contains("{rule}") || !relation.rules.is_empty())
            && (!form.contains("{pol}") || !relation.policies.is_empty())
            && (!form.contains("{kid}") || !relation.children.is_empty())
            && (!form.contains("{ti}") || !relation.indexes.is_empty())
            && (!form.contains("{c}") || !relation.columns.is_empty())
    };
    let tables: Vec<&Relation> = objects.of_kind("rp").into_iter().filter(has).collect();
    random.pick(&tables).copied()
}

fn value_of(what: &str, table: &Relation, objects: &Objects, random: &mut Random) -> Option<String> {
    let name_of =
        |relations: Vec<&Relation>, random: &mut Random| random.pick(&relations).map(|found| found.name.clone());
    let of_list = |list: &[&str], random: &mut Random| random.pick(list).map(|text| (*text).to_owned());
    match what {
        "c" => random.pick(&table.columns).cloned(),
        "con" => random.pick(&table.constraints).cloned(),
        "trg" => random.pick(&table.triggers).cloned(),
        "rule" => random.pick(&table.rules).cloned(),
        "pol" => random.pick(&table.policies).cloned(),
        "kid" => random.pick(&table.children).cloned(),
        "ti" => random.pick(&table.indexes).cloned(),
        "r" => name_of(
            objects
                .of_kind("rp")
                .into_iter()
                .filter(|relation| relation.has_key)
                .collect(),
            random,
        ),
        "u" => name_of(objects.of_kind("rp"), random),
        "i" => name_of(objects.of_kind("iI"), random),
        "v" => name_of(objects.of_kind("v"), random),
        "m" => name_of(objects.of_kind("m"), random),
        "q" => name_of(objects.of_kind("S"), random),
        "type" => random.pick(&objects.types).cloned(),
        "dom" => random.pick(&objects.domains).cloned(),
        "fun" => random.pick(&objects.functions).cloned(),
        "typ" => of_list(TYPES, random),
        "dfl" => of_list(DEFAULTS, random),
        "bound" => of_list(BOUNDS, random),
        other => panic!("a form names {{{other}}}"),
    }
}
