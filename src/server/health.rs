//! The health checks `GET /health/live` and `GET /health/ready`, for orchestrators and load
//! balancers.

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
/// Live: the process answers. Ready: every service accepts calls and says that it is ready; 503
/// before all services are up, while one is down or not ready, and once a stop was requested.
pub(super) fn health(running: ServerHandle) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        config.service(web::resource(LIVE).to(async |request, payload| answer(&request, payload, live).await));
        let respond = move |request, payload| {
            let running = running.clone();
            async move { answer(&request, payload, || is_ready(&running)).await }
        };
        config.service(web::resource(READY).to(respond));
    }
}

/// Answers a health check, whatever its `Host` header: probes may use any name of the machine.
async fn answer<R: Future<Output = HttpResponse>>(
    request: &HttpRequest,
    payload: Payload,
    respond: impl FnOnce() -> R,
) -> HttpResponse {
    let methods = AllowedMethods::Get;
    if methods.contains(request.method()) {
        respond().await
    } else {
        HttpRejection::method_not_allowed(methods, false).respond(payload.into_inner(), Dialect::Jsonrpc)
    }
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "live": true }))
}

async fn is_ready(running: &ServerHandle) -> HttpResponse {
    let services = running.readiness().await;
    let ready = !running.is_leaving() && services.iter().all(|(_, ready)| *ready);
    let mut response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    let services: serde_json::Map<_, _> =
        services.into_iter().map(|(name, ready)| (name.to_owned(), ready.into())).collect();
    response.json(json!({ "ready": ready, "services": services }))
}
