//! The command `callbox`: creates services, manages the tokens of their callers, and calls, watches
//! and stresses servers.

mod address;
mod arguments;
mod call;
mod completions;
mod credentials;
mod dependency;
mod describe;
mod endpoint;
mod exit;
mod generate;
mod json;
mod names;
mod nats;
mod new;
mod openrpc;
mod role;
mod server;
mod services;
mod signals;
mod stress;
mod suggestion;
mod terminal;
mod token;
mod top;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::Failure;

/// The error is one line for the user: what is wrong, and how to fix it.
type Result<T> = std::result::Result<T, String>;

/// Creates, calls and watches JSON-RPC 2.0 microservices.
#[derive(Debug, Parser)]
#[command(name = "callbox", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Creates the crate of a new service, which builds, passes its tests and serves calls as it
    /// is.
    New(new::Arguments),
    /// Creates, lists and revokes the tokens of private methods.
    Token(token::Arguments),
    /// Calls a method and prints its result.
    Call(call::Arguments),
    /// Lists the methods of a server or a service, or describes one of them.
    Describe(describe::Arguments),
    /// Lists the services on NATS, with their instances.
    Services(services::Arguments),
    /// Writes a client of a server in another language.
    Generate(generate::Arguments),
    /// Shows the mailboxes of a server, or of all instances on NATS, live.
    Top(top::Arguments),
    /// Calls a method on a schedule, and reports the latencies and outcomes of the calls.
    Stress(stress::Arguments),
    /// Prints the completion script for a shell.
    Completions(completions::Arguments),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::New(arguments) => {
            new::run(&arguments).and_then(|report| terminal::print(&report)).map_err(Failure::from)
        }
        Command::Token(arguments) => token::run(arguments).map_err(Failure::from),
        Command::Call(arguments) => call::run(&arguments),
        Command::Describe(arguments) => describe::run(&arguments),
        Command::Services(arguments) => services::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Top(arguments) => top::run(&arguments),
        Command::Stress(arguments) => stress::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { exit, message }) => {
            if !message.is_empty() {
                // The message may contain text from a server, so control characters are replaced.
                terminal::print_error(&format!("Error: {}\n", terminal::sanitize(&message)));
            }
            exit.into()
        }
    }
}

/// Returns a runtime for the commands that call servers. One thread suffices: they wait for one or
/// two things at a time.
fn runtime() -> Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("the runtime could not be started: {error}"))
}
