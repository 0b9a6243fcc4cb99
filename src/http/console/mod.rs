//! The console: a page to call methods and watch mailboxes, its files, and the stream that keeps it up to date.
//!
//! Made as a program's own pages are, from a handlebars template and static files, but these are part of the binary.

mod assets;
mod stream;

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use handlebars::Handlebars;
use serde::Serialize;

use crate::console::Feed;
use crate::dispatch::Dispatch;
use crate::jsonrpc::Dialect;
use crate::start_error::StartError;

use super::allowed_methods::AllowedMethods;
use super::guard::RouteRules;
use super::route_probe::matching_request;
use super::rpc::EndpointConfig;

/// No script and no style but from files of the server, no other site's anything, and no frame around it.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The rules for hosts and origins are those of calls: even a page can tell too much to a name that
/// somebody else's DNS server has made up. But it is for nobody else's pages, whoever may call.
const ROUTE_RULES: RouteRules =
    RouteRules { methods: AllowedMethods::Get, cross_origin: false, dialect: Dialect::Jsonrpc };

/// By which actix knows the resources.
const PAGE_ROUTE: &str = "callbox-console";
const STREAM_ROUTE: &str = "callbox-console-mailboxes";
const FILE_ROUTE: &str = "callbox-console-file";

/// What the page is told when it is made. It asks for the rest as any caller would.
#[derive(Debug, Serialize)]
pub(crate) struct ConsolePageData<'a> {
    /// The name of the first service.
    pub(crate) service: &'a str,
    pub(crate) endpoint: &'a str,
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
    front: Arc<EndpointConfig>,
    dispatch: Arc<Dispatch>,
    feed: Feed,
}

impl Console {
    /// Where it is.
    pub(crate) const PATH: &'static str = "/console";

    /// # Errors
    /// If the template cannot be rendered, which the tests would have seen.
    pub(crate) fn new(
        facts: &ConsolePageData<'_>,
        front: Arc<EndpointConfig>,
        dispatch: Arc<Dispatch>,
        feed: Feed,
    ) -> Result<Self, StartError> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        let page = registry.render_template(assets::PAGE, facts);
        let page = page.map_err(|error| StartError::new("the console's page cannot be made", error))?;
        Ok(Self(Arc::new(ConsoleState { page: page.into(), front, dispatch, feed })))
    }

    /// Mounts the page, and its files and the stream below it.
    pub(crate) fn configure(&self, config: &mut web::ServiceConfig) {
        for (name, path) in [(PAGE_ROUTE, ""), (STREAM_ROUTE, "/mailboxes"), (FILE_ROUTE, "/{file:.*}")] {
            let console = self.clone();
            let handler = move |request: HttpRequest, payload: web::Payload| {
                let console = console.clone();
                async move { with_security_headers(console.answer(&request, payload.into_inner()).await) }
            };
            config.service(web::resource(format!("{}{path}", Self::PATH)).name(name).to(handler));
        }
    }

    /// Whether requests come to the console that is among these routes, and not to something that was mounted before it.
    pub(crate) async fn is_reached(routes: impl FnOnce(&mut web::ServiceConfig)) -> bool {
        let Some(request) = matching_request(Self::PATH, routes).await else { return false };
        [(PAGE_ROUTE, ""), (STREAM_ROUTE, "/mailboxes"), (FILE_ROUTE, "/main.js")]
            .into_iter()
            .all(|(name, path)| request.resource_map().match_name(&format!("{}{path}", Self::PATH)) == Some(name))
    }

    async fn answer(&self, request: &HttpRequest, payload: Payload) -> HttpResponse {
        let respond = async |_: &mut Payload| {
            Ok(match request.match_name() {
                Some(PAGE_ROUTE) => HttpResponse::Ok().content_type(assets::HTML).body(self.0.page.clone()),
                Some(STREAM_ROUTE) => self.stream(request).await,
                _ => asset(request.match_info().query("file")),
            })
        };
        self.0.front.guard.respond(ROUTE_RULES, request, payload, respond).await
    }
}

fn asset(name: &str) -> HttpResponse {
    match assets::find(name) {
        Some((content_type, text)) => HttpResponse::Ok().content_type(content_type).body(text),
        // `/console/`, from which the page would look for its files in the wrong place.
        None if name.is_empty() => HttpResponse::PermanentRedirect().insert_header((LOCATION, "../console")).finish(),
        None => HttpResponse::NotFound().finish(),
    }
}

/// With the headers that hold for all of the console. Nothing is kept: what comes from a server that is developed may be
/// another thing a moment later.
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
