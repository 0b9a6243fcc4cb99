//! The server that a command calls, and what its errors mean for how the command ends.

use std::time::Duration;

use callbox::RpcError;
use callbox::client::{Client, ClientError};
use callbox_cli::format;

use crate::credentials::Credentials;
use crate::endpoint::{self, Endpoint};
use crate::exit::{Exit, Failure};

/// How a server is reached.
#[derive(Debug, clap::Args)]
pub(crate) struct Server {
    /// The server's endpoint; `:5000` is this machine, and without a path /api is meant
    #[arg(value_parser = endpoint::EndpointParser)]
    pub(crate) url: Endpoint,
    #[command(flatten)]
    credentials: Credentials,
    /// How long the answer is waited for; the server is told [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = format::parse_duration)]
    deadline: Option<Duration>,
}

impl Server {
    /// A client that calls once: whoever stands at the keyboard, or wrote the script, says whether it is tried again.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let mut builder = self.credentials.apply_to(Client::builder(self.url.as_str()))?;
        if let Some(deadline) = self.deadline {
            builder = builder.deadline(deadline);
        }
        let client = builder.build().map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        Ok(client.without_retry())
    }
}

/// What an error means for the command.
pub(crate) fn failure(url: &Endpoint, error: &ClientError) -> Failure {
    let describe_error = |error: &RpcError| {
        let data = error.data().map_or_else(String::new, |data| format!(" {}", data.get()));
        format!("{} {}{data}", error.code(), error.message())
    };
    match error {
        ClientError::Server(error) if error.code() == -32001 && error.message() == "Access denied" => {
            let hint = "give a good token by --token-file, --token or CALLBOX_TOKEN";
            Failure::new(Exit::Denied, format!("{}: {hint}", describe_error(error)))
        }
        ClientError::Method(error) | ClientError::Server(error) => Failure::new(Exit::Method, describe_error(error)),
        ClientError::Refused(error) => Failure::new(Exit::Refused, describe_error(error)),
        ClientError::Unreachable(cause) => Failure::new(Exit::Unreachable, format!("{url} cannot be reached: {cause}")),
        ClientError::Deadline(Some(error)) => Failure::new(Exit::Deadline, describe_error(error)),
        ClientError::Params(_) => Failure::new(Exit::Usage, error.to_string()),
        ClientError::Deadline(None) => Failure::new(Exit::Deadline, format!("{error}; the call may have run")),
        ClientError::Lost(_) => Failure::new(Exit::Unreachable, format!("{error}; the call may have run")),
        other => Failure::new(Exit::Unreachable, format!("{url}: {other}")),
    }
}
