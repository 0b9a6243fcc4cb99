//! The health checks `GET /health/live` and `GET /health/ready`, for orchestrators and load
//! balancers.

use std::future::ready;
use std::rc::Rc;

use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::http::{AllowedMethods, HttpRejection};
use crate::jsonrpc::Dialect;

use super::ServerHandle;

const LIVE: &str = "/health/live";
const READY: &str = "/health/ready";

/// The paths of the health checks.
pub(super) const PATHS: [&str; 2] = [LIVE, READY];

/// Returns the routes of the health checks.
///
/// Live: the process answers. Ready: every service accepts calls; 503 before all services are up,
/// while one is down, and once a stop was requested.
pub(super) fn health(running: ServerHandle) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let resource = |path: &str, respond: Rc<dyn Fn() -> HttpResponse>| {
            web::resource(path).to(move |request, payload| ready(answer(&request, payload, &*respond)))
        };
        config.service(resource(LIVE, Rc::new(live)));
        config.service(resource(READY, Rc::new(move || is_ready(&running))));
    }
}

/// Answers a health check, whatever its `Host` header: probes may use any name of the machine.
fn answer(request: &HttpRequest, payload: Payload, respond: &dyn Fn() -> HttpResponse) -> HttpResponse {
    let methods = AllowedMethods::Get;
    if methods.contains(request.method()) {
        respond()
    } else {
        HttpRejection::method_not_allowed(methods, false).respond(payload.into_inner(), Dialect::Jsonrpc)
    }
}

fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "live": true }))
}

fn is_ready(running: &ServerHandle) -> HttpResponse {
    let services: serde_json::Map<_, _> =
        running.shared.services.iter().map(|service| (service.name().to_owned(), service.is_up().into())).collect();
    let ready = running.is_ready();
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(json!({ "ready": ready, "services": services }))
}
