//! The question whether a service is ready, which is a message like others.

use std::time::Duration;

use callbox_client::{Message, RpcError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Handler, Handles, Service};

/// Asks a service whether it is ready. Nobody can send it from outside.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(crate) struct Ready {}

impl Message for Ready {
    /// Why it is not ready.
    type Output = Option<String>;
    type Error = RpcError;

    const NAME: &'static str = "rpc.ready";
    const PARAMS: &'static [&'static str] = &[];
    const DEADLINE: Duration = Duration::from_secs(5);
}

impl<S: Service> Handles<Ready> for S {
    const HANDLER: Handler<Self, Ready> = Handler::ReadAsync(|service, _, _| {
        Box::pin(async { Ok(service.ready().await.err().map(|error| error.to_string())) })
    });
}
