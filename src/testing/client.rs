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
use ureq::http::{Request, Response};
use ureq::{Agent, RequestBuilder};

use crate::jsonrpc::{RpcError, write};
use crate::service::Message;

/// A blocking HTTP client of a [`TestServer`](super::TestServer), with a token, or with other
/// headers. Cheap to clone; several threads may use it at once.
///
/// [`TestServer::with_token`](super::TestServer::with_token) and
/// [`TestServer::with_header`](super::TestServer::with_header) return one. It waits at most 60 s
/// for a response.
///
/// ```
/// use callbox::{Server, service, testing};
///
/// #[derive(Default)]
/// struct Vault;
///
/// #[service(name = "vault")]
/// impl Vault {
///     /// Returns the combination.
///     #[private_api_method]
///     fn combination(&self) -> u32 {
///         4711
///     }
/// }
///
/// let server = Server::new(Vault::default).tokens(|token: &str| token == "hello_world");
/// let server = testing::start(server);
/// assert_eq!(server.with_token("hello_world").call(Vault_Combination {}), Ok(4711));
/// assert!(server.call(Vault_Combination {}).is_err());
/// ```
#[derive(Clone)]
pub struct TestClient {
    agent: Agent,
    root: String,
    endpoint: String,
    /// The names of the server's methods, by the types of their messages.
    methods: Arc<HashMap<TypeId, Vec<&'static str>>>,
    token: Option<String>,
    /// Further headers of each request, by name and value.
    headers: Vec<(String, String)>,
}

/// The HTTP response of a server.
#[derive(Clone, Debug)]
pub struct TestResponse {
    /// The HTTP status code.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl TestResponse {
    /// Returns the value of the first header with this name, which must be in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Maximum time to wait for a response, so that a test that hangs fails.
const TIMEOUT: Duration = Duration::from_secs(60);

impl TestClient {
    pub(super) fn new(address: SocketAddr, endpoint: &str, methods: HashMap<TypeId, Vec<&'static str>>) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).proxy(None);
        let agent = Agent::new_with_config(config.build());
        let root = crate::server::url("http", address, "");
        Self {
            agent,
            endpoint: format!("{root}{endpoint}"),
            root,
            methods: Arc::new(methods),
            token: None,
            headers: Vec::new(),
        }
    }

    /// Returns the same client with another token, which it sends in the header `X-Api-Token`.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Returns the same client with one more header, which it sends with each request. A header
    /// that the client has already is sent several times, once for each value.
    ///
    /// # Panics
    /// The next request panics if the name or the value cannot be in a header.
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// Calls a method and waits for its result.
    ///
    /// It finds the method, with its namespace, by the type of the message. A message that no
    /// service of the server handles is sent under its [`NAME`](Message::NAME) alone.
    ///
    /// # Errors
    /// Returns the error object of the server.
    ///
    /// # Panics
    /// Panics if there is no response, if it is not a response to this call, if the message cannot
    /// be written as JSON, or if several services of the server handle it. In the last case, call
    /// the method by its name with [`rpc`](Self::rpc).
    #[expect(clippy::needless_pass_by_value, reason = "all functions that call a service take the message by value")]
    pub fn call<M: Message>(&self, message: M) -> Result<M::Output, RpcError>
    where
        M::Output: DeserializeOwned,
    {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let response = self.post(self.request(&message, Some(id)));
        let name = M::NAME;
        let object: ResponseBody<'_> = serde_json::from_str(&response.body)
            .unwrap_or_else(|error| panic!("this is not a response to a call of {name} ({error}): {response:?}"));
        assert_eq!(object.id, Some(id), "this is the response to another call: {response:?}");
        match object.error {
            None => Ok(serde_json::from_str(object.result.map_or("", RawValue::get))
                .unwrap_or_else(|error| panic!("the response has no result of {name} ({error}): {response:?}"))),
            Some(ErrorBody { code, message, data }) => Err(match data {
                Some(data) => RpcError::new(code, message).with_data(data),
                None => RpcError::new(code, message),
            }),
        }
    }

    /// Sends a notification. It finds the method as [`call`](Self::call) does.
    ///
    /// # Panics
    /// Panics if there is no response, if the server does not accept the notification, if the
    /// message cannot be written as JSON, or if several services of the server handle it.
    #[expect(clippy::needless_pass_by_value, reason = "all functions that call a service take the message by value")]
    pub fn notify<M: Message>(&self, message: M) {
        let response = self.post(self.request(&message, None));
        assert!(matches!(response.status, 200 | 204), "the server did not accept the notification: {response:?}");
    }

    /// Posts a JSON-RPC request, or a batch of them, and returns the response. For notifications
    /// alone it returns `null`.
    ///
    /// # Panics
    /// Panics if there is no HTTP response, or if it is not JSON.
    pub fn rpc<T: Serialize + ?Sized>(&self, request: &T) -> Value {
        let body = serde_json::to_string(request)
            .unwrap_or_else(|error| panic!("the request cannot be written as JSON: {error}"));
        let response = self.post(body);
        if response.status == 204 {
            return Value::Null;
        }
        serde_json::from_str(&response.body)
            .unwrap_or_else(|error| panic!("the response is not JSON ({error}): {response:?}"))
    }

    /// Posts a body to the endpoint unchanged, with the content type `application/json`.
    ///
    /// # Panics
    /// Panics if there is no response.
    pub fn post(&self, body: impl AsRef<[u8]>) -> TestResponse {
        let request = self.agent.post(&self.endpoint).header("content-type", "application/json");
        read_response(self.with_own_headers(request).send(body.as_ref()))
    }

    /// Sends a GET request for this path, with the token and the headers of the client.
    ///
    /// # Panics
    /// Panics if there is no response.
    pub fn get(&self, path: &str) -> TestResponse {
        read_response(self.with_own_headers(self.agent.get(format!("{}{path}", self.root))).call())
    }

    /// Sends any request to a route of the program: `client.send("PUT", "/files/a.txt", "text")`.
    /// It has the token and the headers of the client, among which a content type belongs.
    ///
    /// # Panics
    /// Panics if `method` or `path` cannot be in a request, and if there is no response.
    pub fn send(&self, method: &str, path: &str, body: impl AsRef<[u8]>) -> TestResponse {
        let token = self.token.iter().map(|token| ("x-api-token", token.as_str()));
        let others = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request = Request::builder().method(method).uri(format!("{}{path}", self.root));
        let request = token.chain(others).fold(request, |request, (name, value)| request.header(name, value));
        let request = request.body(body.as_ref()).unwrap_or_else(|error| panic!("this cannot be requested: {error}"));
        read_response(self.agent.run(request))
    }

    /// Returns the body of a call, or of a notification if there is no id.
    fn request<M: Message>(&self, message: &M, id: Option<u64>) -> Vec<u8> {
        #[derive(Serialize)]
        struct Request<'a, T> {
            jsonrpc: &'static str,
            method: &'static str,
            params: &'a T,
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<u64>,
        }
        let method = match self.methods.get(&TypeId::of::<M>()).map(Vec::as_slice) {
            None | Some([]) => M::NAME,
            Some([name]) => name,
            Some(names) => panic!("several services handle the message: call one of {names:?} with `rpc`"),
        };
        let mut body = Vec::new();
        write(&mut body, &Request { jsonrpc: "2.0", method, params: message, id })
            .unwrap_or_else(|error| panic!("the parameters of {method} cannot be written as JSON: {error}"));
        body
    }

    fn with_own_headers<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        let token = self.token.iter().map(|token| ("x-api-token", token.as_str()));
        let others = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        token.chain(others).fold(request, |request, (name, value)| request.header(name, value))
    }
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient")
            .field("endpoint", &self.endpoint)
            .field("has_token", &self.token.is_some())
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// One response object. Its result stays raw JSON until its type is known, because serde's buffer
/// cannot hold 128-bit integers.
#[derive(Deserialize)]
struct ResponseBody<'a> {
    id: Option<u64>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<ErrorBody<'a>>,
}

/// Deserializes a result that is present as `Some`, even if it is null.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    code: i32,
    message: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

fn read_response(received: Result<Response<ureq::Body>, ureq::Error>) -> TestResponse {
    let mut received = received.unwrap_or_else(|error| panic!("the server did not respond: {error}"));
    let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    TestResponse {
        status: received.status().as_u16(),
        headers: received.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: received
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_to_string()
            .unwrap_or_else(|error| panic!("the body of the response is incomplete: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde_json::json;

    use super::*;
    use crate::service::{Handler, Handles, MethodOptions, MethodTable, Service};
    use crate::{Server, testing};

    /// A message that two services handle.
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Price {}

    impl Message for Price {
        type Output = u32;
        type Error = RpcError;
        const NAME: &'static str = "price";
        const PARAMS: &'static [&'static str] = &[];
    }

    macro_rules! shops {
        ($($shop:ident $namespace:literal $price:literal)*) => {$(
            struct $shop;

            impl Handles<Price> for $shop {
                const HANDLER: Handler<Self, Price> = Handler::Read(|_, _, _| Ok($price));
            }

            impl Service for $shop {
                const NAME: &'static str = $namespace;
                const NAMESPACE: Option<&'static str> = Some($namespace);

                fn methods(table: &mut impl MethodTable<Self>) {
                    table.add::<Price>(MethodOptions::public());
                }
            }
        )*};
    }

    shops! {
        Bakery "bakery" 2
        Florist "florist" 9
    }

    #[test]
    fn a_message_finds_the_method_of_its_service_with_the_namespace() {
        assert_eq!(testing::start(Server::new(|| Florist)).call(Price {}), Ok(9));
    }

    #[test]
    #[should_panic(expected = r#"call one of ["bakery.price", "florist.price"] with `rpc`"#)]
    fn a_message_that_two_services_handle_goes_to_neither() {
        let server = testing::start(Server::new(|| Bakery).service(|| Florist));
        let price = |method| server.rpc(&json!({ "jsonrpc": "2.0", "method": method, "id": 1 }))["result"].clone();
        assert_eq!([price("bakery.price"), price("florist.price")], [2, 9]);
        let _ = server.call(Price {});
    }
}
