//! Where the document comes from: a server, a URL, a file, or standard input.

use std::io::Read;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use callbox::client::{Client, ClientError};
use clap::Parser;
use serde_json::value::RawValue;

use super::Arguments;
use crate::address::AddressParser;
use crate::endpoint::{self, Endpoint};
use crate::exit::{Exit, Failure};
use crate::runtime;
use crate::server::{connect, failure};

/// Maximum size of a document, in bytes: it is kept in memory.
const MAX_BYTES: u64 = 64 << 20;

/// Time to wait for a server.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A document, and what errors call it.
pub(super) struct Source {
    pub(super) text: String,
    pub(super) origin: String,
}

/// Parses the URL as the other commands do, and reports mistakes as they do.
#[derive(Parser)]
struct Url {
    #[arg(value_parser = AddressParser(endpoint::parse))]
    url: Endpoint,
}

/// Reads the document.
pub(super) fn read(arguments: &Arguments) -> Result<Source, Failure> {
    let source = arguments.source.as_str();
    if source == "-" {
        let text = read_all(io::stdin()).map_err(|error| format!("standard input cannot be read: {error}"))?;
        return Ok(Source { text, origin: "standard input".to_owned() });
    }
    if is_url(source) {
        let Url { url } = Url::try_parse_from(["callbox", source]).map_err(|error| {
            let text = error.render().to_string();
            Failure::new(Exit::Usage, text.lines().next().unwrap_or_default().trim_start_matches("error: "))
        })?;
        let text = if url.path().ends_with(".json") { download(arguments, &url)? } else { discover(arguments, &url)? };
        return Ok(Source { text, origin: url.to_string() });
    }
    let file = fs::File::open(source).and_then(read_all);
    let text = file.map_err(|error| {
        let hint =
            if Path::new(source).exists() { "" } else { ": give a file, or a URL such as http://127.0.0.1:5000/api" };
        format!("{source} cannot be read: {error}{hint}")
    })?;
    Ok(Source { text, origin: source.to_owned() })
}

/// Whether the source is a URL, and no file. What has a port may have no scheme.
fn is_url(source: &str) -> bool {
    let has_port = source.split('/').next().and_then(|host| host.rsplit_once(':'));
    let has_port = has_port.is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    source.contains("://") || (has_port && !Path::new(source).exists())
}

fn read_all(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("it has more than {} MiB", MAX_BYTES >> 20)));
    }
    Ok(text)
}

/// Asks the server at an endpoint for its document.
fn discover(arguments: &Arguments, url: &Endpoint) -> Result<String, Failure> {
    let builder = arguments.credentials.apply_to(Client::builder(url.as_str()))?.deadline(TIMEOUT);
    let answer = runtime()?.block_on(async {
        let client = connect(url, builder).await?;
        Ok::<_, Failure>(client.call::<Box<RawValue>>("rpc.discover", ()).await)
    })?;
    answer.map(|document| document.get().to_owned()).map_err(|error| explain(failure(url, &error), &error))
}

fn explain(mut failure: Failure, error: &ClientError) -> Failure {
    if error.rpc_error().is_some_and(|error| error.code() == -32601) {
        failure.message = "the server has no rpc.discover: pass the URL of its OpenRPC document, or a file".to_owned();
    }
    failure
}

/// Downloads the document from its own URL.
fn download(arguments: &Arguments, url: &Endpoint) -> Result<String, Failure> {
    let unreachable = |error: reqwest::Error| {
        Failure::new(Exit::Unreachable, format!("{url} cannot be reached: {}", error.without_url()))
    };
    let header = arguments.credentials.header()?;
    runtime()?.block_on(async {
        // The token must not go to another server.
        let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
        let mut request = client.build().map_err(unreachable)?.get(url.as_str());
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if !status.is_success() {
            let message = format!("{url} answers with the HTTP status {status}: give the URL of the OpenRPC document");
            return Err(Failure::new(Exit::Unreachable, message));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() as u64 > MAX_BYTES {
                return Err(Failure::from(format!("{url} has more than {} MiB", MAX_BYTES >> 20)));
            }
        }
        String::from_utf8(body).map_err(|_| Failure::from(format!("{url} is not UTF-8")))
    })
}

#[cfg(test)]
mod tests {
    use super::is_url;

    #[test]
    fn a_source_is_a_url_if_it_has_a_scheme_or_a_port() {
        for url in ["http://host/api", "https://host/openrpc.json", ":5000", "localhost:5000", "localhost:5000/rpc"] {
            assert!(is_url(url), "{url}");
        }
        for file in ["openrpc.json", "./a:b.json", "docs/api:5000", "c:", "api"] {
            assert!(!is_url(file), "{file}");
        }
    }
}
