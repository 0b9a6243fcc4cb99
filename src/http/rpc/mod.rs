//! The routes for calls: HTTP's own checks, then dispatch, then the result as an HTTP response.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{StatusCode, Version};
use actix_web::{Error, HttpRequest, HttpResponse, web};
use futures::FutureExt;
use futures::future::{Either, LocalBoxFuture};
use tokio::sync::watch;

use crate::dispatch::{AccessLine, Dispatch, RequestLog, RequestLogging, RequestMeta, RpcResponse};
use crate::jsonrpc::{Dialect, Envelope, code, may_have_meta};
use crate::measure::{Carrier, ServerCounters};
use crate::service::{CallTransport, LazyRequest, WithinRequest};
use crate::trace::Sampling;

use super::allowed_methods::AllowedMethods;
use super::body::{self, BodyLimits};
use super::caller_headers::{self, SentHeaders};
use super::connection_state::ConnectionState;
use super::guard::{RequestGuard, RouteRules};
use super::middleware::BoxedAnswer;
use super::rejection::HttpRejection;
use super::request_info::{self, HttpDescription, REQUEST_ID_HEADER};
use super::status::{self, ErrorStatus};
use super::trusted_proxies::TrustedProxies;
use super::websocket::{WebSocketEndpoint, WebSocketLimits};

/// The settings that all endpoints of a server share.
#[derive(Debug)]
pub(crate) struct EndpointConfig {
    pub(crate) guard: RequestGuard,
    /// The header that carries a token, in addition to `Authorization: Bearer …`.
    pub(crate) token_header: HeaderName,
    pub(crate) proxies: Arc<TrustedProxies>,
    pub(crate) body: BodyLimits,
    pub(crate) websocket: WebSocketLimits,
    pub(crate) status: ErrorStatus,
    pub(crate) counters: ServerCounters,
    pub(crate) logging: RequestLogging,
    /// A flag that becomes true when the server drains.
    pub(crate) stopping: watch::Receiver<bool>,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What answers the bodies of requests.
pub(crate) trait BodyHandler: 'static {
    /// Answers one body.
    fn handle<'a>(&'a self, body: &'a [u8], meta: RequestMeta<'a>) -> impl Future<Output = RpcResponse>;
}

impl BodyHandler for Arc<Dispatch> {
    #[inline]
    fn handle<'a>(&'a self, body: &'a [u8], meta: RequestMeta<'a>) -> impl Future<Output = RpcResponse> {
        Dispatch::handle(self, Envelope::parse(body, &self.limits), meta)
    }
}

/// A path for calls, with the function that answers them.
pub(crate) struct Endpoint<H> {
    path: String,
    dialect: Dialect,
    endpoint_config: Arc<EndpointConfig>,
    /// What serves WebSockets at this path, if the dialect has them.
    websocket: Option<WebSocketEndpoint>,
    handle: H,
}

/// Returns the endpoint at `path`, whose calls `dispatch` answers.
pub(crate) fn endpoint(
    path: &str,
    dialect: Dialect,
    endpoint_config: Arc<EndpointConfig>,
    dispatch: Arc<Dispatch>,
) -> Arc<Endpoint<Arc<Dispatch>>> {
    let websocket = (dialect == Dialect::Jsonrpc)
        .then(|| WebSocketEndpoint::new(Arc::clone(&dispatch), Arc::clone(&endpoint_config)));
    Arc::new(Endpoint { path: path.to_owned(), dialect, endpoint_config, websocket, handle: dispatch })
}

/// Mounts an endpoint: `App::configure(mount(…))`.
pub(crate) fn mount<H: BodyHandler>(endpoint: Arc<Endpoint<H>>) -> impl FnOnce(&mut web::ServiceConfig) + use<H> {
    move |config| {
        config.service(web::resource(endpoint.path.as_str()).to(move |request: HttpRequest, payload: web::Payload| {
            let endpoint = Arc::clone(&endpoint);
            async move { endpoint.answer(&request, payload.into_inner()).await }
        }));
    }
}

/// Mounts an answer for an endpoint's path with a slash at its end, which is another path: 404,
/// with the path that was probably meant. Mount it after all routes that may use this path.
pub(crate) fn mount_trailing_slash(path: &str, dialect: Dialect) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let endpoint: Arc<str> = path.into();
    move |config| {
        config.service(web::resource(format!("{endpoint}/")).to(move |payload: web::Payload| {
            let response = HttpRejection::trailing_slash(&endpoint).respond(payload.into_inner(), dialect);
            async move { response }
        }));
    }
}

/// Returns a middleware, as `App::wrap_fn` takes one, that answers requests for these endpoints
/// directly. It saves the search for the route, and the boxed futures on the way to it.
///
/// The endpoints must be mounted as well, since only actix's router recognises other spellings of
/// their paths.
pub(crate) fn fast_path<H, S>(
    endpoints: Vec<Arc<Endpoint<H>>>,
) -> impl Fn(ServiceRequest, &S) -> Either<BoxedAnswer, S::Future> + Clone
where
    H: BodyHandler,
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error>,
{
    move |request, app| {
        let Some(endpoint) = endpoints.iter().find(|endpoint| endpoint.path == request.path()) else {
            return Either::Right(app.call(request));
        };
        let endpoint = Arc::clone(endpoint);
        let (request, payload) = request.into_parts();
        Either::Left(Box::pin(async move {
            let response = endpoint.answer(&request, payload).await;
            Ok(ServiceResponse::new(request, response))
        }))
    }
}

impl<H: BodyHandler> Endpoint<H> {
    fn answer<'a>(
        &'a self,
        request: &'a HttpRequest,
        payload: Payload,
    ) -> impl Future<Output = HttpResponse> + use<'a, H> {
        let sent = SentHeaders::of(request.headers(), &self.endpoint_config.token_header);
        if self.endpoint_config.logging.ids || sent.request_id {
            return Either::Right(Box::pin(self.answer_logged(request, payload, sent)) as LocalBoxFuture<'_, _>);
        }
        self.answer_with(request, payload, sent, None)
    }

    /// Answers a request whose lines in the log have its id, as its sender has given it one, or all
    /// requests have one.
    async fn answer_logged(&self, request: &HttpRequest, payload: Payload, sent: SentHeaders) -> HttpResponse {
        let RequestLogging { access, .. } = self.endpoint_config.logging;
        let described = request_info::brief(request);
        let log = Rc::new(RequestLog::new(Arc::new(if access { described.with_times() } else { described })));
        let peer = self.endpoint_config.proxies.client_address(request);
        let line = access.then(|| {
            // The line has the id, so the response has it as well.
            log.request().id();
            AccessLine::new(Rc::clone(&log), CallTransport::Http, peer)
        });
        let answer = self.answer_with(request, payload, sent, Some(&log));
        let mut response = WithinRequest::new(Some(log.request().clone()), answer).await;
        request_info::add_id(&mut response, log.request());
        if let Some(line) = line {
            let size = match response.body().size() {
                BodySize::None => Some(0),
                BodySize::Sized(size) => usize::try_from(size).ok(),
                BodySize::Stream => None,
            };
            line.answered(Some(response.status().as_u16()), size);
        }
        response
    }

    #[inline]
    fn answer_with<'a>(
        &'a self,
        request: &'a HttpRequest,
        payload: Payload,
        sent: SentHeaders,
        log: Option<&'a Rc<RequestLog>>,
    ) -> Either<impl Future<Output = HttpResponse> + use<'a, H>, LocalBoxFuture<'a, HttpResponse>> {
        if let Some(websocket) = &self.websocket
            && websocket.is_for(request)
        {
            let rules = RouteRules { methods: AllowedMethods::Get, cross_origin: true, dialect: self.dialect };
            return Either::Right(Box::pin(websocket.open(rules, request, payload, log)));
        }
        let rules = RouteRules { methods: AllowedMethods::Post, cross_origin: true, dialect: self.dialect };
        let call = async move |payload: &mut Payload| self.call(request, payload, sent, log).await;
        Either::Left(self.endpoint_config.guard.respond(rules, request, payload, call))
    }

    async fn call(
        &self,
        request: &HttpRequest,
        payload: &mut Payload,
        sent: SentHeaders,
        log: Option<&Rc<RequestLog>>,
    ) -> Result<HttpResponse, HttpRejection> {
        let headers = request.headers();
        is_json(headers)?;
        let connection = request.conn_data::<Rc<ConnectionState>>().map(Rc::as_ref);
        let body = body::read(payload, headers, &self.endpoint_config.body, &self.endpoint_config.stopping, connection)
            .await?;
        if let Some(log) = log {
            log.note_body(body.len());
        }
        if may_have_meta(&body)
            && let Some(streams) = self.streams_for(request, &body)
        {
            return Ok(self.with_events(Box::pin(streams.events(request, body, log)).await, log));
        }
        let proxies = &*self.endpoint_config.proxies;
        let described = HttpDescription { request, proxies, log };
        let lazy_request = LazyRequest::new(&described);
        let timeout = sent.timeout.then(|| caller_headers::request_timeout(headers)).flatten();
        let meta = RequestMeta {
            token: sent.token.then(|| caller_headers::token(headers, &self.endpoint_config.token_header)).flatten(),
            peer: proxies.client_address(request),
            timeout,
            // Who sends the chain sends the time that is left, too, so other requests are spared
            // the look-up.
            chain: timeout.and_then(|_| caller_headers::chain(headers)),
            dialect: self.dialect,
            sampling: Sampling::decide(|| lazy_request.trace()),
            request: &lazy_request,
            log: log.map(Rc::as_ref),
            carrier: Carrier::Http,
            session: None,
        };
        let answer = AssertUnwindSafe(self.handle.handle(&body, meta)).catch_unwind().await;
        let answer = answer.unwrap_or_else(|panic| Dispatch::after_panic(self.dialect, &*panic));
        // Of a subscription, among others, which has an answer for clients that take events. Its
        // caller has not been asked for yet.
        if answer.error == Some(code::INVALID_REQUEST)
            && let Some(streams) = self.streams_for(request, &body)
        {
            return Ok(self.with_events(Box::pin(streams.events(request, body, log)).await, log));
        }
        // The log adds the id that it knows.
        let error = answer.error.filter(|_| log.is_none());
        let mut response = self.respond(answer, log);
        if let Some(id) = request_info::response_id(&lazy_request, error) {
            response.headers_mut().insert(REQUEST_ID_HEADER, id);
        }
        Ok(response)
    }

    /// Returns what answers with events, if the client takes them and the body is no batch.
    #[cold]
    fn streams_for(&self, request: &HttpRequest, body: &[u8]) -> Option<&WebSocketEndpoint> {
        // Before HTTP/1.1 there were no chunks, in which a response of unknown length is sent.
        let takes_events = request.version() >= Version::HTTP_11 && caller_headers::accepts_events(request.headers());
        let streams = self.websocket.as_ref().filter(|_| takes_events)?;
        (!body.trim_ascii_start().starts_with(b"[")).then_some(streams)
    }

    fn with_events(&self, answer: Result<HttpResponse, RpcResponse>, log: Option<&Rc<RequestLog>>) -> HttpResponse {
        answer.unwrap_or_else(|only| self.respond(only, log))
    }

    fn respond(&self, answer: RpcResponse, log: Option<&Rc<RequestLog>>) -> HttpResponse {
        if let Some(log) = log {
            log.note_code(answer.error);
        }
        let Some(body) = answer.body else { return HttpResponse::NoContent().finish() };
        let status = self.endpoint_config.status.status(self.dialect, answer.error, answer.retry_after);
        let mut response = HttpResponse::build(status).insert_header((CONTENT_TYPE, JSON)).body(body);
        if status != StatusCode::OK {
            status::add_status_headers(status, answer.retry_after, response.headers_mut());
        }
        response
    }
}

/// Names of UTF-8 and of its subset ASCII, as a charset.
const UTF8: [&str; 4] = ["utf-8", "utf8", "us-ascii", "ascii"];

/// Returns an error unless the body is declared to be uncompressed JSON in UTF-8.
fn is_json(headers: &HeaderMap) -> Result<(), HttpRejection> {
    if headers.get_all(CONTENT_ENCODING).any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(HttpRejection::unsupported_encoding(headers));
    }
    let mut types = headers.get_all(CONTENT_TYPE);
    let sent = types.next().filter(|_| types.next().is_none());
    // Fast path: nearly all clients send exactly this value.
    if sent.is_some_and(|value| *value == JSON) {
        return Ok(());
    }
    let sent = sent.and_then(|value| value.to_str().ok());
    let wrong = || HttpRejection::unsupported_content_type(headers);
    let mut parts = sent.ok_or_else(wrong)?.split(';');
    let media = parts.next().unwrap_or_default().trim();
    let json = ["application/json", "application/json-rpc", "application/jsonrequest"];
    let is_utf8 = |charset: &str| UTF8.iter().any(|name| charset.eq_ignore_ascii_case(name));
    let utf8 = parts
        .filter_map(|parameter| parameter.split_once('='))
        .all(|(name, value)| !name.trim().eq_ignore_ascii_case("charset") || is_utf8(value.trim().trim_matches('"')));
    if utf8 && json.iter().any(|name| media.eq_ignore_ascii_case(name)) { Ok(()) } else { Err(wrong()) }
}

#[cfg(test)]
mod connection_tests;
#[cfg(test)]
mod tests;
