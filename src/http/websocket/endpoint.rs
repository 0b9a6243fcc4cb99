//! The WebSockets at the path of an endpoint: from the request to the connection.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

use crate::dispatch::{Dispatch, RequestLog, RpcResponse, Session, SessionClient, SessionLimits, SessionToken};
use crate::service::RequestInfo;

use super::super::caller_headers;
use super::super::connection_state::ConnectionState;
use super::super::event_stream;
use super::super::guard::RouteRules;
use super::super::request_info;
use super::super::rpc::EndpointConfig;
use super::connection::{Connection, PingTimes};
use super::handshake::{self, Handshake};

/// The limits of WebSockets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WebSocketLimits {
    /// Maximum number of bodies of one connection whose calls have not ended.
    pub(crate) calls: usize,
    /// Maximum number of subscriptions of one connection.
    pub(crate) subscriptions: usize,
    /// Time between two pings.
    pub(crate) ping_interval: Duration,
    /// Maximum time after a ping for anything to arrive.
    pub(crate) ping_timeout: Duration,
}

/// What serves the WebSockets at one path.
#[derive(Debug)]
pub(in crate::http) struct WebSocketEndpoint {
    dispatch: Arc<Dispatch>,
    endpoint_config: Arc<EndpointConfig>,
}

impl WebSocketEndpoint {
    pub(in crate::http) fn new(dispatch: Arc<Dispatch>, endpoint_config: Arc<EndpointConfig>) -> Self {
        Self { dispatch, endpoint_config }
    }

    /// Answers the call in a body with events, if it has more than one answer; else with that one.
    pub(in crate::http) async fn events(
        &self,
        request: &HttpRequest,
        body: Bytes,
        log: Option<&Rc<RequestLog>>,
    ) -> Result<HttpResponse, RpcResponse> {
        let (config, headers) = (&*self.endpoint_config, request.headers());
        let timeout = caller_headers::request_timeout(headers);
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
        let client = SessionClient {
            token: caller_headers::token(headers, &config.token_header).map(|token| SessionToken(token.to_owned())),
            peer: config.proxies.client_address(request),
            request: Arc::new(request_info::describe(request, &config.proxies, log)),
            log: log.cloned(),
            logs_messages: false,
            timeout,
            chain: timeout.and_then(|_| caller_headers::chain(headers)).map(str::to_owned),
            after: text(event_stream::LAST_EVENT_ID),
        };
        let response = event_stream::answer(&self.dispatch, client, body, config).await?;
        if let Some(connection) = request.conn_data::<Rc<ConnectionState>>() {
            connection.response_streams();
        }
        Ok(response)
    }

    /// Whether a request asks for a WebSocket.
    #[inline]
    pub(in crate::http) fn is_for(&self, request: &HttpRequest) -> bool {
        request.head().upgrade() && handshake::is_upgrade(request)
    }

    /// Opens a WebSocket, if the rules of its path allow that.
    pub(in crate::http) async fn open(
        &self,
        rules: RouteRules,
        request: &HttpRequest,
        payload: Payload,
        log: Option<&Rc<RequestLog>>,
    ) -> HttpResponse {
        let config = &*self.endpoint_config;
        let accept = async |payload: &mut Payload| {
            let Handshake { mut response, token } = handshake::accept(request, &config.token_header)?;
            let client = SessionClient {
                token: token.map(|token| SessionToken(token.reveal().to_owned())),
                peer: config.proxies.client_address(request),
                request: Arc::new(RequestInfo::of_websocket(request_info::describe(request, &config.proxies, log))),
                log: log.cloned(),
                logs_messages: config.logging.access,
                timeout: None,
                chain: None,
                after: None,
            };
            let WebSocketLimits { calls, subscriptions, ping_interval, ping_timeout } = config.websocket;
            let limits = SessionLimits { envelopes: calls, subscriptions };
            let session = Session::new(Arc::clone(&self.dispatch), client, limits, config.stopping.clone());
            let stream = request.conn_data::<Rc<ConnectionState>>().map(Rc::clone);
            if let Some(stream) = &stream {
                stream.response_streams();
            }
            let pings = PingTimes { interval: ping_interval, timeout: ping_timeout };
            let connection =
                Connection::new(payload.take(), session, config.body.bytes, pings, stream, &config.counters);
            Ok(response.body(connection))
        };
        config.guard.respond(rules, request, payload, accept).await
    }
}
