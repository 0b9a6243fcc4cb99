//! Services of others, which tell where their endpoints are.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;

use crate::rpc_error::RpcError;

use super::connection::Connection;
use super::discovery::MicroInfo;
use super::service_target::Target;

/// A service that uses the protocol for microservices of NATS.
pub(super) struct MicroService {
    name: String,
    /// The subjects of its endpoints, as far as they are known.
    subjects: Mutex<HashMap<String, String>>,
}

impl MicroService {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), subjects: Mutex::default() }
    }

    fn known(&self, endpoint: &str) -> Option<String> {
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner).get(endpoint).cloned()
    }

    /// Asks one of the instances where its endpoints are.
    async fn ask(&self, connection: &Connection) -> Result<(), RpcError> {
        let mut waiting = connection.inbox.call();
        let asked = connection
            .client
            .publish_with_reply(format!("$SRV.INFO.{}", self.name), waiting.subject(), Default::default())
            .await;
        asked.map_err(|_| RpcError::unavailable())?;
        let reply = waiting.reply().await.ok_or_else(RpcError::unavailable)?;
        if reply.status.is_some() {
            return Err(RpcError::unavailable());
        }
        let info: MicroInfo = serde_json::from_slice(&reply.payload).map_err(|_| RpcError::method_not_found())?;
        let subjects = info.endpoints.into_iter().map(|endpoint| (endpoint.name, endpoint.subject));
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner).extend(subjects);
        Ok(())
    }
}

impl Target for MicroService {
    fn subject<'a>(&'a self, method: &'a str, connection: &'a Connection) -> BoxFuture<'a, Result<String, RpcError>> {
        Box::pin(async move {
            if let Some(subject) = self.known(method) {
                return Ok(subject);
            }
            self.ask(connection).await?;
            self.known(method).ok_or_else(RpcError::method_not_found)
        })
    }

    fn forget(&self, method: &str) {
        self.subjects.lock().unwrap_or_else(PoisonError::into_inner).remove(method);
    }

    fn cancel_subject(&self) -> Option<&str> {
        None
    }
}
