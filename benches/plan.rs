//! How long it takes to read and plan a history of 300 migrations, without a database.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use migtime::catalog::SchemaFacts;
use migtime::migration::formats::{self, NamedAs, Scripts, SourceFile};
use migtime::migration::plan;

const MIGRATIONS: u64 = 300;

fn history(criterion: &mut Criterion) {
    let files: Vec<SourceFile> = (1..=MIGRATIONS).map(file).collect();
    criterion.bench_function("plan/300 migrations", |bencher| {
        bencher.iter(|| {
            let history =
                formats::read("migrations", black_box(files.clone()), NamedAs::Directory, None).expect("reads");
            let scripts = Scripts {
                tool: history.tool,
                scripts: history.migrations.iter().map(|migration| &migration.up).collect(),
            };
            let statements = scripts
                .statements(&mut |_| unreachable!("nothing is included"))
                .expect("parses");
            plan(&statements, &SchemaFacts::default())
        });
    });
}

/// Returns a migration of eight statements in dbmate's format.
fn file(number: u64) -> SourceFile {
    let parent = number - 1;
    let text = format!(
        "-- migrate:up\nCREATE TABLE t{number} (id bigint PRIMARY KEY, user_id bigint NOT NULL, note text);\n\
         CREATE INDEX t{number}_user_id ON t{number} (user_id);\n\
         ALTER TABLE t{number} ADD COLUMN state text NOT NULL DEFAULT 'new', ADD CONSTRAINT s{number} CHECK (state <> \
         '') NOT VALID;\n\
         ALTER TABLE t{number} VALIDATE CONSTRAINT s{number};\n\
         ALTER TABLE t{number} ADD FOREIGN KEY (user_id) REFERENCES t{parent} (id);\n\
         CREATE FUNCTION f{number}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  NEW.note := 'x;y';\n  RETURN \
         NEW;\nEND $$;\n\
         CREATE TRIGGER n{number} BEFORE INSERT ON t{number} FOR EACH ROW EXECUTE FUNCTION f{number}();\n\
         UPDATE t{number} SET state = 'old' WHERE id < 100;\n-- migrate:down\nDROP TABLE t{number};\n"
    );
    let name = format!("{}_t{number}.sql", 20_240_000_000_000 + number);
    SourceFile {
        path: name.clone(),
        name,
        text: Some(text.into()),
    }
}

criterion_group!(benches, history);
criterion_main!(benches);
