//! Factories: the functions that make the state of a service.

use std::fmt;
use std::future::{Future, ready};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::start_error::BoxError;

use super::{AnyState, Service, ServiceContext};

/// A function that makes the state of a service: at the start, and again after a crash.
///
/// It takes nothing or a [`ServiceContext`], it may be async, and it returns the state or a
/// `Result` with any error: `Stock::default`, `Catalog::connect` or `|| Stock { pieces: 3 }`. Do
/// not implement this trait by hand.
///
/// ```
/// use callbox::{Server, ServiceContext, service};
///
/// struct Catalog { url: String }
///
/// impl Catalog {
///     async fn connect(context: ServiceContext) -> Result<Self, std::io::Error> {
///         let url = context.app_config::<String>();
///         Ok(Self { url: url.map(|url| url.to_string()).unwrap_or_default() })
///     }
/// }
///
/// #[service(name = "catalog")]
/// impl Catalog {
///     #[public_method]
///     fn url(&self) -> String {
///         self.url.clone()
///     }
/// }
///
/// let server = Server::new(Catalog::connect).app_config_value("sqlite::memory:".to_owned());
/// # drop(server);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not make a service",
    label = "not a factory",
    note = "a factory takes nothing or a `callbox::ServiceContext`, may be async, and returns a service or a `Result` with one",
    note = "for a value that is there already: `move || value.clone()`, since the factory is called again after a crash",
    note = "a type is a service by `#[callbox::service]` on its `impl` block, and if it is `Send + Sync + 'static`"
)]
pub trait ServiceFactory<S, Kind>: Send + Sync + 'static {
    /// Makes the state.
    #[doc(hidden)]
    fn make(&self, context: ServiceContext) -> LocalBoxFuture<'static, Result<S, BoxError>>;
}

/// What a factory may return: a state, a `Result` with one, or a future of these. Do not implement
/// it by hand.
#[doc(hidden)]
pub trait MadeState<S, Kind> {
    fn into_future(self) -> LocalBoxFuture<'static, Result<S, BoxError>>;
}

/// The kind of a factory without parameters.
#[doc(hidden)]
#[derive(Debug)]
pub struct Plain<Made>(Made);

/// The kind of a factory that takes the context.
#[doc(hidden)]
#[derive(Debug)]
pub struct WithContext<Made>(Made);

/// The kind of a result that is the state.
#[doc(hidden)]
#[derive(Debug)]
pub struct State;

/// The kind of a result that may be an error.
#[doc(hidden)]
#[derive(Debug)]
pub struct Fallible;

/// The kind of a result that is a future.
#[doc(hidden)]
#[derive(Debug)]
pub struct Async<Made>(Made);

impl<F, R, S, Kind> ServiceFactory<S, Plain<Kind>> for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: MadeState<S, Kind>,
{
    fn make(&self, _: ServiceContext) -> LocalBoxFuture<'static, Result<S, BoxError>> {
        self().into_future()
    }
}

impl<F, R, S, Kind> ServiceFactory<S, WithContext<Kind>> for F
where
    F: Fn(ServiceContext) -> R + Send + Sync + 'static,
    R: MadeState<S, Kind>,
{
    fn make(&self, context: ServiceContext) -> LocalBoxFuture<'static, Result<S, BoxError>> {
        self(context).into_future()
    }
}

impl<S: Service> MadeState<S, State> for S {
    fn into_future(self) -> LocalBoxFuture<'static, Result<S, BoxError>> {
        ready(Ok(self)).boxed_local()
    }
}

impl<S: Service, E: Into<BoxError>> MadeState<S, Fallible> for Result<S, E> {
    fn into_future(self) -> LocalBoxFuture<'static, Result<S, BoxError>> {
        ready(self.map_err(Into::into)).boxed_local()
    }
}

impl<F, S, Kind> MadeState<S, Async<Kind>> for F
where
    F: Future<Output: MadeState<S, Kind>> + 'static,
{
    fn into_future(self) -> LocalBoxFuture<'static, Result<S, BoxError>> {
        async move { self.await.into_future().await }.boxed_local()
    }
}

/// A factory whose kind and state are not named.
#[derive(Clone)]
pub(crate) struct Factory(Arc<dyn Fn(ServiceContext) -> MakingState + Send + Sync>);

type MakingState = LocalBoxFuture<'static, Result<Box<dyn AnyState>, BoxError>>;

impl Factory {
    pub(crate) fn new<S: Service, Kind>(factory: impl ServiceFactory<S, Kind>) -> Self {
        Self(Arc::new(move |context| {
            let made = factory.make(context);
            Box::pin(async { Ok(Box::new(made.await?) as Box<dyn AnyState>) })
        }))
    }

    /// Begins to make a state.
    pub(crate) fn make(&self, context: ServiceContext) -> MakingState {
        (self.0)(context)
    }
}

impl fmt::Debug for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Factory")
    }
}
