//! How long the arithmetic takes: an estimate from 100,000 and from 1,000,000 batches.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use migtime::model::{EstimateOptions, batch_log, estimate};
use migtime::observation::Rehearsal;
use migtime::rehearsal::batches::backfill::Backfill;
use migtime::rehearsal::batches::segments::{Range, spread};
use migtime::rehearsal::batches::simulated::{SimulatedDatabase, SimulatedScenario};

fn estimates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("estimate");
    group.sample_size(20);
    for batches in [1_000, 100_000, 1_000_000] {
        let rehearsal = replayed(batches);
        group.bench_with_input(
            BenchmarkId::from_parameter(batches),
            &rehearsal,
            |bencher, rehearsal| {
                bencher.iter(|| {
                    estimate(black_box(rehearsal), &[], &EstimateOptions::default()).expect("enough evidence")
                });
            },
        );
    }
    group.finish();
}

/// Replays `batches` batches, in segments, of a walk ten times as long.
fn replayed(batches: u64) -> Rehearsal {
    let total = 10 * batches as usize;
    let mut database = SimulatedDatabase::new(SimulatedScenario::Heterogeneous, total, 1);
    let mut log = String::from("rows,seconds,position,segment\n");
    let all = Range {
        first: 0.0,
        end: total as f64,
    };
    for segment in spread(all, 24, batches / 24, 1) {
        database
            .seek(segment.position, segment.batches)
            .expect("a simulated database does not fail");
        while let Some(batch) = database.run_next().expect("a simulated database does not fail") {
            log += &format!(
                "{},{},{},{}\n",
                batch.rows, batch.seconds, batch.position, segment.number
            );
        }
    }
    batch_log::read(&log, "log.csv", database.total_rows()).expect("a batch log")
}

criterion_group!(benches, estimates);
criterion_main!(benches);
