//! The planner's estimate of how many rows a table has, and its uncertainty.
//!
//! Pure arithmetic on what the catalog says. The model is PostgreSQL's own: `estimate_rel_size` in
//! `src/backend/optimizer/util/plancat.c` and `table_block_relation_estimate_size` in
//! `src/backend/access/table/tableam.c`.

use super::document::{ColumnDocument, Leaf, PageLayout};
use super::facts::RowsSource;

/// Relative standard deviation of `reltuples` just after ANALYZE, from its sample of 30,000 rows.
const ANALYZE_RELATIVE_SD: f64 = 0.01;
/// Relative standard deviation when only the column widths are known; also the largest that is ever stated.
const WIDTH_RELATIVE_SD: f64 = 0.5;
/// Share of a table that is assumed to have changed when its counters were lost (a crash, a restore): the default of
/// `autovacuum_analyze_scale_factor`, above which autovacuum would have analysed it.
const CHANGED_WHEN_UNKNOWN: f64 = 0.1;

/// A number of rows and its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RowsEstimate {
    pub rows: f64,
    pub relative_sd: f64,
    pub source: RowsSource,
}

/// Returns the total number of rows of all leaves.
///
/// Analysed leaves: Σ `reltuples / relpages × pages`, with σ = √(0.01² + (0.5·Σ modified / Σ reltuples)²). Other
/// leaves: pages times the density guessed from the column widths, with σ = 0.5. Both σ are averaged by rows, since
/// errors of leaves that are filled alike do not cancel.
pub(super) fn estimate(leaves: &[Leaf], columns: &[ColumnDocument], page: PageLayout) -> RowsEstimate {
    let mut analyzed = Analyzed::default();
    let mut guessed_rows = 0.0;
    let mut any_guessed = false;
    for leaf in leaves {
        let pages = (leaf.heap_bytes.unwrap_or(0) / page.block_size.max(1)) as f64;
        if is_analyzed(leaf) {
            analyzed.add(leaf, pages);
        } else {
            any_guessed = true;
            let guess = pages * rows_per_page(columns, leaf.fillfactor, page);
            guessed_rows += if leaf.reltuples == 0.0 && leaf.relpages > 0 {
                // ANALYZE or VACUUM found the leaf empty: it only holds rows that were added since.
                guess.min(leaf.modified_since_analyze as f64)
            } else {
                guess
            };
        }
    }
    let rows = analyzed.rows + guessed_rows;
    let mostly_guessed = any_guessed && guessed_rows >= analyzed.rows;
    RowsEstimate {
        rows: rows.round(),
        relative_sd: if rows > 0.0 {
            (analyzed.rows * analyzed.relative_sd() + guessed_rows * WIDTH_RELATIVE_SD) / rows
        } else if mostly_guessed {
            WIDTH_RELATIVE_SD
        } else {
            ANALYZE_RELATIVE_SD
        },
        source: if mostly_guessed {
            RowsSource::NeverAnalysed
        } else {
            RowsSource::Planner
        },
    }
}

/// Sums over analysed leaves.
#[derive(Default)]
struct Analyzed {
    rows: f64,
    reltuples: f64,
    modified: f64,
}

impl Analyzed {
    fn add(&mut self, leaf: &Leaf, pages: f64) {
        if leaf.relpages > 0 {
            self.rows += leaf.reltuples / leaf.relpages as f64 * pages;
        }
        self.reltuples += leaf.reltuples;
        let counted = leaf.modified_since_analyze as f64;
        self.modified += match leaf.last_analyze {
            Some(_) => counted,
            None => counted.max(CHANGED_WHEN_UNKNOWN * leaf.reltuples),
        };
    }

    fn relative_sd(&self) -> f64 {
        let changed = if self.reltuples > 0.0 {
            self.modified / self.reltuples
        } else {
            0.0
        };
        ANALYZE_RELATIVE_SD.hypot(0.5 * changed).min(WIDTH_RELATIVE_SD)
    }
}

/// Returns whether `reltuples / relpages` is a usable density.
///
/// From PostgreSQL 14 on, a table that was never analysed has -1 rows. Before, it has 0 rows on 0 pages, like a table
/// that was empty at its last ANALYZE.
fn is_analyzed(leaf: &Leaf) -> bool {
    let density = leaf.reltuples > 0.0 && leaf.relpages > 0;
    let still_empty = leaf.reltuples == 0.0
        && if leaf.relpages > 0 {
            leaf.modified_since_analyze == 0
        } else {
            leaf.heap_bytes == Some(0) && leaf.last_analyze.is_some()
        };
    density || still_empty
}

/// Returns the rows per full page: `(block − page header) × fillfactor / (tuple header + line pointer + data)`, rounded
/// down to whole rows like the planner does (which considers the fillfactor only from PostgreSQL 17 on).
fn rows_per_page(columns: &[ColumnDocument], fillfactor: Option<u32>, page: PageLayout) -> f64 {
    const PAGE_HEADER: u64 = 24;
    const TUPLE_HEADER: u64 = 24;
    const LINE_POINTER: u64 = 4;
    let data: u64 = columns.iter().map(|column| column_width(column, page)).sum();
    let usable = page.block_size.saturating_sub(PAGE_HEADER) * u64::from(fillfactor.unwrap_or(100)) / 100;
    (usable / (TUPLE_HEADER + LINE_POINTER + data)).max(1) as f64
}

/// Returns the average width in bytes that the planner assumes for a type: `get_typavgwidth` in
/// `src/backend/utils/cache/lsyscache.c`.
fn column_width(column: &ColumnDocument, page: PageLayout) -> u64 {
    const FIXED_LENGTH_CHARACTERS: u32 = 1042;
    if column.type_length > 0 {
        return column.type_length as u64;
    }
    match maximum_width(column, page) {
        Some(maximum) if column.type_oid == FIXED_LENGTH_CHARACTERS => maximum,
        Some(maximum) if maximum <= 32 => maximum,
        Some(maximum) if maximum < 1000 => 32 + (maximum - 32) / 2,
        Some(_) => 32 + (1000 - 32) / 2,
        None => 32,
    }
}

/// Returns the largest width that a type's modifier allows: `type_maximum_size` in
/// `src/backend/utils/adt/format_type.c`.
fn maximum_width(column: &ColumnDocument, page: PageLayout) -> Option<u64> {
    const LENGTH_WORD: u64 = 4;
    let modifier = u64::try_from(column.type_modifier).ok()?;
    match column.type_oid {
        // character, character varying
        1042 | 1043 => Some(modifier.checked_sub(LENGTH_WORD)? * page.max_bytes_per_character + LENGTH_WORD),
        // numeric: a header of 8 bytes and 2 bytes for every 4 digits
        1700 => {
            let precision = modifier.checked_sub(LENGTH_WORD)? >> 16 & 0xffff;
            Some(8 + (precision + 6) / 4 * 2)
        }
        // bit, bit varying
        1560 | 1562 => Some(modifier.div_ceil(8) + 2 * LENGTH_WORD),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: PageLayout = PageLayout {
        block_size: 8192,
        max_bytes_per_character: 4,
    };

    fn analyzed(reltuples: f64, relpages: u64, pages: u64) -> Leaf {
        Leaf {
            reltuples,
            relpages,
            heap_bytes: Some(pages * 8192),
            last_analyze: Some("2026-01-02T03:04:05Z".to_string()),
            ..Leaf::default()
        }
    }

    fn never(reltuples: f64, pages: u64) -> Leaf {
        Leaf {
            last_analyze: None,
            ..analyzed(reltuples, 0, pages)
        }
    }

    fn column(type_oid: u32, type_length: i64, type_modifier: i64) -> ColumnDocument {
        ColumnDocument {
            data_type: String::new(),
            name: "c".to_string(),
            type_oid,
            type_length,
            type_modifier,
        }
    }

    fn check(leaves: &[Leaf], rows: f64, relative_sd: f64, source: RowsSource) {
        let estimate = estimate(leaves, &[column(20, 8, -1), column(25, -1, -1)], PAGE);
        assert_eq!((estimate.rows, estimate.source), (rows, source));
        assert!(
            (estimate.relative_sd - relative_sd).abs() < 1e-9,
            "{} is not {relative_sd}",
            estimate.relative_sd
        );
    }

    #[test]
    fn rows_grow_with_the_pages() {
        check(&[analyzed(1000.0, 10, 10)], 1000.0, 0.01, RowsSource::Planner);
        check(&[analyzed(1000.0, 10, 25)], 2500.0, 0.01, RowsSource::Planner);
        check(
            &[analyzed(1000.0, 10, 10), analyzed(10.0, 1, 2)],
            1020.0,
            0.01,
            RowsSource::Planner,
        );
    }

    #[test]
    fn change_since_analyze_widens_up_to_a_half() {
        let changed = |modified| Leaf {
            modified_since_analyze: modified,
            ..analyzed(1000.0, 10, 10)
        };
        check(
            &[changed(200)],
            1000.0,
            (0.01f64.powi(2) + 0.1f64.powi(2)).sqrt(),
            RowsSource::Planner,
        );
        check(&[changed(900_000)], 1000.0, 0.5, RowsSource::Planner);
        let lost = Leaf {
            last_analyze: None,
            ..analyzed(1000.0, 10, 10)
        };
        check(
            &[lost],
            1000.0,
            (0.01f64.powi(2) + 0.05f64.powi(2)).sqrt(),
            RowsSource::Planner,
        );
    }

    #[test]
    fn a_table_never_analysed_is_guessed_from_its_width() {
        // (8192 - 24) / (24 + 4 + 8 + 32) = 120 rows a page
        check(&[never(-1.0, 10)], 1200.0, 0.5, RowsSource::NeverAnalysed);
        check(&[never(0.0, 10)], 1200.0, 0.5, RowsSource::NeverAnalysed);
        check(
            &[Leaf {
                fillfactor: Some(50),
                ..never(-1.0, 10)
            }],
            600.0,
            0.5,
            RowsSource::NeverAnalysed,
        );
        check(
            &[analyzed(600.0, 5, 5), never(-1.0, 1)],
            720.0,
            (600.0 * 0.01 + 120.0 * 0.5) / 720.0,
            RowsSource::Planner,
        );
    }

    #[test]
    fn empty_is_told_from_unknown() {
        check(&[never(-1.0, 0)], 0.0, 0.5, RowsSource::NeverAnalysed);
        check(&[never(0.0, 0)], 0.0, 0.5, RowsSource::NeverAnalysed);
        check(&[analyzed(0.0, 0, 0)], 0.0, 0.01, RowsSource::Planner);
        check(&[analyzed(0.0, 7, 7)], 0.0, 0.01, RowsSource::Planner);
        check(&[], 0.0, 0.01, RowsSource::Planner);
    }

    #[test]
    fn what_was_empty_holds_no_more_than_what_came_since() {
        let refilled = Leaf {
            modified_since_analyze: 5,
            ..analyzed(0.0, 7, 7)
        };
        check(&[refilled], 5.0, 0.5, RowsSource::NeverAnalysed);
    }

    #[test]
    fn widths_are_those_of_the_planner() {
        for (column, expected) in [
            (column(20, 8, -1), 8),
            (column(25, -1, -1), 32),
            (column(1042, -1, 14), 44),
            (column(1043, -1, 9), 24),
            (column(1043, -1, 104), 32 + (404 - 32) / 2),
            (column(1043, -1, 2004), 516),
            (column(1700, -1, ((12 << 16) | 2) + 4), 16),
            (column(1700, -1, -1), 32),
            (column(1560, -1, 9), 10),
        ] {
            assert_eq!(column_width(&column, PAGE), expected, "{column:?}");
        }
    }
}
