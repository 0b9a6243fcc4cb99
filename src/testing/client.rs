//! A blocking HTTP client for tests.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use ureq::http::Response;
use ureq::{Agent, RequestBuilder};

use crate::jsonrpc::{RpcError, write};
use crate::service::Message;

/// Calls a server over HTTP. Cheap to clone; may be used from several threads at once.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    root: String,
    endpoint: String,
    /// The names of the server's methods, by the types of their messages.
    methods: Arc<HashMap<TypeId, &'static str>>,
    token: Option<String>,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Page {
    /// The value of a header; the name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Nothing that a test waits for takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

impl Client {
    pub(super) fn new(address: SocketAddr, endpoint: &str, methods: HashMap<TypeId, &'static str>) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).proxy(None);
        let agent = Agent::new_with_config(config.build());
        let root = crate::server::url("http", address, "");
        Self { agent, endpoint: format!("{root}{endpoint}"), root, methods: Arc::new(methods), token: None }
    }

    /// The same client with this token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Calls a method.
    ///
    /// # Errors
    /// The error that the server answered.
    ///
    /// # Panics
    /// If there was no answer, or if it is none to this call.
    #[expect(clippy::needless_pass_by_value, reason = "a message is given away, as in every call of a service")]
    pub fn call<M: Message>(&self, message: M) -> Result<M::Output, RpcError>
    where
        M::Output: DeserializeOwned,
    {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let page = self.post(self.request(&message, Some(id)));
        let name = M::NAME;
        let answer: Answer<'_> = serde_json::from_str(&page.body)
            .unwrap_or_else(|error| panic!("the answer is none to a call of {name} ({error}): {page:?}"));
        assert_eq!(answer.id, Some(id), "the answer is to another call: {page:?}");
        match answer.error {
            None => Ok(serde_json::from_str(answer.result.map_or("", RawValue::get))
                .unwrap_or_else(|error| panic!("the answer has no result of {name} ({error}): {page:?}"))),
            Some(Told { code, message, data }) => Err(match data {
                Some(data) => RpcError::new(code, message).with_data(data),
                None => RpcError::new(code, message),
            }),
        }
    }

    /// Sends a notification.
    ///
    /// # Panics
    /// If the server did not take it.
    #[expect(clippy::needless_pass_by_value, reason = "a message is given away, as in every call of a service")]
    pub fn notify<M: Message>(&self, message: M) {
        let page = self.post(self.request(&message, None));
        assert!(matches!(page.status, 200 | 204), "the server did not take the notification: {page:?}");
    }

    /// Posts a JSON-RPC request, or a batch of them, and reads the answer; `null` if there is none.
    ///
    /// # Panics
    /// If there was no answer, or if it is not JSON.
    pub fn rpc<T: Serialize + ?Sized>(&self, request: &T) -> Value {
        let body = serde_json::to_string(request).unwrap_or_else(|error| panic!("the request is no JSON: {error}"));
        let page = self.post(body);
        if page.status == 204 {
            return Value::Null;
        }
        serde_json::from_str(&page.body).unwrap_or_else(|error| panic!("the answer is no JSON ({error}): {page:?}"))
    }

    /// Posts a body to the endpoint as it is, with the content type of JSON.
    ///
    /// # Panics
    /// If there was no answer.
    pub fn post(&self, body: impl AsRef<[u8]>) -> Page {
        let request = self.agent.post(&self.endpoint).header("content-type", "application/json");
        page(self.with_own_token(request).send(body.as_ref()))
    }

    /// Gets a page, with the token if the client has one.
    ///
    /// # Panics
    /// If there was no answer.
    pub fn get(&self, path: &str) -> Page {
        page(self.with_own_token(self.agent.get(format!("{}{path}", self.root))).call())
    }

    /// The body of a call, or of a notification if it has no id.
    fn request<M: Message>(&self, message: &M, id: Option<u64>) -> Vec<u8> {
        #[derive(Serialize)]
        struct Request<'a, T> {
            jsonrpc: &'static str,
            method: &'static str,
            params: &'a T,
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<u64>,
        }
        let method = self.methods.get(&TypeId::of::<M>()).copied().unwrap_or(M::NAME);
        let mut body = Vec::new();
        write(&mut body, &Request { jsonrpc: "2.0", method, params: message, id })
            .unwrap_or_else(|error| panic!("the parameters of {method} are no JSON: {error}"));
        body
    }

    fn with_own_token<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("x-api-token", token),
            None => request,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.endpoint)
            .field("has_token", &self.token.is_some())
            .finish_non_exhaustive()
    }
}

/// One answer. Its result stays text until its type is known: what serde buffers loses integers of
/// 128 bits.
#[derive(Deserialize)]
struct Answer<'a> {
    id: Option<u64>,
    #[serde(borrow, default, deserialize_with = "given")]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<Told<'a>>,
}

/// A result that is there, be it null.
fn given<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct Told<'a> {
    code: i32,
    message: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

fn page(answer: Result<Response<ureq::Body>, ureq::Error>) -> Page {
    let mut answer = answer.unwrap_or_else(|error| panic!("the server did not answer: {error}"));
    let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Page {
        status: answer.status().as_u16(),
        headers: answer.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: answer
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_to_string()
            .unwrap_or_else(|error| panic!("the body of the answer broke off: {error}")),
    }
}
