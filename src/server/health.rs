//! `GET /health/live` and `GET /health/ready`, for whoever restarts processes and routes traffic.

use std::future::ready;
use std::rc::Rc;

use actix_web::http::Method;
use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use crate::http::Refusal;
use crate::jsonrpc::Dialect;

use super::Running;

const LIVE: &str = "/health/live";
const READY: &str = "/health/ready";

/// All paths of it.
pub(super) const PATHS: [&str; 2] = [LIVE, READY];

/// Live: the process answers. Ready: every service lets calls in; 503 before they are up, while one
/// is down, and from the moment at which a stop was asked for.
pub(super) fn health(running: Running) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let resource = |path: &str, tell: Rc<dyn Fn() -> HttpResponse>| {
            web::resource(path).to(move |request, payload| ready(answer(&request, payload, &*tell)))
        };
        config.service(resource(LIVE, Rc::new(live)));
        config.service(resource(READY, Rc::new(move || is_ready(&running))));
    }
}

/// What can only be read is read by `GET` and `HEAD`; actix leaves out the body for the latter.
fn answer(request: &HttpRequest, payload: Payload, tell: &dyn Fn() -> HttpResponse) -> HttpResponse {
    match *request.method() {
        Method::GET | Method::HEAD => tell(),
        _ => Refusal::read_only().answer(payload.into_inner(), Dialect::Jsonrpc, "GET, HEAD"),
    }
}

fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "live": true }))
}

fn is_ready(running: &Running) -> HttpResponse {
    let services: serde_json::Map<_, _> =
        running.shared.services.iter().map(|service| (service.name().to_owned(), service.is_up().into())).collect();
    let ready = running.is_ready();
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(json!({ "ready": ready, "services": services }))
}
