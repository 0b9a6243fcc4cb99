//! The `callbox` command: writes the crate of a new service, keeps the tokens of its callers, and calls servers.

mod arguments;
mod call;
mod completions;
mod credentials;
mod dependency;
mod describe;
mod endpoint;
mod exit;
mod json;
mod names;
mod new;
mod openrpc;
mod role;
mod server;
mod stress;
mod suggestion;
mod terminal;
mod token;
mod top;

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
    /// Calls a method, and prints its result.
    Call(call::Arguments),
    /// Lists the methods of a server, or tells all about one.
    Describe(describe::Arguments),
    /// Shows the mailboxes of a server, live.
    Top(top::Arguments),
    /// Sends a method calls on a schedule, and tells how long they took and how they ended.
    Stress(stress::Arguments),
    /// Prints what a shell needs to complete this command.
    Completions(completions::Arguments),
}

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::New(arguments) => {
            new::run(&arguments).and_then(|report| terminal::print(&report)).map_err(Failure::from)
        }
        Command::Token(arguments) => token::run(arguments).map_err(Failure::from),
        Command::Call(arguments) => call::run(&arguments),
        Command::Describe(arguments) => describe::run(&arguments),
        Command::Top(arguments) => top::run(&arguments),
        Command::Stress(arguments) => stress::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { exit, message }) => {
            if !message.is_empty() {
                // A part of it may be what a server says.
                terminal::print_error(&format!("Error: {}\n", terminal::sanitize(&message)));
            }
            exit.into()
        }
    }
}

/// For the commands that call servers: they wait for one or two things at a time.
fn runtime() -> Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("the operating system gives no event queue: {error}"))
}
