//! `GET /health/live` and `GET /health/ready`, for whoever restarts processes and routes traffic.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use serde_json::json;

use super::Running;

const LIVE: &str = "/health/live";
const READY: &str = "/health/ready";

/// All paths of it.
pub(super) const PATHS: [&str; 2] = [LIVE, READY];

/// Live: the process answers. Ready: every service lets calls in; 503 before they are up, while one is down, and from the
/// moment at which a stop was asked for.
pub(super) fn health(running: Running) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        config.route(LIVE, web::get().to(live));
        config.route(READY, web::get().to(move || ready(running.clone())));
    }
}

async fn live() -> impl Responder {
    web::Json(json!({ "live": true }))
}

async fn ready(running: Running) -> HttpResponse {
    let services: serde_json::Map<_, _> =
        running.shared.services.iter().map(|service| (service.name().to_owned(), service.is_up().into())).collect();
    let ready = running.is_ready();
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.json(json!({ "ready": ready, "services": services }))
}
