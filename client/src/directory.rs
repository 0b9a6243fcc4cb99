//! The services that a program can call, wherever they are.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::local::LocalService;
use crate::typed_client::{ServiceClient, TypedClient};
use crate::untyped::Client;

/// The services that a program can call: those of its own process by the types of their clients,
/// and others by their names.
#[derive(Default)]
pub struct Directory {
    local: HashMap<TypeId, LocalService>,
    /// Clients that the program has made itself, each as a function that clones it.
    given: HashMap<TypeId, GivenClient>,
    remote: HashMap<String, Client>,
    /// Makes clients of all other services by their names, if they can be anywhere.
    others: Option<FindClient>,
    /// What the server of these services has for them, by its type.
    values: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

/// Makes the client of a service by its name.
type FindClient = Box<dyn Fn(&str) -> Client + Send + Sync>;

/// A client whose type is not named.
pub struct GivenClient(Box<dyn Fn() -> Box<dyn Any> + Send + Sync>);

impl GivenClient {
    /// Wraps a client.
    pub fn new<C: ServiceClient + Clone>(client: C) -> Self {
        Self(Box::new(move || Box::new(client.clone())))
    }
}

impl fmt::Debug for GivenClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenClient")
    }
}

/// A service that somebody calls, by its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceNeed {
    /// The type of the client.
    pub client: TypeId,
    /// The name of the service.
    pub name: &'static str,
    /// Whether a method of the service needs a token.
    pub needs_token: bool,
}

impl ServiceNeed {
    /// Returns the need of a client.
    pub fn of<C: ServiceClient>() -> Self {
        Self { client: TypeId::of::<C>(), name: C::NAME, needs_token: C::NEEDS_TOKEN }
    }
}

impl Directory {
    /// Adds a service of this process, under the type of one of its clients.
    pub fn add_local(&mut self, client: TypeId, service: LocalService) {
        self.local.insert(client, service);
    }

    /// Adds a client, under its type.
    pub fn add_client(&mut self, client: TypeId, given: GivenClient) {
        self.given.insert(client, given);
    }

    /// Adds a service of another process, under its name.
    pub fn add_remote(&mut self, name: String, client: Client) {
        self.remote.insert(name, client);
    }

    /// Says how any other service is found by its name.
    pub fn find_others(&mut self, find: impl Fn(&str) -> Client + Send + Sync + 'static) {
        self.others = Some(Box::new(find));
    }

    /// Adds a value that the server has for its services.
    pub fn add_value<T: Send + Sync + 'static>(&mut self, value: T) {
        self.values.insert(TypeId::of::<T>(), Arc::new(value));
    }

    /// Returns the value of this type, if the server has one.
    pub fn value<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.values.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// Whether there is such a service.
    pub fn has(&self, need: ServiceNeed) -> bool {
        self.is_known(need) || self.others.is_some()
    }

    /// Whether the service is neither in this process nor at a known place, but somewhere else.
    pub fn is_elsewhere(&self, need: ServiceNeed) -> bool {
        !self.is_known(need) && self.others.is_some()
    }

    /// Whether the service is in this process, or at a place that was given.
    fn is_known(&self, need: ServiceNeed) -> bool {
        self.local.contains_key(&need.client)
            || self.given.contains_key(&need.client)
            || self.remote.contains_key(need.name)
    }

    /// Returns a client, if there is a service for it. One that was given comes first, then one of
    /// a service of this process.
    pub fn client<C: ServiceClient>(&self) -> Option<C> {
        if let Some(GivenClient(clone)) = self.given.get(&TypeId::of::<C>()) {
            return clone().downcast().ok().map(|client| *client);
        }
        let local = self.local.get(&TypeId::of::<C>()).cloned().map(TypedClient::from);
        let remote = || self.remote.get(C::NAME).cloned().or_else(|| Some(self.others.as_ref()?(C::NAME)));
        local.or_else(|| remote().map(TypedClient::from)).map(C::from)
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
