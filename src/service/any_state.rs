//! The state of a service whose type is not named, for what makes and closes the states of all
//! services in the same way: such code is compiled once, and not for each service.

use std::any::Any;

use futures::future::LocalBoxFuture;

use crate::start_error::BoxError;

use super::{Service, ServiceContext};

/// A state, with the hooks of its service.
pub(crate) trait AnyState: Any + Send {
    /// Runs `on_start`. A panic in it is one of the future.
    fn run_on_start<'a>(&'a mut self, context: &'a ServiceContext) -> LocalBoxFuture<'a, Result<(), BoxError>>;

    /// Runs `on_stop`. A panic in it is one of the future.
    fn run_on_stop(&mut self) -> LocalBoxFuture<'_, ()>;
}

impl<S: Service> AnyState for S {
    fn run_on_start<'a>(&'a mut self, context: &'a ServiceContext) -> LocalBoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async { self.on_start(context).await })
    }

    fn run_on_stop(&mut self) -> LocalBoxFuture<'_, ()> {
        Box::pin(async { self.on_stop().await })
    }
}
