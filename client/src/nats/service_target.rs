//! Where the methods of a callbox service are.

use futures_util::future::{BoxFuture, ready};

use crate::rpc_error::RpcError;

use super::connection::Connection;
use super::subject::{method_subject, service_subject};

/// The service that a client calls: one of callbox, or another.
pub(super) trait Target: Send + Sync + 'static {
    /// Returns the subject of a method.
    ///
    /// # Errors
    /// If there is no such method.
    fn subject<'a>(&'a self, method: &'a str, connection: &'a Connection) -> BoxFuture<'a, Result<String, RpcError>>;

    /// Forgets the subject of a method at which nobody takes calls.
    fn forget(&self, method: &str);

    /// Returns the subject that takes word of calls whose caller has left, if the service has one.
    fn cancel_subject(&self) -> Option<&str>;
}

/// A callbox service.
pub(super) struct ServiceTarget {
    prefix: String,
    name: String,
    cancel: String,
}

impl ServiceTarget {
    pub(super) fn new(prefix: &str, name: &str) -> Self {
        Self { prefix: prefix.to_owned(), name: name.to_owned(), cancel: service_subject(prefix, "cancel", name) }
    }
}

impl Target for ServiceTarget {
    fn subject<'a>(&'a self, method: &'a str, _: &'a Connection) -> BoxFuture<'a, Result<String, RpcError>> {
        Box::pin(ready(Ok(method_subject(&self.prefix, &self.name, method))))
    }

    fn forget(&self, _: &str) {
        // It follows from the names.
    }

    fn cancel_subject(&self) -> Option<&str> {
        Some(&self.cancel)
    }
}
