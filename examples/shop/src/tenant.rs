//! The tenant of a call.

use std::sync::Arc;

use callbox::{CallContext, Caller, FromCall, RpcError};

/// The merchant for whom an order is placed or read. A method takes a `&Tenant`, and no SQL of the
/// orders is without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant(Arc<str>);

impl Tenant {
    /// Returns the tenant of this name: up to 32 lower-case letters, digits and dashes.
    pub fn new(name: &str) -> Option<Self> {
        let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_name = (1..=32).contains(&name.len()) && name.chars().all(is_allowed);
        is_name.then(|| Self(name.into()))
    }

    /// Returns the tenant for whom a caller with a token works: `acme` for a token of the name
    /// `acme`, and for one of the name `acme.ann`, since each token has a name of its own.
    pub fn of(caller: &Caller) -> Option<Self> {
        Self::new(caller.name()?.split('.').next()?)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// The token says which tenant it is. For customers, who have none, the gateway in front sets
/// `X-Tenant-Id` by the host name, and removes the client's own.
impl FromCall for Tenant {
    fn from_call(call: &CallContext) -> Result<Self, RpcError> {
        let found = if call.caller().is_authenticated() {
            Self::of(call.caller())
        } else {
            let name = call.header("x-tenant-id");
            Self::new(name.ok_or_else(|| RpcError::new(400, "Which tenant? Send the header X-Tenant-Id"))?)
        };
        found.ok_or_else(|| RpcError::new(403, "There is no such tenant"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_a_plain_name() {
        assert_eq!(Tenant::new("acme-2").unwrap().name(), "acme-2");
        for name in ["", "acme, zenith", "Acme", "a/b", &"x".repeat(33)] {
            assert_eq!(Tenant::new(name), None, "{name}");
        }
    }

    #[test]
    fn the_name_of_a_token_begins_with_the_tenant() {
        for (caller, tenant) in [
            (Caller::named("acme"), Some("acme")),
            (Caller::named("acme.ann"), Some("acme")),
            (Caller::named(".ann"), None),
            (Caller::token_holder(), None),
            (Caller::anonymous(), None),
        ] {
            assert_eq!(Tenant::of(&caller), tenant.and_then(Tenant::new), "{caller:?}");
        }
    }
}
