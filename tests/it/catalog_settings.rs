//! The sampler's facts about a server agree with what the server itself shows.

use migtime::sampler;

use crate::catalog_reader::read;
use crate::support::Database;

#[test]
fn settings_are_as_show_prints_them() {
    let database = Database::create();
    let facts = read(&database, sampler::server_facts).unwrap();
    let mut client = database.client();
    let version: String = client.query_one("SHOW server_version_num", &[]).unwrap().get(0);
    assert_eq!(facts.version_num.to_string(), version);
    for name in [
        "shared_buffers",
        "maintenance_work_mem",
        "max_wal_size",
        "full_page_writes",
        "checkpoint_timeout",
    ] {
        let shown: String = client.query_one(&format!("SHOW {name}"), &[]).unwrap().get(0);
        assert_eq!(facts.settings.get(name), Some(&shown), "{name}");
    }
    assert_eq!(facts.settings.contains_key("io_method"), facts.version_num >= 180_000);
}
