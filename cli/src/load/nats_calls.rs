//! Calls over NATS, by the client of callbox.
//!
//! NATS has a protocol of its own, with a thread for each connection, so this load needs more CPU
//! time for a call than the others.

use std::io;
use std::rc::Rc;

use callbox::RpcError;
use callbox::client::{Client, ClientError};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::lane::{Lane, LanePool, MAX_CONCURRENT_CONNECTS};
use super::nats_target::NatsTarget;
use super::outcome::Outcome;
use super::{MethodLoad, Plan};

/// The call of a method.
#[derive(Debug)]
pub(super) struct NatsCall {
    method: String,
    params: Option<Box<RawValue>>,
}

impl NatsCall {
    fn new(target: &NatsTarget, load: &MethodLoad) -> io::Result<Self> {
        let params = (!load.params.is_empty()).then(|| RawValue::from_string(load.params.clone()));
        Ok(Self { method: target.bare_name(&load.method).to_owned(), params: params.transpose()? })
    }

    /// Makes the call, and returns its outcome. Must be called within a tokio runtime.
    pub(super) async fn make(&self, client: &Client) -> Outcome {
        match client.call::<IgnoredAny>(&self.method, self.params.as_deref()).await {
            Ok(_) => Outcome::Result,
            Err(error) => outcome(&error),
        }
    }
}

/// Opens the connections of a plan, each with its lanes.
///
/// # Errors
///
/// If one of them cannot be opened.
pub(super) async fn open(plan: &Plan, target: &NatsTarget) -> io::Result<LanePool> {
    let calls = plan.methods.iter().map(|load| NatsCall::new(target, load));
    let calls: Rc<[_]> = calls.collect::<io::Result<Vec<_>>>()?.into();
    let opening = stream::iter(0..plan.connections).map(|_| async { target.builder().connect().await });
    let connections = opening.buffer_unordered(MAX_CONCURRENT_CONNECTS).map_err(io::Error::other);
    let connections: Vec<_> = connections.try_collect().await?;
    let clients = connections.iter().map(|nats| {
        let client = nats.service(&target.service).without_retry();
        let client = match &target.token {
            Some(token) => client.with_token(token.as_str()),
            None => client,
        };
        target.deadline.map_or(client.clone(), |deadline| client.with_deadline(deadline))
    });
    let clients: Vec<_> = clients.collect();
    // Calls go over all connections in turn.
    let lane = |client: &Client| Lane::Nats { client: client.clone(), calls: Rc::clone(&calls) };
    let lanes = (0..plan.in_flight).flat_map(|_| clients.iter().map(lane)).collect();
    Ok(LanePool { lanes, drivers: Vec::new() })
}

fn outcome(error: &ClientError) -> Outcome {
    let code = |error: &RpcError| Outcome::Error(error.code().into());
    match error {
        ClientError::Method(error)
        | ClientError::Server(error)
        | ClientError::Rejected(error)
        | ClientError::Deadline(Some(error)) => code(error),
        ClientError::Deadline(None) => Outcome::TimedOut,
        ClientError::Unreachable(_) => Outcome::NoConnection,
        ClientError::Lost(_) => Outcome::ConnectionLost,
        _ => Outcome::OtherError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_is_an_outcome() {
        let error = |code| RpcError::new(code, "x");
        for (failure, expected) in [
            (ClientError::Method(error(7)), Outcome::Error(7)),
            (ClientError::Rejected(error(-32003)), Outcome::Error(-32003)),
            (ClientError::Deadline(Some(error(-32002))), Outcome::Error(-32002)),
            (ClientError::Deadline(None), Outcome::TimedOut),
            (callbox::client::TransportError::lost("x").into(), Outcome::ConnectionLost),
            (callbox::client::TransportError::never_sent("x").into(), Outcome::NoConnection),
        ] {
            assert_eq!(outcome(&failure), expected, "{failure:?}");
        }
    }
}
