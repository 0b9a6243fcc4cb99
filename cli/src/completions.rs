//! `callbox completions`: prints the completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::exit::Failure;
use crate::terminal::print;

/// The arguments of `callbox completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    /// The shell to complete for
    shell: Shell,
}

const HELP: &str = "\
Examples:
  callbox completions bash > ~/.local/share/bash-completion/completions/callbox
  callbox completions zsh > ~/.zfunc/_callbox
  callbox completions fish > ~/.config/fish/completions/callbox.fish";

/// Prints the script.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::Cli::command(), "callbox", &mut script);
    Ok(print(&String::from_utf8_lossy(&script))?)
}
