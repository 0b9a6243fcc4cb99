//! The services that a program can call, wherever they are.

use std::any::TypeId;
use std::collections::HashMap;
use std::fmt;

use crate::local::LocalService;
use crate::typed_client::{ServiceClient, TypedClient};
use crate::untyped::Client;

/// The services that a program can call: those of its own process by the types of their clients,
/// and others by their names.
#[derive(Default)]
pub struct Directory {
    local: HashMap<TypeId, LocalService>,
    remote: HashMap<String, Client>,
}

/// A service that somebody calls, by its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceNeed {
    /// The type of the client.
    pub client: TypeId,
    /// The name of the service.
    pub name: &'static str,
}

impl ServiceNeed {
    /// Returns the need of a client.
    pub fn of<C: ServiceClient>() -> Self {
        Self { client: TypeId::of::<C>(), name: C::NAME }
    }
}

impl Directory {
    /// Adds a service of this process, under the type of one of its clients.
    pub fn add_local(&mut self, client: TypeId, service: LocalService) {
        self.local.insert(client, service);
    }

    /// Adds a service of another process, under its name.
    pub fn add_remote(&mut self, name: String, client: Client) {
        self.remote.insert(name, client);
    }

    /// Whether there is such a service.
    pub fn has(&self, need: ServiceNeed) -> bool {
        self.local.contains_key(&need.client) || self.remote.contains_key(need.name)
    }

    /// Returns a client, if there is a service for it. One of this process comes first.
    pub fn client<C: ServiceClient>(&self) -> Option<C> {
        let local = self.local.get(&TypeId::of::<C>()).cloned().map(TypedClient::from);
        local.or_else(|| self.remote.get(C::NAME).cloned().map(TypedClient::from)).map(C::from)
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("local", &self.local.values().collect::<Vec<_>>())
            .field("remote", &self.remote.keys().collect::<Vec<_>>())
            .finish()
    }
}
