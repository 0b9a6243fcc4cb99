//! The command line: what to call, how often, and how.

use std::time::Duration;

use clap::{ArgAction, Parser};
use reqwest::Url;
use serde_json::value::RawValue;

use crate::server::{self, Server};
use callbox_cli::format;
use callbox_cli::load::{Arrivals, MethodLoad, Plan, Target};

/// Puts a service under open-loop load: the built-in one, or the one at --url.
#[derive(Debug, Parser)]
#[command(after_help = "\
Example, for a service that you have started:
  cargo bench -p callbox-benches --bench stress -- --url http://127.0.0.1:5000/api --token hello_world \\
    --mix say_hello=8,store=2 --params say_hello='{\"name\":\"world\"}' --params store='{\"key\":\"a\",\"value\":\"b\"}' \\
    --rate 5000 --connections 64 --duration 20s")]
pub(crate) struct Options {
    /// Endpoint of your service; without it, a built-in one is started: say_hello, inc, wait (10
    /// ms) and work (1 ms)
    #[arg(long)]
    pub(crate) url: Option<Url>,
    /// Token, for private methods and for the depths of the mailboxes
    #[arg(long)]
    token: Option<String>,
    /// Methods with their weights, as in say_hello=8,inc=2
    #[arg(long, value_name = "METHOD=WEIGHT", value_delimiter = ',', value_parser = weight, default_value = "say_hello=8,inc=2")]
    mix: Vec<(String, f64)>,
    /// Parameters of a method, as in say_hello='{"name":"world"}'; repeat the flag for other
    /// methods
    #[arg(long, value_name = "METHOD=JSON", value_parser = params)]
    params: Vec<(String, Box<RawValue>)>,
    /// Calls per second [default: 5000; quick: 1000]
    #[arg(long)]
    rate: Option<f64>,
    /// Number of connections, each of which carries one call at a time [default: 64; quick: 16]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: Option<u16>,
    /// How long to make calls [default: 20s; quick: 2s]
    #[arg(long, value_parser = format::parse_duration)]
    duration: Option<Duration>,
    /// Distribution of the calls over time
    #[arg(long, value_enum, default_value_t)]
    arrivals: Arrivals,
    /// Allows a target on another machine
    #[arg(long)]
    allow_remote: bool,
    /// A short run, for CI
    #[arg(long)]
    quick: bool,
    /// The flag that cargo passes to benches
    #[arg(long, hide = true, action = ArgAction::SetTrue)]
    bench: bool,
}

/// The service under load.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) url: Url,
    pub(crate) token: Option<String>,
    is_own: bool,
}

impl Subject {
    pub(crate) fn new(options: &Options, own: Option<&Server>) -> Result<Self, String> {
        let (url, token) = match (&options.url, own) {
            (None, Some(own)) => {
                (own.url().parse().map_err(|_| "the service has no URL")?, Some(server::TOKEN.to_owned()))
            }
            (Some(url), _) => (url.clone(), options.token.clone()),
            (None, None) => return Err("there is no service to call".to_owned()),
        };
        Ok(Self { url, token, is_own: own.is_some() })
    }
}

impl Options {
    pub(crate) fn plan(&self, subject: &Subject) -> Result<Plan, String> {
        let target = Target::resolve(&subject.url, self.allow_remote).map_err(|error| error.to_string())?;
        for (method, _) in &self.params {
            if !self.mix.iter().any(|(mixed, _)| mixed == method) {
                return Err(format!("--params has {method}, which --mix does not call"));
            }
        }
        let token = subject.token.as_ref().map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
        let headers: Vec<_> = token.into_iter().collect();
        let method_load = |(method, weight): &(String, f64)| {
            let given = self.params.iter().find(|(name, _)| name == method).map(|(_, params)| params.get());
            let own = if subject.is_own { server::params(method) } else { "" };
            MethodLoad { method: method.clone(), weight: *weight, params: given.unwrap_or(own).to_owned() }
        };
        let methods = self.mix.iter().map(method_load).collect();
        Ok(Plan {
            target,
            methods,
            rate: self.rate.unwrap_or(if self.quick { 1000.0 } else { 5000.0 }).clamp(0.1, 200_000.0),
            arrivals: self.arrivals,
            duration: self.duration.unwrap_or(Duration::from_secs(if self.quick { 2 } else { 20 })),
            connections: self.connections.unwrap_or(if self.quick { 16 } else { 64 }).into(),
            // Over a WebSocket as over HTTP, so that the two can be compared.
            in_flight: 1,
            headers,
            drain_timeout: Duration::from_secs(5),
        })
    }
}

fn weight(text: &str) -> Result<(String, f64), String> {
    // A method without a weight has the weight 1.
    let (method, weight) = text.rsplit_once('=').unwrap_or((text, "1"));
    let weight = weight.parse::<f64>().ok().filter(|weight| *weight > 0.0 && weight.is_finite());
    let weight = weight.ok_or_else(|| format!("the weight of {method} must be a number above 0"))?;
    if method.is_empty() {
        Err("a weight needs a method: write METHOD=WEIGHT".to_owned())
    } else {
        Ok((method.to_owned(), weight))
    }
}

fn params(text: &str) -> Result<(String, Box<RawValue>), String> {
    let (method, json) = text.split_once('=').ok_or("write METHOD=JSON")?;
    let json = RawValue::from_string(json.to_owned())
        .map_err(|error| format!("the parameters of {method} are not valid JSON: {error}"))?;
    if json.get().starts_with(['{', '[']) {
        Ok((method.to_owned(), json))
    } else {
        Err(format!("the parameters of {method} must be a JSON object or array"))
    }
}
