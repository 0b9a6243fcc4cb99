//! The OpenRPC document over `GET`, for the caller that its token says.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};

use crate::builtin::Discover;
use crate::dispatch::Dispatch;
use crate::jsonrpc::{Dialect, RpcError};

use super::guard::Rules;
use super::methods::Methods;
use super::refusal::Refusal;
use super::rpc::Front;
use super::token;

const RULES: Rules = Rules { methods: Methods::Get, cross_origin: true, dialect: Dialect::Jsonrpc };

/// Mounts the document at `path`. The rules of the endpoints for hosts, origins and tokens hold for it too.
pub(crate) fn document(
    path: &str,
    front: Arc<Front>,
    dispatch: Arc<Dispatch>,
    discover: Discover,
) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let path = path.to_owned();
    let route = Arc::new(Route { front, dispatch, discover });
    move |config| {
        config.service(web::resource(path).to(move |request: HttpRequest, payload: web::Payload| {
            let route = Arc::clone(&route);
            async move { route.answer(&request, payload.into_inner()).await }
        }));
    }
}

struct Route {
    front: Arc<Front>,
    dispatch: Arc<Dispatch>,
    discover: Discover,
}

impl Route {
    async fn answer(&self, request: &HttpRequest, payload: Payload) -> HttpResponse {
        self.front.guard.answer(RULES, request, payload, async |_| self.tell(request).await).await
    }

    async fn tell(&self, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
        let token = token::token(request.headers(), &self.front.token_header);
        let peer = request.peer_addr().map(|peer| peer.ip());
        let Ok(caller) = self.dispatch.who(token, peer).await else { return Err(Refusal::unsure()) };
        Ok(match self.discover.json(&caller) {
            Ok(json) => HttpResponse::Ok()
                .content_type("application/json")
                // Another caller may be told something else, and the next version of the service another document.
                .insert_header((CACHE_CONTROL, "private, no-cache"))
                .insert_header((VARY, format!("{AUTHORIZATION}, {}", self.front.token_header)))
                .body(json.into_owned()),
            Err(error) => RpcError::internal(&error).error_response(),
        })
    }
}
