//! `callbox call`: makes one call and prints its result.

use std::io;

use callbox::client::{Client, ClientError};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::exit::{self, Exit, Failure};
use crate::server::{Server, failure};
use crate::terminal::print;
use crate::{arguments, describe, json, runtime, suggestion};

/// The arguments of `callbox call`.
#[derive(Debug, clap::Args)]
#[command(after_help = help())]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// Name of the method
    method: String,
    /// Parameters of the method
    #[arg(allow_negative_numbers = true)]
    params: Vec<String>,
    /// Sends a notification: the method runs, but the server sends no response
    #[arg(long)]
    notify: bool,
}

fn help() -> String {
    format!(
        "{}\n\n{}\n\n\
         On a terminal, the result is indented and coloured; in a pipe, it is unchanged.\n\n\
         Examples:\n  \
         callbox call http://127.0.0.1:5000/api say_hello name=world\n  \
         callbox call :5000 store key=a value=b\n  \
         CALLBOX_TOKEN=hello_world callbox call :5000 retrieve a\n  \
         jq '{{name: .user}}' user.json | callbox call :5000 say_hello - --deadline 500ms",
        arguments::HELP,
        exit::HELP
    )
}

/// Makes the call.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let params =
        arguments::params(&arguments.params, io::stdin()).map_err(|message| Failure::new(Exit::Usage, message))?;
    let client = arguments.server.client()?;
    runtime()?.block_on(async {
        let method = arguments.method.as_str();
        if arguments.notify {
            let sent = client.notify(method, params).await;
            return sent.map_err(|error| failure(&arguments.server.url, &error));
        }
        match client.call::<Box<RawValue>>(method, params).await {
            Ok(result) => Ok(print(&json::for_stdout(result.get()))?),
            Err(error) => Err(explain(arguments, &client, &error).await),
        }
    })
}

/// Returns how to write a parameter as a string, if the server expected a string and got another
/// value. Some strings look like JSON.
fn string_argument(words: &[String], error: &ClientError) -> Option<String> {
    #[derive(Deserialize)]
    struct Data {
        param: Option<String>,
        reason: String,
    }
    let ClientError::Server(error) = error else { return None };
    let Data { param, reason } = serde_json::from_str(error.data()?.get()).ok()?;
    let wanted = error.code() == -32602 && reason.starts_with("expected a string, got ");
    wanted.then(|| arguments::as_string(words, param.as_deref()))?
}

/// Returns the failure of a call, with a hint if the name of the method or a parameter may be
/// mistyped.
async fn explain(arguments: &Arguments, client: &Client, error: &ClientError) -> Failure {
    let mut failure = failure(&arguments.server.url, error);
    if matches!(error, ClientError::Server(error) if error.code() == -32601) {
        let names = describe::method_names(client).await;
        if !names.contains(&arguments.method) {
            failure.message = suggestion::unknown_method(&arguments.method, &names);
        }
    }
    if let Some(word) = string_argument(&arguments.params, error) {
        failure.message += &format!(": to send it as a string, write {word}");
    }
    failure
}
