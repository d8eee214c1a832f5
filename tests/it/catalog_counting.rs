//! Intervals from block samples contain the true value; counts and key ranges are exact.

use migtime::catalog::Sampled;
use migtime::catalog::facts::{Column, RowsSource, TableFacts};
use migtime::error::{ErrorKind, Result};
use migtime::sampler::{self, SampleOptions};

use crate::catalog_reader::{facts, read};
use crate::support::Database;

/// Clustered matches, a stretch of empty pages, and a tenth of the matches spread over all rows.
fn create_orders(database: &Database) {
    database.execute(
        "CREATE TABLE orders (id bigint PRIMARY KEY, status text, note text) WITH (autovacuum_enabled = off);
         INSERT INTO orders SELECT i, CASE WHEN i BETWEEN 30000 AND 50000 OR i % 50 = 0 THEN 'open' \
         ELSE 'done' END, md5(i::text)
         FROM generate_series(1, 120000) i;
         DELETE FROM orders WHERE id BETWEEN 60000 AND 70000",
    );
    database.execute("VACUUM ANALYZE orders");
}

fn sample(database: &Database, facts: &TableFacts, predicate: Option<(&str, &str)>, seed: u64) -> Result<Sampled> {
    read(database, |reader| {
        sampler::sample(reader, facts, predicate, seed, SampleOptions { blocks: 300 })
    })
}

fn exact(database: &Database, facts: &TableFacts, predicate: Option<(&str, &str)>) -> Result<Sampled> {
    read(database, |reader| sampler::exact(reader, facts, predicate))
}

#[test]
fn sampled_intervals_hold_the_exact_count_and_share() {
    let database = Database::create();
    create_orders(&database);
    let orders = facts(&database, "orders");
    let open = Some(("o", "o.status = 'open' -- not shipped"));
    let truth = exact(&database, &orders, open).unwrap();
    assert_eq!(
        (truth.rows, truth.rows_relative_sd, truth.source),
        (109_999.0, 0.0, RowsSource::Exact)
    );
    let matching = truth.matching.unwrap();
    assert_eq!((matching.rows, matching.share), (21_799.0, 21_799.0 / 109_999.0));
    let (mut rows_held, mut share_held, mut matching_held) = (0, 0, 0);
    for seed in 1..=20 {
        let sampled = sample(&database, &orders, open, seed).unwrap();
        assert_eq!(sampled.source, RowsSource::Sample);
        assert!((200..400).contains(&sampled.blocks), "{} blocks", sampled.blocks);
        let near = |estimate: f64, sd: f64, truth: f64| (estimate - truth).abs() <= 1.96 * sd * estimate;
        rows_held += usize::from(near(sampled.rows, sampled.rows_relative_sd, truth.rows));
        let found = sampled.matching.unwrap();
        matching_held += usize::from(near(found.rows, found.rows_relative_sd, matching.rows));
        share_held += usize::from(found.share_lower <= matching.share && matching.share <= found.share_upper);
        assert!(found.share_upper - found.share_lower < 0.15, "{found:?}");
        assert!(
            (0.01..0.1).contains(&sampled.rows_relative_sd),
            "{}",
            sampled.rows_relative_sd
        );
    }
    // Of 20 intervals at 95 %, fewer than 17 contain the true value with a probability below 2 %.
    for held in [rows_held, share_held, matching_held] {
        assert!(held >= 17, "{held} of 20");
    }
    assert_eq!(
        sample(&database, &orders, open, 3).unwrap(),
        sample(&database, &orders, open, 3).unwrap()
    );
    assert_ne!(
        sample(&database, &orders, open, 3).unwrap(),
        sample(&database, &orders, open, 4).unwrap()
    );
}

#[test]
fn a_small_table_is_counted_rather_than_sampled() {
    let database = Database::create();
    create_orders(&database);
    let mut orders = facts(&database, "orders");
    let whole = read(&database, |reader| {
        sampler::sample(reader, &orders, None, 1, SampleOptions::default())
    });
    let whole = whole.unwrap();
    assert_eq!(
        (whole.source, whole.rows, whole.matching),
        (RowsSource::Exact, 109_999.0, None)
    );
    whole.refine(&mut orders);
    assert_eq!((orders.estimated_rows, orders.rows_relative_sd), (109_999.0, 0.0));
    assert_eq!(orders.rows_source, RowsSource::Exact);
}

#[test]
fn a_sample_of_nothing_that_matches_still_has_an_upper_end() {
    let database = Database::create();
    create_orders(&database);
    let orders = facts(&database, "orders");
    let none = sample(&database, &orders, Some(("orders", "status IS NULL")), 1)
        .unwrap()
        .matching
        .unwrap();
    assert_eq!((none.rows, none.share, none.share_lower), (0.0, 0.0, 0.0));
    assert!((0.005..0.03).contains(&none.share_upper), "{}", none.share_upper);
}

#[test]
fn partitions_are_sampled_together() {
    let database = Database::create();
    database.execute(
        "CREATE TABLE events (id int, note text) PARTITION BY HASH (id);
         CREATE TABLE events_0 PARTITION OF events FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE events_1 PARTITION OF events FOR VALUES WITH (MODULUS 2, REMAINDER 1);
         INSERT INTO events SELECT i, md5(i::text) FROM generate_series(1, 60000) i",
    );
    let events = facts(&database, "events");
    let sampled = sample(&database, &events, Some(("e", "id % 4 = 0")), 5).unwrap();
    assert_eq!(sampled.source, RowsSource::Sample);
    assert!(
        (sampled.rows - 60_000.0).abs() < 3.0 * sampled.rows_relative_sd * sampled.rows,
        "{sampled:?}"
    );
    let matching = sampled.matching.unwrap();
    assert!(
        matching.share_lower < 0.25 && 0.25 < matching.share_upper,
        "{matching:?}"
    );
}

#[test]
fn a_predicate_the_server_refuses_is_a_usage_error_in_its_words() {
    let database = Database::create();
    create_orders(&database);
    let orders = facts(&database, "orders");
    for (predicate, words) in [
        ("o.stauts IS NULL", "column o.stauts does not exist"),
        ("o.id = ", "syntax error"),
        ("o.note::int > 0", "invalid input syntax for type integer"),
        ("x.id = 1", "missing FROM-clause entry for table \"x\""),
    ] {
        for outcome in [
            sample(&database, &orders, Some(("o", predicate)), 1),
            exact(&database, &orders, Some(("o", predicate))),
        ] {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{predicate}");
            assert!(
                error.message().starts_with("reading public.orders: "),
                "{}",
                error.message()
            );
            assert!(error.message().contains(words), "{}", error.message());
        }
    }
}

#[test]
fn a_predicate_cannot_write() {
    let database = Database::create();
    database.execute(
        "CREATE TABLE orders (id int); INSERT INTO orders VALUES (1);
         CREATE FUNCTION wipe() RETURNS bool LANGUAGE plpgsql AS 'BEGIN DELETE FROM orders; RETURN true; END'",
    );
    let orders = facts(&database, "orders");
    let error = exact(&database, &orders, Some(("orders", "wipe()"))).unwrap_err();
    assert!(error.message().contains("read-only transaction"), "{}", error.message());
    assert_eq!(exact(&database, &orders, None).unwrap().rows, 1.0);
}

#[test]
fn the_range_of_an_integer_key_is_exact() {
    let database = Database::create();
    database.execute(
        "CREATE TABLE sparse (\"Id\" bigint PRIMARY KEY); CREATE TABLE empty (id int PRIMARY KEY);
         CREATE TABLE of_uuid (id uuid PRIMARY KEY);
         INSERT INTO sparse VALUES (-9223372036854775808), (17), (9223372036854775807)",
    );
    let range = |name: &str| {
        let facts = facts(&database, name);
        let column: Column = facts.key[0].clone();
        read(&database, |reader| sampler::key_range(reader, &facts, &column))
    };
    assert_eq!(range("sparse").unwrap(), Some((i64::MIN.into(), i64::MAX.into())));
    assert_eq!(range("empty").unwrap(), None);
    let error = range("of_uuid").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(
        error.message(),
        "the key id of public.of_uuid is of type uuid, so it has no ranges to walk"
    );
}
