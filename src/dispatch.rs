//! Stand-in.

use std::time::Duration;

use crate::jsonrpc::{Dialect, RpcError};

pub(crate) struct Arrival<'a> {
    pub(crate) token: Option<&'a str>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) dialect: Dialect,
}

pub(crate) struct Answer {
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) error: Option<i32>,
    pub(crate) retry_after: Option<Duration>,
}

pub(crate) struct Dispatch;

impl Dispatch {
    pub(crate) async fn handle(&self, body: &[u8], _arrival: Arrival<'_>) -> Answer {
        Answer { body: Some(body.to_vec()), error: None, retry_after: None }
    }

    pub(crate) fn refuse(_dialect: Dialect, error: &RpcError) -> Vec<u8> {
        #[derive(serde::Serialize)]
        struct Envelope<'a> {
            jsonrpc: &'static str,
            error: &'a RpcError,
            id: Option<u8>,
        }
        serde_json::to_vec(&Envelope { jsonrpc: "2.0", error, id: None }).expect("serialises")
    }
}
