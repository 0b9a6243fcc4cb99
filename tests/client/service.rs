//! The service that the tests call.

use callbox::{Caller, RpcError, Server, service, testing};
use serde_json::{Map, Value};

#[derive(Default)]
pub(crate) struct Notes {
    lines: Vec<String>,
}

#[derive(Debug, PartialEq, RpcError)]
pub(crate) enum NoteError {
    #[rpc(code = 404, message = "No line {at}")]
    NoLine {
        #[rpc(data)]
        at: usize,
    },
    #[rpc(code = 409)]
    Full,
}

#[service(name = "notes", vis = "pub(crate)")]
impl Notes {
    /// Adds a line.
    #[public_method]
    fn add(&mut self, text: String) -> usize {
        self.lines.push(text);
        self.lines.len()
    }

    /// The line at this place.
    #[public_method]
    fn line(&self, at: usize) -> Result<String, NoteError> {
        self.lines.get(at).cloned().ok_or(NoteError::NoLine { at })
    }

    /// What was sent, as it arrived.
    #[public_method]
    fn echo(
        &self,
        first: i64,
        #[param(rename = "type")] kind: Option<String>,
        #[param(default = 10)] limit: u32,
        #[param(rest)] extra: Map<String, Value>,
    ) -> Value {
        serde_json::json!({ "first": first, "type": kind, "limit": limit, "extra": extra })
    }

    /// Never ends by itself.
    #[public_method]
    async fn wait(&self) -> u8 {
        std::future::pending().await
    }

    /// Who calls.
    #[private_api_method]
    fn who(&self, caller: &Caller) -> bool {
        caller.is_authenticated()
    }

    /// Panics.
    #[public_method]
    fn fall(&self) -> u8 {
        panic!("as it was asked to")
    }
}

pub(crate) fn server() -> testing::TestServer {
    testing::start(Server::new(Notes::default).tokens(|token: &str| token == "secret"))
}
