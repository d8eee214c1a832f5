//! Works of made-up steps on relations that grow differently.

use super::*;
use crate::catalog::RelationSize;

fn size(name: &str, rows: f64, indexes: u32) -> RelationSize {
    RelationSize {
        name: name.to_owned(),
        reltuples: rows,
        relpages: (rows / 100.0).ceil() as u64,
        blocks: (rows / 100.0).ceil() as u64,
        indexes,
        ..RelationSize::default()
    }
}

/// A clone with 100,000 rows of `big`, of which production has eight times as many, and as many of `small`.
fn scale_of(work: &[WorkRecord]) -> Scale {
    let rehearsal = Rehearsal {
        relations: vec![size("big", 1e5, 1), size("small", 1000.0, 1), size("gone", 10.0, 1)],
        production_relations: vec![size("big", 8e5, 1), size("small", 1000.0, 3)],
        steps: vec![StepRecord {
            work: Some(work.to_vec()),
            ..StepRecord::default()
        }],
        ..Rehearsal::default()
    };
    scales(&rehearsal, &[None], None)
        .remove(0)
        .expect("its work was observed")
}

fn read(relation: &str, scans: u64, rows: u64) -> WorkRecord {
    WorkRecord {
        relation: relation.to_owned(),
        scans,
        rows_read: rows,
        blocks: rows / 100,
        ..WorkRecord::default()
    }
}

fn check(work: &[WorkRecord], linear: f64, written: f64) -> Scale {
    let scale = scale_of(work);
    assert!((scale.linear / linear - 1.0).abs() < 0.02, "{scale:?}");
    assert!((scale.written / written - 1.0).abs() < 0.02, "{scale:?}");
    assert!(scale.too_thin.is_empty(), "{scale:?}");
    scale
}

#[test]
fn each_relation_is_scaled_by_itself() {
    let updated = WorkRecord {
        rows_updated: 100_000,
        ..read("big", 1, 100_000)
    };
    // An index that is built writes no row of the table.
    check(&[read("big", 1, 100_000)], 8.0, 8.0);
    let scale = check(&[updated], 8.0, 8.0);
    assert_eq!((scale.beyond, scale.growing.len()), (1.0, 1));
    // Nothing grows that it reads, and it is not said to.
    let constant = check(&[read("small", 1, 1000)], 1.0, 1.0);
    assert!(constant.growing.is_empty());
    assert_eq!(check(&[], 1.0, 1.0).log_sd, 0.0);
}

#[test]
fn what_is_inserted_grows_with_what_is_read_for_it() {
    let made = WorkRecord {
        relation: "copy".to_owned(),
        made: true,
        rows_inserted: 100_000,
        ..WorkRecord::default()
    };
    check(&[read("big", 1, 100_000), made.clone()], 8.0, 8.0);
    // As by generate_series.
    check(std::slice::from_ref(&made), 1.0, 1.0);
    // Two more indexes in production double what an entry costs.
    let small = WorkRecord {
        relation: "small".to_owned(),
        rows_inserted: 100_000,
        ..WorkRecord::default()
    };
    check(&[small], 2.0, 2.0);
}

#[test]
fn a_scan_for_each_row_grows_with_the_square() {
    let driver = WorkRecord {
        rows_deleted: 500,
        lookups: 1,
        ..read("big", 0, 500)
    };
    let mut followed = read("big", 500, 50_000_000);
    followed.relation = "kid".to_owned();
    followed.made = true;
    let scale = scale_of(&[driver, followed]);
    assert!(
        scale.beyond > 1.0 && scale.repeated == [("kid".to_owned(), 500)],
        "{scale:?}"
    );
    let several = scale_of(&[read("big", 3, 300_000)]);
    assert_eq!(several.beyond, 1.0, "a script may scan thrice: {several:?}");
    let looped = scale_of(&[read("big", 20, 2_000_000)]);
    assert!(looped.beyond > 4.0 && looped.log_sd > 0.3, "{looped:?}");
}

#[test]
fn what_production_does_not_have_is_not_scaled() {
    let scale = scale_of(&[read("gone", 1, 10)]);
    assert_eq!(
        scale.too_thin,
        ["production has no gone that could tell how large it is there"]
    );
}
