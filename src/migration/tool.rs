//! The migration tools whose files are read: their names, and what each advises where the server refuses a transaction.
//!
//! What their files look like is for `formats` to know.

use serde::Serialize;

/// A migration tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// Files of SQL that psql runs.
    #[default]
    PlainSql,
    /// `V1.2__name.sql`, `R__name.sql`, `U1.2__name.sql`.
    Flyway,
    /// `0001_name.up.sql` and `0001_name.down.sql`.
    GolangMigrate,
    /// `0001_name.sql`, or `.up.sql` and `.down.sql`.
    Sqlx,
    /// `V1__name.sql`, compiled into a Rust program.
    Refinery,
    /// `2024-01-01-000000_name/up.sql` and `down.sql`.
    Diesel,
    /// `-- +goose Up` and `-- +goose Down`.
    Goose,
    /// `-- migrate:up` and `-- migrate:down`.
    Dbmate,
    /// `-- +migrate Up` and `-- +migrate Down`.
    SqlMigrate,
    /// `---- create above / drop below ----`.
    Tern,
    /// `-- Up Migration` and `-- Down Migration`.
    NodePgMigrate,
    /// `committed/000001.sql` and `current.sql`.
    GraphileMigrate,
    /// `20240101000000_name.sql` and `atlas.sum`.
    Atlas,
    /// `--liquibase formatted sql` and `--changeset author:id`.
    Liquibase,
    /// `20240101000000_name/migration.sql`.
    Prisma,
    /// `0000_name.sql` and `meta/_journal.json`.
    Drizzle,
    /// `supabase/migrations/20240101000000_name.sql`.
    Supabase,
}

impl Tool {
    /// All of them.
    pub const ALL: [Tool; 17] = [
        Tool::PlainSql,
        Tool::Flyway,
        Tool::GolangMigrate,
        Tool::Sqlx,
        Tool::Refinery,
        Tool::Diesel,
        Tool::Goose,
        Tool::Dbmate,
        Tool::SqlMigrate,
        Tool::Tern,
        Tool::NodePgMigrate,
        Tool::GraphileMigrate,
        Tool::Atlas,
        Tool::Liquibase,
        Tool::Prisma,
        Tool::Drizzle,
        Tool::Supabase,
    ];

    /// Returns its name, as it is typed and as files state it.
    pub fn name(self) -> &'static str {
        match self {
            Tool::PlainSql => "plain-sql",
            Tool::Flyway => "flyway",
            Tool::GolangMigrate => "golang-migrate",
            Tool::Sqlx => "sqlx",
            Tool::Refinery => "refinery",
            Tool::Diesel => "diesel",
            Tool::Goose => "goose",
            Tool::Dbmate => "dbmate",
            Tool::SqlMigrate => "sql-migrate",
            Tool::Tern => "tern",
            Tool::NodePgMigrate => "node-pg-migrate",
            Tool::GraphileMigrate => "graphile-migrate",
            Tool::Atlas => "atlas",
            Tool::Liquibase => "liquibase",
            Tool::Prisma => "prisma",
            Tool::Drizzle => "drizzle",
            Tool::Supabase => "supabase",
        }
    }

    /// Returns the tool of a name.
    pub fn from_name(name: &str) -> Option<Tool> {
        Tool::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// Returns what its transaction spans, in words.
    pub fn transaction_in_words(self) -> &'static str {
        match self {
            Tool::Drizzle | Tool::NodePgMigrate => "runs all pending migrations in one transaction",
            Tool::Liquibase => "runs each changeset in one transaction",
            Tool::Dbmate => "runs each section in one transaction",
            _ => "runs the file in one transaction",
        }
    }

    /// Returns what lets a statement run outside the tool's transaction.
    pub fn way_out_of_transaction(self) -> &'static str {
        match self {
            Tool::Flyway => {
                "put it into a file of its own, with executeInTransaction=false in a file of that name and .conf \
                 behind it"
            }
            Tool::Sqlx => "put it into a file of its own that starts with -- no-transaction",
            Tool::Diesel => "put it into a migration of its own with run_in_transaction = false in its metadata.toml",
            Tool::Goose => "put it into a file of its own with -- +goose NO TRANSACTION",
            Tool::Dbmate => "put it into a section of its own: -- migrate:up transaction:false",
            Tool::SqlMigrate => "put it into a file of its own: -- +migrate Up notransaction",
            Tool::Tern => "put it into a file of its own with the line ---- tern: disable-tx ----",
            Tool::GraphileMigrate => "put it into a migration of its own whose first line is --! no-transaction",
            Tool::Atlas => "put it into a file of its own that starts with -- atlas:txmode none",
            Tool::Liquibase => "put it into a changeset of its own with runInTransaction:false",
            Tool::Refinery => "refinery has no way out of it: run the statement by hand",
            Tool::Drizzle => "Drizzle has no way out of it: run the statement by hand",
            Tool::NodePgMigrate => {
                "a .sql file has no way out of it: write the migration in JavaScript with pgm.noTransaction()"
            }
            Tool::PlainSql | Tool::GolangMigrate | Tool::Prisma | Tool::Supabase => "take it out of the transaction",
        }
    }

    /// Returns what lets a statement be sent by itself where the tool sends a file in one message.
    pub fn way_out_of_message(self) -> &'static str {
        match self {
            Tool::GolangMigrate => "put it into a file of its own, or set x-multi-statement=true in the URL",
            Tool::Dbmate => "put it into a section of its own",
            Tool::Liquibase => "put it into a changeset of its own, or take splitStatements:false off",
            Tool::Goose | Tool::SqlMigrate => {
                "put a line break behind each ; outside of StatementBegin and StatementEnd"
            }
            Tool::Drizzle => "put --> statement-breakpoint between the statements",
            _ => "put it into a file of its own",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_files_state() {
        for tool in Tool::ALL {
            assert_eq!(serde_json::json!(tool), tool.name());
            assert_eq!(Tool::from_name(tool.name()), Some(tool));
        }
        assert_eq!(Tool::from_name("Goose"), None);
    }
}
