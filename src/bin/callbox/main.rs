//! The `callbox` command: writes the crate of a new service, keeps the tokens of its callers, and calls servers.

#[cfg(feature = "cli")]
mod arguments;
#[cfg(feature = "cli")]
mod credentials;
mod dependency;
#[cfg(feature = "cli")]
mod endpoint;
mod exit;
#[cfg(feature = "cli")]
mod load;
#[cfg(any(test, not(feature = "cli")))]
mod missing;
mod names;
mod new;
#[cfg(feature = "cli")]
#[expect(dead_code, reason = "the benches draw other axes, too")]
mod plot;
mod role;
#[cfg(feature = "cli")]
mod stress;
mod terminal;
#[cfg(feature = "cli")]
mod times;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::Failure;

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
    /// Sends a method calls on a schedule, and tells how long they took and how they ended.
    Stress(Stress),
}

#[cfg(not(feature = "cli"))]
use missing::Arguments as Stress;
#[cfg(feature = "cli")]
use stress::Arguments as Stress;

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::New(arguments) => {
            new::run(&arguments).and_then(|report| terminal::print(&report)).map_err(Failure::from)
        }
        Command::Token(arguments) => token::run(arguments).map_err(Failure::from),
        #[cfg(feature = "cli")]
        Command::Stress(arguments) => stress::run(&arguments),
        #[cfg(not(feature = "cli"))]
        Command::Stress(_) => missing("stress"),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { exit, line }) => {
            if !line.is_empty() {
                eprintln!("Error: {line}");
            }
            exit.into()
        }
    }
}

/// For the commands that call servers: they wait for one or two things at a time.
#[cfg(feature = "cli")]
fn runtime() -> Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("the operating system gives no event queue: {error}"))
}

#[cfg(not(feature = "cli"))]
fn missing(command: &str) -> std::result::Result<(), Failure> {
    Err(Failure::new(exit::Exit::Usage, missing::line(command)))
}
