//! The `callbox` command: writes the crate of a new service, keeps the tokens of its callers, and calls servers.

#[cfg(feature = "cli")]
mod arguments;
#[cfg(feature = "cli")]
mod call;
#[cfg(feature = "cli")]
mod completions;
#[cfg(feature = "cli")]
mod credentials;
mod dependency;
#[cfg(feature = "cli")]
mod describe;
#[cfg(feature = "cli")]
mod endpoint;
mod exit;
#[cfg(feature = "cli")]
mod json;
#[cfg(feature = "cli")]
mod load;
#[cfg(feature = "cli")]
mod mailboxes;
#[cfg(any(test, not(feature = "cli")))]
mod missing;
mod names;
mod new;
#[cfg(feature = "cli")]
mod openrpc;
#[cfg(feature = "cli")]
#[expect(dead_code, reason = "the benches draw other axes, too")]
mod plot;
mod role;
#[cfg(feature = "cli")]
mod server;
#[cfg(feature = "cli")]
mod stress;
#[cfg(feature = "cli")]
mod suggestion;
#[cfg(feature = "cli")]
mod table;
mod terminal;
#[cfg(feature = "cli")]
mod times;
mod token;
#[cfg(feature = "cli")]
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
    Call(calls::Call),
    /// Lists the methods of a server, or tells all about one.
    Describe(calls::Describe),
    /// Shows the mailboxes of a server, live.
    Top(calls::Top),
    /// Sends a method calls on a schedule, and tells how long they took and how they ended.
    Stress(calls::Stress),
    /// Prints what a shell needs to complete this command.
    Completions(calls::Completions),
}

/// The commands that call servers, with what each is told.
#[cfg(feature = "cli")]
mod calls {
    pub(crate) use crate::call::{Arguments as Call, run as call};
    pub(crate) use crate::completions::{Arguments as Completions, run as completions};
    pub(crate) use crate::describe::{Arguments as Describe, run as describe};
    pub(crate) use crate::stress::{Arguments as Stress, run as stress};
    pub(crate) use crate::top::{Arguments as Top, run as top};
}

/// The same for a build without them: each says how to get it.
#[cfg(not(feature = "cli"))]
mod calls {
    pub(crate) use crate::missing::{
        Arguments as Call, Arguments as Completions, Arguments as Describe, Arguments as Stress, Arguments as Top,
        call, completions, describe, stress, top,
    };
}

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::New(arguments) => {
            new::run(&arguments).and_then(|report| terminal::print(&report)).map_err(Failure::from)
        }
        Command::Token(arguments) => token::run(arguments).map_err(Failure::from),
        Command::Call(arguments) => calls::call(&arguments),
        Command::Describe(arguments) => calls::describe(&arguments),
        Command::Top(arguments) => calls::top(&arguments),
        Command::Stress(arguments) => calls::stress(&arguments),
        Command::Completions(arguments) => calls::completions(&arguments),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { exit, line }) => {
            if !line.is_empty() {
                // A part of it may be what a server says.
                terminal::tell(&format!("Error: {}\n", terminal::plain(&line)));
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
