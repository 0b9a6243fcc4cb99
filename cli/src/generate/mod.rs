//! `callbox generate`: writes a client in another language, from an OpenRPC document.
//!
//! The document becomes a model of types, errors and methods, which each language prints:
//!
//! * `source` reads the document, `document` follows its references,
//! * `schema` turns JSON schemas into types, and `api` everything into the `model`,
//! * `naming` and `namespace` choose the names, which depend on the document alone,
//! * `text` makes texts of the document safe for comments,
//! * `typescript` and `python` print the model. Each has a part that is the same for all services,
//!   in a file of its own language.

mod api;
mod document;
mod model;
mod namespace;
mod naming;
mod python;
mod schema;
mod source;
mod text;
mod typescript;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::ValueEnum;

use crate::credentials::Credentials;
use crate::exit::Failure;
use crate::terminal::print;

use document::Document;
use model::Api;

/// The arguments of `callbox generate`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    /// The language of the client
    language: Language,
    /// Endpoint of a server, URL or file of an OpenRPC document, or - for standard input
    #[arg(value_name = "URL|FILE")]
    source: String,
    /// Writes the client to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    credentials: Credentials,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    /// One module without dependencies, for Node 18 and later and for browsers
    #[value(name = "typescript")]
    TypeScript,
    /// One module without dependencies, for Python 3.11 and later
    Python,
}

const HELP: &str = "\
The client has a function for each method that the token may call, with the types, documentation \
and errors of the document. The same document always gives the same client.

Examples:
  callbox generate typescript http://127.0.0.1:5000/api --output src/greeter.ts
  callbox generate python :5000 --token-file token.txt --output greeter.py
  callbox generate python openrpc.json > greeter.py
  curl -s http://127.0.0.1:5000/openrpc.json | callbox generate typescript - -o greeter.ts";

/// Writes the client.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let source = source::read(arguments)?;
    let client = generate(arguments.language, &source.text)
        .map_err(|reason| format!("no client can be generated from {}: {reason}", source.origin))?;
    match &arguments.output {
        None => print(&client)?,
        Some(path) => {
            std::fs::write(path, client).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        }
    }
    Ok(())
}

fn generate(language: Language, document: &str) -> crate::Result<String> {
    let api = Api::of(&Document::parse(document)?)?;
    Ok(match language {
        Language::TypeScript => typescript::print(&api),
        Language::Python => python::print(&api),
    })
}
