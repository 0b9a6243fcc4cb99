//! The service on NATS that a load is sent to.

use std::fmt;
use std::time::Duration;

use callbox::client::{NatsAddress, NatsBuilder};

use super::target::{TargetError, resolve_host};

/// A service on NATS, and how to connect to it.
#[derive(Clone)]
pub struct NatsTarget {
    address: NatsAddress,
    builder: NatsBuilder,
    /// Name of the service.
    pub service: String,
    /// The token that each call presents.
    pub token: Option<String>,
    /// The deadline of each call.
    pub deadline: Option<Duration>,
}

impl NatsTarget {
    /// Makes a target of a service. The servers of NATS must be this machine, unless `allow_remote`
    /// is set. `builder` has the options of the connections.
    ///
    /// # Errors
    ///
    /// If the address cannot be that of a load.
    pub fn new(
        address: &NatsAddress,
        allow_remote: bool,
        service: &str,
        builder: NatsBuilder,
    ) -> Result<Self, TargetError> {
        for (host, port) in address.hosts() {
            resolve_host(host, port, allow_remote)?;
        }
        let (address, service) = (address.clone(), service.to_owned());
        Ok(Self { address, builder, service, token: None, deadline: None })
    }

    /// Returns the options of a connection.
    pub(super) fn builder(&self) -> NatsBuilder {
        self.builder.clone()
    }

    /// Returns the name of a method without that of the service before it.
    pub(super) fn bare_name<'a>(&self, method: &'a str) -> &'a str {
        method.strip_prefix(&*self.service).and_then(|rest| rest.strip_prefix('.')).unwrap_or(method)
    }
}

impl fmt::Display for NatsTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

// By hand, since there is a token.
impl fmt::Debug for NatsTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsTarget")
            .field("address", &self.address)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use callbox::client::Nats;

    use super::*;

    fn target(address: &str, allow_remote: bool) -> Result<NatsTarget, TargetError> {
        let address = NatsAddress::parse(address).unwrap();
        NatsTarget::new(&address, allow_remote, "shop.orders", Nats::builder("nats://127.0.0.1"))
    }

    #[test]
    fn all_servers_must_be_this_machine_unless_others_are_allowed() {
        assert!(target("nats://me:secret@127.0.0.1:4222,nats://[::1]", false).is_ok());
        let remote = "nats://127.0.0.1,nats://192.0.2.1";
        assert!(matches!(target(remote, false), Err(TargetError::Remote(_))));
        assert!(target(remote, true).is_ok());
    }

    #[test]
    fn the_name_of_the_service_is_no_part_of_the_method() {
        let target = target("nats://127.0.0.1", false).unwrap();
        for (method, expected) in
            [("shop.orders.get", "get"), ("get", "get"), ("shop.orders.rpc.discover", "rpc.discover")]
        {
            assert_eq!(target.bare_name(method), expected);
        }
    }
}
