//! The service that the tests call.

use callbox::{CallContext, Caller, FromCall, RpcError, Server, service, testing};
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
    #[rpc(code = 429)]
    TooMany,
}

/// Nobody's: so a method that takes it fails before it runs.
pub(crate) struct Tenant;

impl FromCall for Tenant {
    fn from_call(_: &CallContext) -> Result<Self, RpcError> {
        Err(RpcError::new(401, "Which tenant?"))
    }
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
    #[public_method(idempotent)]
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

    /// The sum, of few numbers.
    #[public_method(compute)]
    fn add_up(of: Vec<u64>) -> Result<u64, NoteError> {
        if of.len() > 10 { Err(NoteError::TooMany) } else { Ok(of.iter().sum()) }
    }

    /// Nothing at all.
    #[public_method]
    fn nothing(&self) {}

    /// What it was given.
    #[public_method]
    fn perhaps(&self, #[param(default = Some(3))] number: Option<u8>) -> Option<u8> {
        number
    }

    /// Needs a tenant.
    #[public_method]
    fn of_tenant(&self, _tenant: &Tenant) -> u8 {
        0
    }

    /// How long the caller is going to wait, in milliseconds.
    #[public_method(deadline = "5s")]
    fn patience(&self, call: &CallContext) -> u64 {
        call.remaining().as_millis() as u64
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
