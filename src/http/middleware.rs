//! Middleware of the program around everything that the server answers.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use actix_service::ServiceExt;
use actix_service::boxed::{RcService, rc_service};
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{Error, HttpResponse};
use futures::future::{Either, LocalBoxFuture};

use crate::dispatch::Dispatch;
use crate::jsonrpc::{Dialect, RpcError};

/// What a middleware is put around.
pub(crate) type InnerService = RcService<ServiceRequest, ServiceResponse, Error>;

/// Puts one middleware around a service. Each worker has its own.
type Wrap = Arc<dyn Fn(InnerService) -> LocalBoxFuture<'static, Result<InnerService, ()>> + Send + Sync>;

/// The middleware of a server, the innermost first.
#[derive(Clone, Default)]
pub(crate) struct Middleware(Vec<Wrap>);

impl Middleware {
    /// Adds a middleware around those that are there.
    pub(crate) fn push<M, B>(&mut self, make: impl Fn() -> M + Send + Sync + 'static)
    where
        M: Transform<InnerService, ServiceRequest, Response = ServiceResponse<B>, Error = Error, InitError = ()>,
        M::Transform: 'static,
        M::Future: 'static,
        B: MessageBody + 'static,
    {
        self.0.push(Arc::new(move |inner| {
            let made = make().new_transform(inner);
            Box::pin(async move { Ok(rc_service(made.await?.map(ServiceResponse::map_into_boxed_body))) })
        }));
    }

    /// Returns the middleware for `App::wrap`. `endpoints` are the paths whose errors are JSON-RPC.
    pub(crate) fn layers(&self, endpoints: &[(String, Dialect)]) -> Layers {
        Layers { middleware: self.clone(), endpoints: endpoints.into() }
    }
}

impl fmt::Debug for Middleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Middleware").field(&self.0.len()).finish()
    }
}

/// All middleware of a server.
pub(crate) struct Layers {
    middleware: Middleware,
    endpoints: Rc<[(String, Dialect)]>,
}

impl<S> Transform<S, ServiceRequest> for Layers
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
    S::Future: 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = Layered<S>;
    type InitError = ();
    type Future = LocalBoxFuture<'static, Result<Layered<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let (middleware, endpoints) = (self.middleware.clone(), Rc::clone(&self.endpoints));
        Box::pin(async move {
            if middleware.0.is_empty() {
                return Ok(Layered::Plain(service));
            }
            let mut service = rc_service(service);
            for wrap in &middleware.0 {
                service = wrap(service).await?;
            }
            Ok(Layered::Wrapped { service, endpoints })
        })
    }
}

/// A service with the middleware around it, or as it is without any: then a request takes no boxed
/// future.
pub(crate) enum Layered<S> {
    Plain(S),
    Wrapped { service: InnerService, endpoints: Rc<[(String, Dialect)]> },
}

impl<S> Service<ServiceRequest> for Layered<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error>,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = Either<S::Future, LocalBoxFuture<'static, Result<ServiceResponse, Error>>>;

    fn poll_ready(&self, cx: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Error>> {
        match self {
            Self::Plain(service) => service.poll_ready(cx),
            Self::Wrapped { service, .. } => service.poll_ready(cx),
        }
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        match self {
            Self::Plain(service) => Either::Left(service.call(request)),
            Self::Wrapped { service, endpoints } => {
                // Found now, since the request may not be kept: actix changes it while it routes.
                let endpoint = endpoints.iter().find(|(path, _)| path == request.path());
                let dialect = endpoint.map(|(_, dialect)| *dialect);
                let answer = service.call(request);
                Either::Right(Box::pin(async move {
                    answer.await.map_err(|error| match dialect {
                        Some(dialect) => as_json_rpc(&error, dialect),
                        None => error,
                    })
                }))
            }
        }
    }
}

/// Returns the error of a middleware with a JSON-RPC error as its body, and with its own status and
/// headers. The text of an error whose status is 500 or above is for the log alone.
fn as_json_rpc(error: &Error, dialect: Dialect) -> Error {
    let own = error.error_response();
    let (status, text) = (own.status(), error.to_string());
    let rpc_error = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => RpcError::access_denied().with_reason(&text),
        // Nothing has run, so the call may be sent again.
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => RpcError::unavailable().with_reason(&text),
        status if status.is_server_error() => RpcError::internal(&format_args!("a middleware failed: {text}")),
        _ => RpcError::invalid_request(&text),
    };
    let mut response =
        HttpResponse::build(status).content_type("application/json").body(Dispatch::refuse(dialect, &rpc_error));
    for (name, value) in own.headers().iter().filter(|(name, _)| **name != CONTENT_TYPE) {
        response.headers_mut().append(name.clone(), value.clone());
    }
    InternalError::from_response("a middleware rejected the request", response).into()
}
