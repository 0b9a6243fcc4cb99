//! The route that serves the OpenRPC document by `GET`, for the caller whose token the request has.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};

use crate::builtin::Discover;
use crate::dispatch::Dispatch;
use crate::jsonrpc::{Dialect, RpcError};
use crate::service::Access;

use super::allowed_methods::AllowedMethods;
use super::caller_headers;
use super::guard::RouteRules;
use super::rejection::HttpRejection;
use super::rpc::EndpointConfig;

const ROUTE_RULES: RouteRules =
    RouteRules { methods: AllowedMethods::Get, cross_origin: true, dialect: Dialect::Jsonrpc };

/// Mounts the document at `path`. The endpoints' rules for hosts, origins and tokens apply to it
/// too.
pub(crate) fn mount_document(
    path: &str,
    endpoint_config: Arc<EndpointConfig>,
    dispatch: Arc<Dispatch>,
    discover: Discover,
) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let path = path.to_owned();
    let route = Arc::new(DocumentRoute { endpoint_config, dispatch, discover });
    move |config| {
        config.service(web::resource(path).to(move |request: HttpRequest, payload: web::Payload| {
            let route = Arc::clone(&route);
            async move { route.answer(&request, payload.into_inner()).await }
        }));
    }
}

struct DocumentRoute {
    endpoint_config: Arc<EndpointConfig>,
    dispatch: Arc<Dispatch>,
    discover: Discover,
}

impl DocumentRoute {
    async fn answer(&self, request: &HttpRequest, payload: Payload) -> HttpResponse {
        self.endpoint_config.guard.respond(ROUTE_RULES, request, payload, async |_| self.render(request).await).await
    }

    async fn render(&self, request: &HttpRequest) -> Result<HttpResponse, HttpRejection> {
        let token = caller_headers::token(request.headers(), &self.endpoint_config.token_header);
        let peer = self.endpoint_config.proxies.client_address(request);
        // What is public is readable for everybody, so this fails only if nobody can be identified.
        let Ok(caller) = self.dispatch.authorize(Access::Public, token, peer).await else {
            return Err(HttpRejection::authentication_unavailable());
        };
        Ok(match self.discover.json(&caller) {
            Ok(json) => HttpResponse::Ok()
                .content_type("application/json")
                // The document depends on the caller, and changes with the next version of the
                // service.
                .insert_header((CACHE_CONTROL, "private, no-cache"))
                .insert_header((VARY, format!("{AUTHORIZATION}, {}", self.endpoint_config.token_header)))
                .body(json.into_owned()),
            Err(error) => RpcError::internal(&error).error_response(),
        })
    }
}
