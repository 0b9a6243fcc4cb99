//! The route that serves the metrics.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::dispatch::Dispatch;
use crate::jsonrpc::{Dialect, code};
use crate::metrics::{Format, ServerMetrics};
use crate::service::Access;

use super::accept;
use super::allowed_methods::AllowedMethods;
use super::caller_headers;
use super::guard::RouteRules;
use super::rejection::HttpRejection;
use super::rpc::EndpointConfig;
use super::status::add_status_headers;

/// The rules for hosts and origins are those of calls. Pages of other origins may not read the
/// metrics.
const ROUTE_RULES: RouteRules =
    RouteRules { methods: AllowedMethods::Get, cross_origin: false, dialect: Dialect::Jsonrpc };

/// Mounts the metrics beside the endpoints: for callers with a valid token, or for everybody if the
/// server checks none.
pub(crate) fn mount_metrics(
    path: &str,
    metrics: ServerMetrics,
    endpoint_config: Arc<EndpointConfig>,
    dispatch: Arc<Dispatch>,
) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let path = path.to_owned();
    let route = Arc::new(MetricsRoute { metrics, endpoint_config, dispatch });
    move |config| {
        config.service(web::resource(path).to(move |request: HttpRequest, payload: web::Payload| {
            let route = Arc::clone(&route);
            async move { route.answer(&request, payload.into_inner()).await }
        }));
    }
}

/// Mounts the metrics on a listener of their own, for everybody who reaches it.
pub(crate) fn mount_open_metrics(path: &str, metrics: ServerMetrics) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let path = path.to_owned();
    move |config| {
        config.service(web::resource(path).to(move |request: HttpRequest, payload: web::Payload| {
            let metrics = metrics.clone();
            async move {
                let methods = AllowedMethods::Get;
                if methods.contains(request.method()) {
                    return respond(metrics, request.headers()).await;
                }
                HttpRejection::method_not_allowed(methods, false).respond(payload.into_inner(), Dialect::Jsonrpc)
            }
        }));
    }
}

struct MetricsRoute {
    metrics: ServerMetrics,
    endpoint_config: Arc<EndpointConfig>,
    dispatch: Arc<Dispatch>,
}

impl MetricsRoute {
    async fn answer(&self, request: &HttpRequest, payload: Payload) -> HttpResponse {
        let answer = async |_: &mut Payload| {
            if self.dispatch.auth.is_some() {
                let token = caller_headers::token(request.headers(), &self.endpoint_config.token_header);
                let peer = self.endpoint_config.proxies.client_address(request);
                match self.dispatch.authorize(Access::Private, token, peer).await {
                    Ok(_) => {}
                    Err(error) if error.code() == code::ACCESS_DENIED => return Ok(denied(error.retry_after())),
                    Err(_) => return Err(HttpRejection::authentication_unavailable()),
                }
            }
            Ok(respond(self.metrics.clone(), request.headers()).await)
        };
        self.endpoint_config.guard.respond(ROUTE_RULES, request, payload, answer).await
    }
}

/// Reads and writes the metrics on a thread for work that blocks.
async fn respond(metrics: ServerMetrics, headers: &HeaderMap) -> HttpResponse {
    let format = format_for(headers);
    match web::block(move || metrics.write(format)).await {
        Ok(Ok(text)) => {
            HttpResponse::Ok().content_type(format.content_type()).insert_header((CACHE_CONTROL, "no-store")).body(text)
        }
        // A collector of the program failed or panicked.
        failed => {
            let error = failed.map(|written| written.map(drop));
            log_throttled!(ERROR, ?error, "the metrics cannot be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// Returns the refusal of a caller without a valid token, or of one whose address has sent too many
/// wrong ones and may send another after a time.
fn denied(retry_after: Option<Duration>) -> HttpResponse {
    let (status, reason) = match retry_after {
        None => (StatusCode::UNAUTHORIZED, "the metrics need a valid token, as private methods do\n"),
        Some(_) => (StatusCode::TOO_MANY_REQUESTS, "too many wrong tokens from this address: try again later\n"),
    };
    let mut response = HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(reason);
    add_status_headers(status, retry_after, response.headers_mut());
    response
}

/// Returns the format that a scraper asks for: OpenMetrics only if it does not prefer the other.
fn format_for(headers: &HeaderMap) -> Format {
    let quality = |media| accept::quality(headers, media);
    match quality("application/openmetrics-text") {
        open if open > 0 && open >= quality("text/plain") => Format::OpenMetrics,
        _ => Format::Prometheus,
    }
}
