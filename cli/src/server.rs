//! The server that a command calls, and the exit codes for its errors.

use std::time::Duration;

use callbox::RpcError;
use callbox::client::{Client, ClientError};
use callbox_cli::format;

use crate::credentials::Credentials;
use crate::endpoint::{self, Endpoint};
use crate::exit::{Exit, Failure};

/// The flags with which a server is reached.
#[derive(Debug, clap::Args)]
pub(crate) struct Server {
    /// Endpoint of the server; `:5000` is a port of this machine, and the default path is /api
    #[arg(value_parser = endpoint::EndpointParser)]
    pub(crate) url: Endpoint,
    #[command(flatten)]
    credentials: Credentials,
    /// How long to wait for the response; the server receives it as the deadline [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = format::parse_duration)]
    deadline: Option<Duration>,
}

impl Server {
    /// Returns a client that does not retry: that is up to the user or the script.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let mut builder = self.credentials.apply_to(Client::builder(self.url.as_str()))?;
        if let Some(deadline) = self.deadline {
            builder = builder.deadline(deadline);
        }
        let client = builder.build().map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        Ok(client.without_retry())
    }
}

/// Returns the failure of the command for an error of a call.
pub(crate) fn failure(url: &Endpoint, error: &ClientError) -> Failure {
    let describe_error = |error: &RpcError| {
        let data = error.data().map_or_else(String::new, |data| format!(" {}", data.get()));
        format!("{} {}{data}", error.code(), error.message())
    };
    match error {
        ClientError::Server(error) if error.code() == -32001 && error.message() == "Access denied" => {
            let hint = "pass a valid token with --token-file, --token or CALLBOX_TOKEN";
            Failure::new(Exit::Denied, format!("{}: {hint}", describe_error(error)))
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
