//! `callbox stress`: open-loop load on one method, with its latencies and errors.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use callbox::client::NatsAddress;
use callbox_cli::format;
use callbox_cli::load::{self, Arrivals, MethodLoad, NatsTarget, Outcome, Plan, Report, RunResult, Target};

use crate::address::{self, Address, AddressParser};
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::exit::{Exit, Failure};
use crate::nats::{MethodName, NatsFlags};
use crate::terminal::{self, print};
use crate::{arguments, runtime};

/// Maximum rate in calls per second: more than one thread can send.
const MAX_RATE: f64 = 200_000.0;

/// Maximum number of connections to NATS: each has a thread.
const MAX_NATS_CONNECTIONS: u16 = 256;

const MAX_DURATION: Duration = Duration::from_secs(3600);

/// The arguments of `callbox stress`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    /// Endpoint of the server, or address of NATS; the default path is /api
    #[arg(value_parser = AddressParser(address::parse))]
    url: Address,
    /// Name of the method; on NATS with that of its service, such as orders.get
    method: String,
    /// Parameters of the method, the same for each call
    #[arg(allow_negative_numbers = true)]
    params: Vec<String>,
    /// Calls per second, independent of how fast the responses are
    #[arg(long, value_name = "CALLS", default_value = "1000", value_parser = rate)]
    rate: f64,
    /// Number of connections
    #[arg(long, value_name = "NUMBER", default_value = "16", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    connections: u16,
    /// Number of calls that each connection carries at a time; more than one needs ws:// or nats://
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=1024))]
    in_flight: u16,
    /// How long to make calls
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    duration: Duration,
    /// How long to wait for responses after the last call
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    drain_timeout: Duration,
    /// Distribution of the calls over time
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    arrivals: Arrivals,
    /// Deadline that is sent with each call, over http:// or nats://
    #[arg(long, value_name = "TIME", value_parser = format::parse_duration)]
    deadline: Option<Duration>,
    #[command(flatten)]
    credentials: Credentials,
    /// Writes a plot of the latencies by percentile into this file, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Prints the figures as JSON
    #[arg(long)]
    json: bool,
    /// Allows a target on another machine
    #[arg(long)]
    allow_remote: bool,
    #[command(flatten)]
    nats: NatsFlags,
}

const HELP: &str = "\
The latency of a call counts from the moment at which the call was due, so a server that stalls \
cannot hide it by slowing its callers down. Ctrl-c ends the run early and prints the figures so \
far. Parameters are written as for `callbox call`.

The exit code is 0 if any call had a response, even an error; 5 if none had; and 130 after Ctrl-c.

Examples:
  callbox stress http://127.0.0.1:5000/api say_hello name=world
  callbox stress :5000 say_hello name=world --rate 5000 --connections 64
  callbox stress :5000 say_hello name=world --duration 1m --plot hello.svg
  callbox stress ws://127.0.0.1:5000/api say_hello name=world --connections 4 --in-flight 16
  callbox stress nats://127.0.0.1:4222 orders.get id=7 --connections 4 --in-flight 16";

/// Makes the calls and prints the report.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let plan = plan(arguments)?;
    let RunResult { report, interrupted } =
        runtime()?.block_on(load::run(plan)).map_err(|error| unreachable(&arguments.url, &error))?;
    if arguments.json {
        print(&format!("{:#}\n", report.to_json()))?;
    } else {
        print(&load::render_table(&report, terminal::colours(&io::stdout())))?;
    }
    if let Some(path) = &arguments.plot {
        draw(&report, path)?;
    }
    if interrupted {
        return Err(Failure::new(Exit::Interrupted, ""));
    }
    if report.total().count(Outcome::is_answer) == 0 {
        return Err(Failure::new(Exit::Unreachable, format!("{} responded to no call", arguments.url)));
    }
    Ok(())
}

/// Returns the failure for an error of the first connections.
fn unreachable(url: &Address, error: &io::Error) -> Failure {
    // The error of NATS names the address already.
    let line = if url.is_nats() { error.to_string() } else { format!("{url} cannot be reached: {error}") };
    Failure::new(Exit::Unreachable, line)
}

fn plan(arguments: &Arguments) -> Result<Plan, Failure> {
    arguments.nats.check(&arguments.url)?;
    let params = arguments::params(&arguments.params, io::stdin()).map_err(|error| usage_error(&error))?;
    let params = params.as_ref().map_or("", |params| params.get());
    let (target, headers) = match &arguments.url {
        Address::Web(url) => on_web(arguments, url)?,
        Address::Nats(address) => (on_nats(arguments, address)?, Vec::new()),
    };
    Ok(Plan {
        target,
        methods: vec![MethodLoad { method: arguments.method.clone(), weight: 1.0, params: params.to_owned() }],
        rate: arguments.rate,
        arrivals: arguments.arrivals,
        duration: arguments.duration,
        connections: arguments.connections.into(),
        in_flight: arguments.in_flight.into(),
        headers,
        drain_timeout: arguments.drain_timeout,
    })
}

/// Returns the target of a load over HTTP or WebSockets, and the headers of its requests.
fn on_web(arguments: &Arguments, url: &Endpoint) -> Result<(Target, Vec<(String, String)>), Failure> {
    let target = Target::resolve(url, arguments.allow_remote).map_err(|error| usage_error(&error))?;
    let mut headers: Vec<_> = arguments.credentials.header()?.into_iter().collect();
    if !target.is_websocket() && arguments.in_flight > 1 {
        return Err(usage_error("--in-flight needs a WebSocket: use ws://, or more --connections"));
    }
    if let Some(deadline) = arguments.deadline {
        if target.is_websocket() {
            return Err(usage_error("--deadline needs http://: calls over a WebSocket send none"));
        }
        headers.push(("request-timeout".to_owned(), deadline.as_secs_f64().to_string()));
    }
    Ok((target, headers))
}

/// Returns the target of a load on a service on NATS.
fn on_nats(arguments: &Arguments, address: &NatsAddress) -> Result<Target, Failure> {
    if arguments.connections > MAX_NATS_CONNECTIONS {
        return Err(usage_error(&format_args!(
            "a connection to NATS has a thread, so there may be {MAX_NATS_CONNECTIONS} --connections: for more calls \
             at a time use --in-flight"
        )));
    }
    let name = MethodName::parse(&arguments.method)?;
    let builder = arguments.nats.builder(address)?;
    let target = NatsTarget::new(address, arguments.allow_remote, &name.service, builder);
    let mut target = target.map_err(|error| usage_error(&error))?;
    target.token = arguments.credentials.token_for_nats()?;
    target.deadline = arguments.deadline;
    Ok(Target::Nats(Box::new(target)))
}

fn usage_error(line: &(impl ToString + ?Sized)) -> Failure {
    Failure::new(Exit::Usage, line.to_string())
}

fn draw(report: &Report, path: &Path) -> Result<(), Failure> {
    let drawn = fs::write(path, load::by_percentile(report).to_string());
    drawn.map_err(|error| format!("{}: {error}", path.display()).into())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.1..=MAX_RATE).contains(rate));
    rate.ok_or_else(|| format!("the rate must be from 0.1 to {MAX_RATE} calls per second"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let time = format::parse_duration(text)?;
    if time > MAX_DURATION { Err(format!("the maximum is {}", format::duration(MAX_DURATION))) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[derive(clap::Parser)]
    struct Stress {
        #[command(flatten)]
        _arguments: Arguments,
    }

    #[test]
    fn the_guide_lists_the_flags_with_their_defaults() {
        let page = include_str!("../../src/docs/stress.md");
        let cells = |line: &str| line.split('|').nth(2).map(|cell| cell.trim().trim_matches('`').to_owned());
        let rows = page.lines().filter_map(|line| Some((line.strip_prefix("| `--")?.split('`').next()?, cells(line)?)));
        let listed: Vec<_> = rows.map(|(flag, default)| (flag.to_owned(), default)).collect();

        let command = Stress::command();
        let flags = command.get_arguments().filter_map(|flag| Some((flag.get_long()?.to_owned(), flag)));
        // The credentials and the options of NATS are on the page `command_line`.
        let flags = flags.filter(|(name, _)| !name.starts_with("token") && !name.starts_with("nats"));
        let default = |flag: &clap::Arg| match flag.get_default_values() {
            // clap gives each switch the default `false`.
            [value] if flag.get_action().takes_values() => value.to_string_lossy().into_owned(),
            _ => String::new(),
        };
        assert_eq!(listed, flags.map(|(name, flag)| (name, default(flag))).collect::<Vec<_>>());
    }
}
