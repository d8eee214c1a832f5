//! How long rendering a million observations takes: the HTML page and the CSV file.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use migtime::report;

#[path = "../tests/it/report_fixture.rs"]
#[allow(dead_code, reason = "the benchmark needs only the large rehearsal")]
mod fixture;
#[path = "../tests/it/table_fixture.rs"]
mod table_fixture;

const OBSERVATIONS: usize = 1_000_000;

fn rendering(criterion: &mut Criterion) {
    let rehearsal = fixture::large_rehearsal(OBSERVATIONS);
    let estimate = fixture::estimate(&rehearsal);
    let mut group = criterion.benchmark_group("report of 1,000,000 observations");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("html", |bencher| {
        bencher.iter(|| report::html(black_box(&rehearsal), black_box(&estimate)));
    });
    group.bench_function("observations.csv", |bencher| {
        bencher.iter(|| report::observations_csv(black_box(&rehearsal)));
    });
    group.finish();
}

criterion_group!(benches, rendering);
criterion_main!(benches);
