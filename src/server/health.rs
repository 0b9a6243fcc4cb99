//! `GET /health/live` and `GET /health/ready`, for whoever restarts processes and routes traffic.

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

/// All paths of it.
pub(super) const PATHS: [&str; 2] = [LIVE, READY];

/// Live: the process answers. Ready: every service lets calls in; 503 before they are up, while one
/// is down, and from the moment at which a stop was asked for.
pub(super) fn health(running: ServerHandle) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let resource = |path: &str, tell: Rc<dyn Fn() -> HttpResponse>| {
            web::resource(path).to(move |request, payload| ready(answer(&request, payload, &*tell)))
        };
        config.service(resource(LIVE, Rc::new(live)));
        config.service(resource(READY, Rc::new(move || is_ready(&running))));
    }
}

/// Whoever asks for health is a machine that may know the server by any name: no host is refused.
fn answer(request: &HttpRequest, payload: Payload, tell: &dyn Fn() -> HttpResponse) -> HttpResponse {
    let methods = AllowedMethods::Get;
    if methods.contains(request.method()) {
        tell()
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
