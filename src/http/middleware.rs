//! Middleware of the program around everything that the server answers.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

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

/// An answer as a boxed future.
pub(super) type BoxedAnswer = LocalBoxFuture<'static, Result<ServiceResponse, Error>>;

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

    /// Puts the middleware around a [fast path](super::rpc::fast_path), for `App::wrap`.
    /// `endpoints` are the paths whose errors are JSON-RPC.
    pub(crate) fn around<P>(&self, fast_path: P, endpoints: &[(String, Dialect)]) -> Layers<P> {
        Layers { middleware: self.clone(), endpoints: endpoints.into(), fast_path }
    }
}

impl fmt::Debug for Middleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Middleware").field(&self.0.len()).finish()
    }
}

/// The middleware of a server around its fast path, and that before its routes.
pub(crate) struct Layers<P> {
    middleware: Middleware,
    endpoints: Rc<[(String, Dialect)]>,
    fast_path: P,
}

impl<S, P> Transform<S, ServiceRequest> for Layers<P>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
    S::Future: 'static,
    P: Fn(ServiceRequest, &S) -> Either<BoxedAnswer, S::Future> + Clone + 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = Layered<S, P>;
    type InitError = ();
    type Future = LocalBoxFuture<'static, Result<Layered<S, P>, ()>>;

    fn new_transform(&self, routes: S) -> Self::Future {
        let (middleware, endpoints) = (self.middleware.clone(), Rc::clone(&self.endpoints));
        let plain = Layered::Plain { routes, fast_path: self.fast_path.clone() };
        Box::pin(async move {
            if middleware.0.is_empty() {
                return Ok(plain);
            }
            let mut service = rc_service(plain);
            for wrap in &middleware.0 {
                service = wrap(service).await?;
            }
            Ok(Layered::Wrapped { service, endpoints })
        })
    }
}

/// The fast path with the routes behind it, alone or with middleware around it.
///
/// Both in one, because the fast path has a boxed future already: so a request without middleware
/// takes no further layer.
pub(crate) enum Layered<S, P> {
    Plain { routes: S, fast_path: P },
    Wrapped { service: InnerService, endpoints: Rc<[(String, Dialect)]> },
}

impl<S, P> Service<ServiceRequest> for Layered<S, P>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error>,
    P: Fn(ServiceRequest, &S) -> Either<BoxedAnswer, S::Future>,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = Either<BoxedAnswer, S::Future>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self {
            Self::Plain { routes, .. } => routes.poll_ready(cx),
            Self::Wrapped { service, .. } => service.poll_ready(cx),
        }
    }

    #[inline]
    fn call(&self, request: ServiceRequest) -> Self::Future {
        match self {
            Self::Plain { routes, fast_path } => fast_path(request, routes),
            Self::Wrapped { service, endpoints } => Either::Left(answer(service, endpoints, request)),
        }
    }
}

fn answer(service: &InnerService, endpoints: &[(String, Dialect)], request: ServiceRequest) -> BoxedAnswer {
    // Found now, since the request may not be kept: actix changes it while it routes.
    let endpoint = endpoints.iter().find(|(path, _)| path == request.path());
    let dialect = endpoint.map(|(_, dialect)| *dialect);
    let answer = service.call(request);
    Box::pin(async move {
        answer.await.map_err(|error| match dialect {
            Some(dialect) => as_json_rpc(&error, dialect),
            None => error,
        })
    })
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
