//! The lock on the state of a service whose type is not named, for the host.

use std::any::Any;
use std::task::Poll;

use crate::service::{AnyState, Service};

use super::state::StateLock;

/// The lock on a state. The functions are those of [`StateLock`].
pub(crate) trait AnyStateLock: Any + Send + Sync {
    fn refill(&self, state: Box<dyn AnyState>) -> Result<(), Box<dyn AnyState>>;

    fn take(&self) -> Poll<Option<Box<dyn AnyState>>>;

    fn discard(&self) -> bool;

    fn is_free(&self) -> bool;
}

impl<S: Service> AnyStateLock for StateLock<S> {
    fn refill(&self, state: Box<dyn AnyState>) -> Result<(), Box<dyn AnyState>> {
        let state: Box<dyn Any> = state;
        match state.downcast::<S>() {
            Ok(state) => self.refill(*state).map_err(|state| Box::new(state) as Box<dyn AnyState>),
            Err(_) => unreachable!("the factory of a service makes its states"),
        }
    }

    fn take(&self) -> Poll<Option<Box<dyn AnyState>>> {
        self.take().map(|taken| taken.map(|state| Box::new(state) as Box<dyn AnyState>))
    }

    fn discard(&self) -> bool {
        self.discard()
    }

    fn is_free(&self) -> bool {
        self.is_free()
    }
}
