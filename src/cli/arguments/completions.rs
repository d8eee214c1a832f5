//! What is typed after `migtime completions` and `migtime man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// Arguments of `migtime completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  migtime completions bash > ~/.local/share/bash-completion/completions/migtime
  migtime completions zsh > ~/.zfunc/_migtime
  migtime completions fish > ~/.config/fish/completions/migtime.fish")]
pub struct CompletionsArguments {
    /// Complete for this shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Arguments of `migtime man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  migtime man | man -l -
  migtime man ~/.local/share/man/man1")]
pub struct ManArguments {
    /// Write a page for each command into this directory
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,
}
