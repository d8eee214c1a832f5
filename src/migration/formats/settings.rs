//! Settings of tools that change the order of migrations or their transactions, and are not read.

use crate::migration::tool::Tool;

/// The files in which a tool's settings stand, and the settings that matter.
pub struct Settings {
    /// Names of files, in the directory of the migrations or above it.
    pub files: &'static [&'static str],
    /// Variables of the environment.
    pub variables: &'static [&'static str],
    keys: &'static [&'static str],
}

/// Returns the settings of a tool.
pub fn settings_of(tool: Tool) -> Settings {
    let (files, variables, keys): (&[_], &[_], &[_]) = match tool {
        Tool::Flyway => (
            &[
                "flyway.conf",
                "flyway.toml",
                "flyway.user.toml",
                "conf/flyway.conf",
                "conf/flyway.toml",
            ],
            &[
                "FLYWAY_MIXED",
                "FLYWAY_GROUP",
                "FLYWAY_OUT_OF_ORDER",
                "FLYWAY_INIT_SQL",
                "FLYWAY_EXECUTE_IN_TRANSACTION",
            ],
            &[
                "mixed",
                "group",
                "executeInTransaction",
                "outOfOrder",
                "initSql",
                "placeholders",
                "sqlMigrationPrefix",
                "sqlMigrationSeparator",
                "sqlMigrationSuffixes",
                "repeatableSqlMigrationPrefix",
                "skipDefaultCallbacks",
                "target",
                "cherryPick",
            ],
        ),
        Tool::Atlas => (
            &["atlas.hcl"],
            &[],
            &["tx_mode", "tx-mode", "exec_order", "exec-order", "format", "baseline"],
        ),
        Tool::Dbmate => (&[], &["DBMATE_STRICT_ORDER", "DBMATE_MIGRATIONS_TABLE"], &[]),
        Tool::Goose => (&[], &["GOOSE_TABLE", "GOOSE_MIGRATION_DIR"], &[]),
        _ => (&[], &[], &[]),
    };
    Settings { files, variables, keys }
}

impl Settings {
    /// Returns the settings that matter and that `text`, a file of them, sets.
    pub fn set_in(&self, text: &str) -> Vec<&'static str> {
        let names = text.lines().filter_map(|line| {
            let line = line.trim();
            let (name, _) = line.split_once('=').filter(|_| !line.starts_with(['#', '/']))?;
            let name = name.trim().trim_matches('"');
            Some(name.strip_prefix("flyway.").unwrap_or(name))
        });
        let names: Vec<&str> = names.collect();
        let is_set = |key: &&'static str| {
            let named =
                |name: &&str| **name == **key || name.strip_prefix(*key).is_some_and(|rest| rest.starts_with('.'));
            names.iter().any(named)
        };
        self.keys.iter().copied().filter(|key| is_set(key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_matters_and_is_set_is_named() {
        let settings = settings_of(Tool::Flyway);
        let text = "# flyway.group=true\nflyway.url=x\nflyway.mixed = true\nflyway.placeholders.name=a\n";
        assert_eq!(settings.set_in(text), ["mixed", "placeholders"]);
        assert_eq!(
            settings.set_in("[flyway]\nexecuteInTransaction = false\n"),
            ["executeInTransaction"]
        );
        assert!(settings_of(Tool::Diesel).set_in(text).is_empty());
    }
}
