//! The `callbox` command: writes the crate of a new service, and keeps the tokens of its callers.

mod dependency;
mod names;
mod new;
mod role;
mod token;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// One line for the person at the keyboard: what is wrong, and how to mend it.
type Result<T> = std::result::Result<T, String>;

/// Makes JSON-RPC 2.0 microservices.
#[derive(Debug, Parser)]
#[command(name = "callbox", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes the crate of a new service, which builds, passes its tests and answers as it is.
    New(new::Arguments),
    /// Makes, lists and revokes the tokens with which private methods are called.
    Token(token::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::New(arguments) => new::run(&arguments).and_then(|report| {
            io::stdout().write_all(report.as_bytes()).map_err(|error| format!("standard output is closed: {error}"))
        }),
        Command::Token(arguments) => token::run(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            eprintln!("Error: {line}");
            ExitCode::FAILURE
        }
    }
}
