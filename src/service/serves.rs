//! Which typed clients fit a service.

use callbox_client::ServiceClient;

use super::Service;

/// A service that a typed client can be a client of, so that
/// [`ServiceRef::client`](crate::ServiceRef::client) returns one.
#[diagnostic::on_unimplemented(
    message = "`{C}` is not a client of `{Self}`",
    note = "`#[service]` names the client after the service: `CounterClient` for `Counter`"
)]
pub trait Serves<C: ServiceClient>: Service {}
