//! `callbox describe`: prints the methods of a server, as the server describes them.

mod method;
mod overview;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use callbox::client::{Client, ClientError};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::exit::{Exit, Failure};
use crate::openrpc::Document;
use crate::server::{Server, failure};
use crate::terminal::{colours, print, width};
use crate::{json, runtime, suggestion};

/// The method that returns the OpenRPC document of a server.
pub(crate) const DISCOVER: &str = "rpc.discover";
const SPECS: &str = "get_service_specs";

/// The arguments of `callbox describe`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// Describes only this method, with its parameters, types and errors
    method: Option<String>,
    /// Prints the OpenRPC document unchanged
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Only the methods that the token may call are described.

Examples:
  callbox describe http://127.0.0.1:5000/api
  callbox describe :5000 say_hello
  callbox describe :5000 --token-file token.txt --json > openrpc.json";

/// Requests the description of the server and prints it.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let url = &arguments.server.url;
    let (raw, listed) = runtime()?.block_on(async {
        let client = arguments.server.connect().await?;
        let raw = client
            .call::<Box<RawValue>>(DISCOVER, ())
            .await
            .map_err(|error| explain_missing_discover(failure(url, &error), &error))?;
        Ok::<_, Failure>((raw, list_methods(&client).await))
    })?;
    if arguments.json {
        return Ok(print(&json::for_stdout(raw.get()))?);
    }
    let document: Document = serde_json::from_str(raw.get()).map_err(|error| {
        Failure::new(Exit::Unreachable, format!("{url} did not return an OpenRPC document: {error}"))
    })?;
    let (colours, width) = (colours(&io::stdout()), width());
    let text = match &arguments.method {
        None => overview::render(&document, &listed, url, colours, width),
        Some(name) => match document.methods.iter().find(|method| method.name == *name) {
            Some(method) => method::render(&document, method, url, colours, width),
            None if listed.contains_key(name) => {
                return Err(Failure::new(
                    Exit::Denied,
                    format!("{name} is described only to callers with access: add a token"),
                ));
            }
            None => {
                let known = document.methods.into_iter().map(|method| method.name).chain(listed.into_keys()).collect();
                return Err(Failure::new(Exit::Method, suggestion::unknown_method(name, &known)));
            }
        },
    };
    Ok(print(&text)?)
}

fn explain_missing_discover(mut failure: Failure, error: &ClientError) -> Failure {
    if error.rpc_error().is_some_and(|error| error.code() == -32601) {
        failure.message = format!("the server has no {DISCOVER}, so it cannot be described");
    }
    failure
}

/// Returns the names of all methods that the server lists, including those of private methods
/// unless it hides them. Empty if the server does not describe itself.
pub(crate) async fn method_names(client: &Client) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Discovered {
        methods: Vec<Name>,
    }
    #[derive(Deserialize)]
    struct Name {
        name: String,
    }
    let mut names: BTreeSet<_> = list_methods(client).await.into_keys().collect();
    if let Ok(discovered) = client.call::<Discovered>(DISCOVER, ()).await {
        names.extend(discovered.methods.into_iter().map(|method| method.name));
    }
    names
}

/// Returns the methods with their documentation, from the built-in method of callbox and its
/// predecessors.
async fn list_methods(client: &Client) -> BTreeMap<String, Option<String>> {
    #[derive(Deserialize)]
    struct Specs {
        methods: BTreeMap<String, Option<String>>,
    }
    client.call::<Specs>(SPECS, ()).await.map(|specs| specs.methods).unwrap_or_default()
}
