//! The builder methods for middleware.

use std::future::Future;

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse, Transform};
use actix_web::middleware::{Next, from_fn};

use crate::http::InnerService;

use super::Server;

impl Server {
    /// Runs an async function around each request: it sees the request first, may answer it itself,
    /// and sees the response.
    ///
    /// It is around everything that the server answers: the endpoints, the OpenRPC document, the
    /// console, the health checks, and your own routes and files. Look at
    /// [`path`](ServiceRequest::path) to choose. The last one that is added is the outermost, as in
    /// actix-web. Requests that are not valid HTTP, and connections beyond the limits, do not get
    /// here. With [`launch`](Self::launch) the `App` is yours: wrap it there.
    ///
    /// An error that it returns is the response, with its status and headers. At the path of an
    /// endpoint the body is a JSON-RPC error with a null id: -32001 for 401 and 403, -32003 for 429
    /// and 503, -32600 for others below 500. With 500 and above it is -32603, and the text is for
    /// the log alone. Elsewhere the body is that of actix-web. The headers that let pages of [other
    /// sites](Self::allowed_origins) read a response are not added to one that a middleware makes.
    ///
    /// Without any middleware a request pays nothing for this. With one, it takes two boxed futures
    /// more.
    ///
    /// ```no_run
    /// use actix_web::body::BoxBody;
    /// use actix_web::dev::{ServiceRequest, ServiceResponse};
    /// use actix_web::http::header::{HeaderName, HeaderValue};
    /// use actix_web::middleware::Next;
    /// use callbox::{Server, service};
    ///
    /// # struct Shop;
    /// # #[service(name = "shop")] impl Shop { #[public_method] fn ping(&self) {} }
    /// async fn name_the_host(
    ///     request: ServiceRequest,
    ///     next: Next<BoxBody>,
    /// ) -> Result<ServiceResponse, actix_web::Error> {
    ///     let mut response = next.call(request).await?;
    ///     let name = HeaderName::from_static("x-served-by");
    ///     response.headers_mut().insert(name, HeaderValue::from_static("shop-1"));
    ///     Ok(response)
    /// }
    ///
    /// fn main() -> callbox::Result<()> {
    ///     Server::new(|| Shop).wrap_fn(name_the_host).start()
    /// }
    /// ```
    pub fn wrap_fn<F, R, B>(self, middleware: F) -> Self
    where
        F: Fn(ServiceRequest, Next<BoxBody>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<ServiceResponse<B>, Error>> + 'static,
        B: MessageBody + 'static,
    {
        self.wrap(move || {
            let middleware = middleware.clone();
            from_fn(move |request: ServiceRequest, next: Next<BoxBody>| middleware(request, next))
        })
    }

    /// Puts a middleware of actix-web around everything that the server answers, as
    /// [`wrap_fn`](Self::wrap_fn) does with a function. `make` makes it, once for each worker.
    ///
    /// ```no_run
    /// use actix_web::middleware::DefaultHeaders;
    /// use callbox::{Server, service};
    ///
    /// # struct Shop;
    /// # #[service(name = "shop")] impl Shop { #[public_method] fn ping(&self) {} }
    /// # fn main() -> callbox::Result<()> {
    /// let headers = || DefaultHeaders::new().add(("x-served-by", "shop-1"));
    /// Server::new(|| Shop).wrap(headers).start()
    /// # }
    /// ```
    pub fn wrap<M, B>(mut self, make: impl Fn() -> M + Send + Sync + 'static) -> Self
    where
        M: Transform<InnerService, ServiceRequest, Response = ServiceResponse<B>, Error = Error, InitError = ()>,
        M::Transform: 'static,
        M::Future: 'static,
        B: MessageBody + 'static,
    {
        self.middleware.push(make);
        self
    }
}
