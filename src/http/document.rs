//! The OpenRPC document over `GET`, for the caller that its token says.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, VARY};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};

use crate::builtin::Discover;
use crate::dispatch::Dispatch;
use crate::jsonrpc::{Dialect, RpcError};

use super::refusal::Refusal;
use super::rpc::Front;
use super::token;
use super::unread::Unread;

const METHODS: &str = "GET, HEAD";

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
        let guard = &self.front.guard;
        let preflight = request.method() == Method::OPTIONS && guard.has_origins();
        if !(preflight || matches!(*request.method(), Method::GET | Method::HEAD)) {
            return self.refuse(&Refusal::read_only(), payload);
        }
        let admitted = match guard.admit(request) {
            Ok(admitted) => admitted,
            Err(refusal) => return self.refuse(&refusal, payload),
        };
        let mut response = if preflight {
            let mut response = HttpResponse::NoContent().finish();
            guard.mark_preflight(&admitted, METHODS, response.headers_mut());
            response
        } else {
            self.tell(request, payload).await
        };
        guard.mark(&admitted, response.headers_mut());
        response
    }

    async fn tell(&self, request: &HttpRequest, payload: Payload) -> HttpResponse {
        let token = token::token(request.headers(), &self.front.token_header);
        let peer = request.peer_addr().map(|peer| peer.ip());
        let Ok(caller) = self.dispatch.who(token, peer).await else {
            return self.refuse(&Refusal::unsure(), payload);
        };
        match self.discover.json(&caller) {
            Ok(json) => HttpResponse::Ok()
                .content_type("application/json")
                // Another caller may be told something else, and the next version of the service another document.
                .insert_header((CACHE_CONTROL, "private, no-cache"))
                .insert_header((VARY, format!("{AUTHORIZATION}, {}", self.front.token_header)))
                .body(Unread::new(json.into_owned(), payload)),
            Err(error) => RpcError::internal(&error).error_response(),
        }
    }

    fn refuse(&self, refusal: &Refusal, request: Payload) -> HttpResponse {
        let allow = if self.front.guard.has_origins() { "GET, HEAD, OPTIONS" } else { METHODS };
        refusal.answer(request, Dialect::Jsonrpc, allow)
    }
}
