//! Looks for settings of the migration tool that change what it runs, and says that they are not read.

use std::path::Path;

use super::output::print_note;
use crate::migration::Tool;
use crate::migration::formats::settings_of;

/// Says which settings, in files around `migrations` and in the environment, are not read.
pub fn tell(tool: Tool, migrations: &Path) {
    let settings = settings_of(tool);
    let absolute = std::path::absolute(migrations).unwrap_or_else(|_| migrations.to_path_buf());
    for directory in absolute.ancestors() {
        for name in settings.files {
            let file = directory.join(name);
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let set = settings.set_in(&text);
            if !set.is_empty() {
                print_note(&format!(
                    "warning: {} is not read, although it sets {}",
                    file.display(),
                    set.join(", ")
                ));
            }
        }
        if directory.join(".git").exists() {
            break;
        }
    }
    for variable in settings
        .variables
        .iter()
        .filter(|variable| std::env::var_os(variable).is_some())
    {
        print_note(&format!("warning: {variable} is set, and not read"));
    }
}
