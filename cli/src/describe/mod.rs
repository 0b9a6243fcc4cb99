//! `callbox describe`: prints the methods of a server, as the server describes them.

mod method;
mod on_nats;
mod overview;

use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, io};

use callbox::client::{Client, ClientError};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::address::Address;
use crate::endpoint::Endpoint;
use crate::exit::{Exit, Failure};
use crate::openrpc::Document;
use crate::server::{Server, failure};
use crate::terminal::{colours, print, width};
use crate::{json, runtime, suggestion};
use on_nats::Described;

/// The method that returns the OpenRPC document of a server.
pub(crate) const DISCOVER: &str = "rpc.discover";
const SPECS: &str = "get_service_specs";

/// The arguments of `callbox describe`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// Describes only this method, with its parameters, types and errors; on NATS a service, or a
    /// method with its service, such as orders.get
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
  callbox describe :5000 --token-file token.txt --json > openrpc.json
  callbox describe nats://127.0.0.1:4222 orders";

/// What a server says of its methods.
struct Description {
    document: Document,
    /// The methods with their documentation, including those that need another token.
    listed: BTreeMap<String, Option<String>>,
    /// The only method to describe.
    method: Option<String>,
}

/// Requests the description of the server and prints it.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (url, colours) = (&arguments.server.url, colours(&io::stdout()));
    let (raw, description) = match url {
        Address::Web(endpoint) => runtime()?.block_on(fetch(arguments, endpoint))?,
        Address::Nats(address) => match runtime()?.block_on(on_nats::describe(arguments, address, colours))? {
            Described::Callbox { raw, description } => (raw, description),
            Described::Text(text) => return Ok(print(&text)?),
        },
    };
    if arguments.json {
        return Ok(print(&json::for_stdout(raw.get()))?);
    }
    Ok(print(&render(description, url, colours)?)?)
}

async fn fetch(arguments: &Arguments, url: &Endpoint) -> Result<(Box<RawValue>, Description), Failure> {
    let client = arguments.server.connect(url).await?;
    let raw = client.call::<Box<RawValue>>(DISCOVER, ()).await;
    let raw = raw.map_err(|error| explain_missing_discover(failure(url, &error), &error))?;
    let listed = list_methods(&client).await;
    // Only what is printed is parsed.
    let document = if arguments.json { Document::default() } else { document_of(url, &raw)? };
    Ok((raw, Description { document, listed, method: arguments.method.clone() }))
}

fn document_of(url: &impl fmt::Display, raw: &RawValue) -> Result<Document, Failure> {
    serde_json::from_str(raw.get())
        .map_err(|error| Failure::new(Exit::Unreachable, format!("{url} did not return an OpenRPC document: {error}")))
}

fn render(description: Description, url: &Address, colours: bool) -> Result<String, Failure> {
    let Description { document, listed, method } = description;
    let Some(name) = method else {
        return Ok(overview::render(&document, &listed, url, colours, width()));
    };
    match document.methods.iter().find(|method| method.name == name) {
        Some(method) => Ok(method::render(&document, method, url, colours, width())),
        None if listed.contains_key(&name) => {
            Err(Failure::new(Exit::Denied, format!("{name} is described only to callers with access: add a token")))
        }
        None => {
            let known = document.methods.into_iter().map(|method| method.name).chain(listed.into_keys()).collect();
            Err(Failure::new(Exit::Method, suggestion::unknown_method(&name, &known)))
        }
    }
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
