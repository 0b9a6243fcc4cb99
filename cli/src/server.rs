//! The server that a command calls, and the exit codes for its errors.

use std::fmt;
use std::time::Duration;

use callbox::RpcError;
use callbox::client::{Client, ClientBuilder, ClientError, Nats, NatsAddress};
use callbox_cli::format;

use crate::address::{self, Address, AddressParser};
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::exit::{Exit, Failure};
use crate::nats::NatsFlags;

/// The flags with which a server is reached, or services on NATS.
#[derive(Debug, clap::Args)]
pub(crate) struct Server {
    /// Endpoint of the server, or address of NATS; `:5000` is a port of this machine, and the
    /// default path is /api
    #[arg(value_parser = AddressParser(address::parse))]
    pub(crate) url: Address,
    #[command(flatten)]
    credentials: Credentials,
    /// How long to wait for the response; the server receives it as the deadline [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = format::parse_duration)]
    deadline: Option<Duration>,
    #[command(flatten)]
    nats: NatsFlags,
}

impl Server {
    /// Returns a client that does not retry: that is up to the user or the script. Over a WebSocket
    /// it is connected.
    pub(crate) async fn connect(&self, url: &Endpoint) -> Result<Client, Failure> {
        connect(url, self.builder(url)?).await
    }

    /// Returns the options of a client for this endpoint.
    pub(crate) fn builder(&self, url: &Endpoint) -> Result<ClientBuilder, Failure> {
        self.nats.check(&self.url)?;
        let builder = self.credentials.apply_to(Client::builder(url.as_str()))?;
        Ok(match self.deadline {
            Some(deadline) => builder.deadline(deadline),
            None => builder,
        })
    }

    /// Connects to NATS.
    pub(crate) async fn connect_nats(&self, address: &NatsAddress) -> Result<Nats, Failure> {
        self.nats.connect(address).await
    }

    /// Returns the client of a service on NATS with the token and the deadline. It does not retry
    /// either.
    pub(crate) fn with_settings(&self, client: &Client) -> Result<Client, Failure> {
        let client = match self.credentials.token_for_nats()? {
            Some(token) => client.with_token(token),
            None => client.clone(),
        };
        let client = match self.deadline {
            Some(deadline) => client.with_deadline(deadline),
            None => client,
        };
        Ok(client.without_retry())
    }
}

/// Makes a client that does not retry.
pub(crate) async fn connect(url: &Endpoint, builder: ClientBuilder) -> Result<Client, Failure> {
    let client = if url.is_websocket() {
        if !url.username().is_empty() || url.password().is_some() {
            let line = "a WebSocket takes no user and password in its URL: pass a token with --token-file";
            return Err(Failure::new(Exit::Usage, line));
        }
        builder.connect().await.map_err(|error| Failure::new(Exit::Unreachable, error.to_string()))?
    } else {
        builder.build().map_err(|error| Failure::new(Exit::Usage, error.to_string()))?
    };
    Ok(client.without_retry())
}

/// Returns the failure of the command for an error of a call.
pub(crate) fn failure(url: &impl fmt::Display, error: &ClientError) -> Failure {
    let describe_error = |error: &RpcError| {
        let data = error.data().map_or_else(String::new, |data| format!(" {}", data.get()));
        format!("{} {}{data}", error.code(), error.message())
    };
    match error {
        ClientError::Server(error) if error.code() == -32001 && error.message() == "Access denied" => {
            // With data, the token was not checked, and the data says why.
            let hint = match error.data() {
                None => ": pass a valid token with --token-file, --token or CALLBOX_TOKEN",
                Some(_) => "",
            };
            Failure::new(Exit::Denied, format!("{}{hint}", describe_error(error)))
        }
        ClientError::Method(error) | ClientError::Server(error) => Failure::new(Exit::Method, describe_error(error)),
        ClientError::Rejected(error) => Failure::new(Exit::Refused, describe_error(error)),
        ClientError::Unreachable(cause) => Failure::new(Exit::Unreachable, format!("{url} cannot be reached: {cause}")),
        ClientError::Deadline(Some(error)) => Failure::new(Exit::Deadline, describe_error(error)),
        ClientError::Params(_) => Failure::new(Exit::Usage, error.to_string()),
        ClientError::Deadline(None) => Failure::new(Exit::Deadline, format!("{error}; the call may have run")),
        ClientError::Lost(_) => Failure::new(Exit::Unreachable, format!("{error}; the call may have run")),
        other => Failure::new(Exit::Unreachable, format!("{url}: {other}")),
    }
}
