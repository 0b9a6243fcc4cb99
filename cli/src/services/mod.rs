//! `callbox services`: lists the services on NATS, with their instances.

mod found;

use std::io;
use std::time::Duration;

use callbox::client::{Nats, NatsAddress};
use callbox_cli::format;
use time::OffsetDateTime;

use crate::address::{self, Address, AddressParser};
use crate::exit::{Exit, Failure};
use crate::nats::NatsFlags;
use crate::server::failure;
use crate::terminal::{colours, print};
use crate::{json, runtime};
use found::Found;

/// Default time to wait for answers of the instances.
pub(crate) const DEFAULT_WAIT: &str = "500ms";

/// The arguments of `callbox services`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    /// Address of NATS; several with commas between
    #[arg(value_parser = AddressParser(address::parse))]
    url: Address,
    /// How long to wait for answers of the instances
    #[arg(long, value_name = "TIME", default_value = DEFAULT_WAIT, value_parser = wait)]
    wait: Duration,
    /// Prints the instances as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    nats: NatsFlags,
}

const HELP: &str = "\
All services are listed that use the protocol for microservices of NATS, those of callbox and \
others. The numbers of calls and errors are those since the start of the instance, and the time is \
the mean of its calls. It needs no token.

Examples:
  callbox services nats://127.0.0.1:4222
  callbox services nats://shop:secret@10.0.0.7,nats://10.0.0.8 --wait 2s
  callbox services tls://nats.example.org --nats-creds shop.creds --json";

/// Asks all instances, and prints them.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Address::Nats(address) = &arguments.url else { return Err(not_on_nats(&arguments.url)) };
    let found = runtime()?.block_on(async {
        let nats = arguments.nats.connect(address).await?;
        find(&nats, address, arguments.wait).await
    })?;
    if arguments.json {
        return Ok(print(&json::for_stdout(&found.to_json().to_string()))?);
    }
    Ok(print(&found.render(OffsetDateTime::now_utc(), colours(&io::stdout())))?)
}

/// Lists the services for another command.
pub(crate) async fn list(nats: &Nats, address: &NatsAddress, wait: Duration) -> Result<String, Failure> {
    Ok(find(nats, address, wait).await?.render(OffsetDateTime::now_utc(), colours(&io::stdout())))
}

async fn find(nats: &Nats, address: &NatsAddress, wait: Duration) -> Result<Found, Failure> {
    let failed = |error| failure(address, &error);
    let (instances, stats) = futures::join!(nats.micro_instances(None, wait), nats.micro_stats(None, wait));
    let found = Found::new(instances.map_err(failed)?, stats.map_err(failed)?);
    if found.is_empty() {
        let line = format!(
            "no service has answered at {address} within {}: start one with --nats, or wait longer with --wait",
            format::duration(wait)
        );
        return Err(Failure::new(Exit::Unreachable, line));
    }
    Ok(found)
}

/// Returns the failure for an address that is not on NATS.
fn not_on_nats(url: &Address) -> Failure {
    let line = format!(
        "{url} is not an address of NATS: give one such as nats://127.0.0.1:4222, or list the methods of a server \
         with `callbox describe {url}`"
    );
    Failure::new(Exit::Usage, line)
}

/// Parses the time to wait for answers.
pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    let time = format::parse_duration(text)?;
    let fits = (Duration::from_millis(1)..=Duration::from_secs(60)).contains(&time);
    if fits { Ok(time) } else { Err("the time must be from 1ms to 1m".to_owned()) }
}
