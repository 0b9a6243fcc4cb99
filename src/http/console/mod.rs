//! The console: a page to call methods and watch mailboxes, its files, and the WebSocket for all of
//! its live data.
//!
//! One WebSocket for each page, since browsers open few other connections to one server: with a
//! response for each stream, some pages would leave none for calls.
//!
//! It is built like a program's own pages, from a handlebars template and static files, but these
//! are embedded in the binary.

mod assets;

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use handlebars::Handlebars;
use serde::Serialize;

use crate::dispatch::Dispatch;
use crate::jsonrpc::Dialect;
use crate::start_error::StartError;

use super::allowed_methods::AllowedMethods;
use super::guard::RouteRules;
use super::rejection::HttpRejection;
use super::route_probe::matching_request;
use super::rpc::EndpointConfig;
use super::websocket::WebSocketEndpoint;

/// The content security policy: scripts and styles from files of this server only, nothing from
/// other sites, and no frame around the page.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The rules for hosts and origins are those of calls, so a page reached by DNS rebinding cannot
/// read the console. Pages of other origins may not read it, even if they may call.
const ROUTE_RULES: RouteRules =
    RouteRules { methods: AllowedMethods::Get, cross_origin: false, dialect: Dialect::Jsonrpc };

/// Names of the resources in actix's router.
const PAGE_ROUTE: &str = "callbox-console";
const SOCKET_ROUTE: &str = "callbox-console-socket";
const FILE_ROUTE: &str = "callbox-console-file";

/// The data for the page's template. The page requests everything else as any caller would.
#[derive(Debug, Serialize)]
pub(crate) struct ConsolePageData<'a> {
    /// The title of the server.
    pub(crate) title: &'a str,
    pub(crate) endpoint: &'a str,
    /// The URL of the endpoint for clients; empty if it is where the page comes from.
    pub(crate) public_endpoint: &'a str,
    pub(crate) dialect: &'a str,
    pub(crate) token_header: &'a str,
    /// Whether the server checks tokens at all.
    pub(crate) checks_tokens: bool,
    pub(crate) version: &'a str,
}

/// The console of one server. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Console(Arc<ConsoleState>);

#[derive(Debug)]
struct ConsoleState {
    page: Bytes,
    endpoint_config: Arc<EndpointConfig>,
    socket: WebSocketEndpoint,
}

impl Console {
    /// The path of the page.
    pub(crate) const PATH: &'static str = "/console";

    /// # Errors
    /// If the template cannot be rendered, which the tests rule out.
    pub(crate) fn new(
        facts: &ConsolePageData<'_>,
        endpoint_config: Arc<EndpointConfig>,
        dispatch: Arc<Dispatch>,
    ) -> Result<Self, StartError> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        let page = registry.render_template(assets::PAGE, facts);
        let page = page.map_err(|error| StartError::new("the console's page cannot be rendered", error))?;
        let socket = WebSocketEndpoint::new(dispatch, Arc::clone(&endpoint_config));
        Ok(Self(Arc::new(ConsoleState { page: page.into(), endpoint_config, socket })))
    }

    /// Mounts the page, and its files and the WebSocket below it.
    pub(crate) fn configure(&self, config: &mut web::ServiceConfig) {
        for (name, path) in [(PAGE_ROUTE, ""), (SOCKET_ROUTE, "/socket"), (FILE_ROUTE, "/{file:.*}")] {
            let console = self.clone();
            let handler = move |request: HttpRequest, payload: web::Payload| {
                let console = console.clone();
                async move { with_security_headers(console.answer(&request, payload.into_inner()).await) }
            };
            config.service(web::resource(format!("{}{path}", Self::PATH)).name(name).to(handler));
        }
    }

    /// Whether requests for the console's paths reach the console among these routes, and not a
    /// route that was mounted before it.
    pub(crate) async fn is_reached(routes: impl FnOnce(&mut web::ServiceConfig)) -> bool {
        let Some(request) = matching_request(Self::PATH, routes).await else { return false };
        [(PAGE_ROUTE, ""), (SOCKET_ROUTE, "/socket"), (FILE_ROUTE, "/main.js")]
            .into_iter()
            .all(|(name, path)| request.resource_map().match_name(&format!("{}{path}", Self::PATH)) == Some(name))
    }

    async fn answer(&self, request: &HttpRequest, payload: Payload) -> HttpResponse {
        let route = request.match_name();
        if route == Some(SOCKET_ROUTE) && self.0.socket.is_for(request) {
            return self.0.socket.open(ROUTE_RULES, request, payload, None).await;
        }
        let respond = async |_: &mut Payload| {
            Ok(match route {
                Some(PAGE_ROUTE) => HttpResponse::Ok().content_type(assets::HTML).body(self.0.page.clone()),
                Some(SOCKET_ROUTE) => return Err(HttpRejection::only_websockets()),
                _ => asset(request.match_info().query("file")),
            })
        };
        self.0.endpoint_config.guard.respond(ROUTE_RULES, request, payload, respond).await
    }
}

fn asset(name: &str) -> HttpResponse {
    match assets::find(name) {
        Some((content_type, text)) => HttpResponse::Ok().content_type(content_type).body(text),
        // At `/console/` the page would request its files from the wrong path.
        None if name.is_empty() => HttpResponse::PermanentRedirect().insert_header((LOCATION, "../console")).finish(),
        None => HttpResponse::NotFound().finish(),
    }
}

/// Adds the security headers of the console. Nothing is cached, as the pages of a server under
/// development may change at any moment.
fn with_security_headers(mut response: HttpResponse) -> HttpResponse {
    let headers: [(HeaderName, &'static str); 6] = [
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
