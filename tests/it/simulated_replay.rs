//! Replays a simulated database as the program replays a real one, and estimates from what was measured.

use migtime::catalog::facts::{IndexFacts, RowsSource, ServerFacts, TableFacts, TableKind};
use migtime::migration::{RecognisedBy, StepKind, Walk};
use migtime::model::estimate::Estimate;
use migtime::model::stopping::{Precision, judge};
use migtime::model::{EstimateOptions, estimate};
use migtime::observation::{BatchingRecord, Event, EventKind, Observation, Rehearsal, StepRecord};
use migtime::rehearsal::batches::backfill::Backfill;
use migtime::rehearsal::batches::replay::{ReplayLimits, ReplayPlan, Scribe, replay};
use migtime::rehearsal::batches::segments::ReplayDesign;
use migtime::rehearsal::batches::simulated::SimulatedDatabase;
use migtime::server::Interruption;

/// A database whose truth is known, with what a catalog would say of it.
pub trait Simulated: Backfill {
    /// How the key space is walked.
    fn walk(&self) -> Walk;

    /// Correlation of the table's index with the order of the heap.
    fn index_correlation(&self) -> f64;

    /// Rows of the whole table.
    fn total_rows(&self) -> f64;
}

impl Simulated for SimulatedDatabase {
    fn walk(&self) -> Walk {
        SimulatedDatabase::walk(self)
    }

    fn index_correlation(&self) -> f64 {
        SimulatedDatabase::index_correlation(self)
    }

    fn total_rows(&self) -> f64 {
        SimulatedDatabase::total_rows(self)
    }
}

/// Provisional estimates count as well, with the intervals that the program would show.
pub fn estimated(step: StepRecord, database: &impl Simulated) -> Estimate {
    let options = EstimateOptions {
        provisional: true,
        ..EstimateOptions::default()
    };
    estimate(&rehearsal(step, database), &[], &options).expect("an estimate")
}

/// Stops a replay at a precision, as the program does.
struct Judge {
    step: StepRecord,
    precision: Option<f64>,
}

impl Scribe for Judge {
    fn batch_done(&mut self, _observations: &[Observation], _planned_batches: f64) {}

    fn is_enough(&mut self, observations: &[Observation], checkpoints: u64) -> bool {
        let Some(precision) = self.precision else { return false };
        self.step.observations = observations.to_vec();
        let verdict = judge(&Rehearsal::default(), &self.step, checkpoints, precision, 0.95);
        matches!(verdict, Precision::PreciseEnough { .. })
    }
}

pub fn replayed(database: &mut impl Simulated, design: &ReplayDesign, precision: Option<f64>) -> StepRecord {
    let plan = ReplayPlan {
        design,
        limits: ReplayLimits {
            batch_delay: 0.0,
            max_seconds: f64::INFINITY,
        },
        run: 0,
        first_place: 0,
        interruption: Interruption::default(),
    };
    let step = step_record(database);
    let mut judge = Judge {
        step: step.clone(),
        precision,
    };
    let mut observations = Vec::new();
    replay(database, &plan, &mut observations, &mut judge).expect("a simulated database does not fail");
    StepRecord { observations, ..step }
}

fn step_record(database: &impl Simulated) -> StepRecord {
    StepRecord {
        number: 1,
        kind: StepKind::Backfill,
        statement: "UPDATE orders SET customer_id = user_id".to_string(),
        line: 1,
        table: Some("public.orders".to_string()),
        total_rows: Some(database.total_rows()),
        total_rows_relative_sd: 0.0,
        batching: Some(BatchingRecord {
            walk: database.walk(),
            batch_size: 5000,
            total_batches: database.total_batches(),
            batch_delay_seconds: 0.0,
            key: if database.walk() == Walk::Blocks {
                Vec::new()
            } else {
                vec!["id".to_string()]
            },
            recognised_by: RecognisedBy::Placeholders,
            lookup_seconds: 0.0,
            lookup_batches: 0,
        }),
        ..StepRecord::default()
    }
}

fn table(database: &impl Simulated) -> TableFacts {
    TableFacts {
        name: "public.orders".to_string(),
        kind: TableKind::Table,
        reltuples: database.total_rows(),
        relpages: 0,
        heap_bytes: 0,
        block_bytes: 8192,
        toast_bytes: 0,
        index_bytes: 0,
        indexes: vec![IndexFacts {
            name: "orders_key".to_string(),
            method: "btree".to_string(),
            columns: vec!["id".to_string()],
            used_columns: vec!["id".to_string()],
            unique: true,
            primary: true,
            valid: true,
            partial: false,
            bytes: 0,
            reltuples: database.total_rows(),
            correlation: Some(database.index_correlation()),
            values_between: None,
        }],
        estimated_rows: database.total_rows(),
        rows_relative_sd: 0.0,
        rows_source: RowsSource::Exact,
        dead_rows: 0,
        modified_since_analyze: 0,
        last_analyze: None,
        partitions: 0,
        foreign_partitions: 0,
        key: Vec::new(),
        columns: Vec::new(),
        triggers: Vec::new(),
        foreign_keys: Vec::new(),
        referenced_by: Vec::new(),
    }
}

pub fn rehearsal(step: StepRecord, database: &impl Simulated) -> Rehearsal {
    let checkpoint = Event {
        run: 0,
        step: 1,
        elapsed: 0.0,
        event: EventKind::CheckpointComplete,
    };
    Rehearsal {
        started_at: "2025-01-01T00:00:00Z".to_string(),
        migration: "migration.sql".to_string(),
        server: ServerFacts {
            version_num: 150_018,
            ..ServerFacts::default()
        },
        tables: vec![table(database)],
        steps: vec![step],
        events: vec![checkpoint; database.checkpoints() as usize],
        ..Rehearsal::default()
    }
}
