//! All integration tests, one binary; each module says in its first line what it shows.

mod report;
mod report_fixture;
