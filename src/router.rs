//! The map from names to methods, and the checks of it at start.

use std::collections::HashMap;
use std::fmt;

use rustc_hash::FxBuildHasher;

use crate::route::Route;
use crate::service::Access;
use crate::start_error::StartError;
use crate::sync::Arc;

/// All callable names of a server.
pub(crate) struct Router {
    /// Uses a fast hash that is easy to collide with: callers look names up and cannot add any.
    routes: HashMap<&'static str, Arc<dyn Route>, FxBuildHasher>,
    /// Maximum length of a name, in bytes.
    longest: usize,
    /// All names, in the order in which the services list them.
    names: Vec<&'static str>,
}

/// What the server's authenticator can check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenCheck {
    None,
    WithoutScopes,
    WithScopes,
}

impl Router {
    /// Creates a router for names of at most this many bytes. A longer name is not looked up: it
    /// could be as long as a body, and would be hashed.
    pub(crate) fn new(longest: usize) -> Self {
        Self { routes: HashMap::default(), longest, names: Vec::new() }
    }

    /// Adds a method of a service.
    ///
    /// # Errors
    /// If its name is taken, too long or reserved for built-in methods, or if nobody could ever
    /// call it.
    pub(crate) fn add(&mut self, route: Arc<dyn Route>, tokens: TokenCheck) -> Result<(), StartError> {
        let name = route.name();
        if name.starts_with("rpc.") {
            let fix = "names that begin with `rpc.` are callbox's own; rename it with #[public_method(name = \"…\")]";
            return Err(StartError::new(format_args!("the method `{name}` cannot be served"), fix));
        }
        if name.starts_with("$/") {
            let fix = "names that begin with `$/` are messages of a connection itself; rename it with \
                       #[public_method(name = \"…\")]";
            return Err(StartError::new(format_args!("the method `{name}` cannot be served"), fix));
        }
        if let (Some(limit), Some(capacity)) = (route.options().per_caller, route.capacity())
            && limit > capacity
        {
            return Err(StartError::new(
                format_args!(
                    "the method `{name}` takes {limit} calls of one caller, and its mailbox has room for {capacity}, so one \
                     caller could fill it"
                ),
                format_args!("lower per_caller to at most {capacity}, or raise mailbox to at least {limit}"),
            ));
        }
        match (route.options().access, tokens) {
            (Access::Private | Access::Scope(_), TokenCheck::None) => Err(StartError::new(
                format_args!("the method `{name}` needs a token, and the server checks none"),
                "make one with `callbox token new --name ME`, or add .tokens(|token: &str| …) to the server, or make it a \
                 #[public_method]",
            )),
            (Access::Scope(scope), TokenCheck::WithoutScopes) => Err(StartError::new(
                format_args!(
                    "the method `{name}` needs the scope `{scope}`, and tokens checked by a closure have none"
                ),
                "use a file of tokens, or pass .tokens(…) a type that implements callbox::auth::Authenticate and gives scopes",
            )),
            _ => self.add_builtin(route),
        }
    }

    /// Adds a built-in method.
    ///
    /// # Errors
    /// If its name is taken or too long.
    pub(crate) fn add_builtin(&mut self, route: Arc<dyn Route>) -> Result<(), StartError> {
        let name = route.name();
        if name.len() > self.longest {
            return Err(StartError::new(
                format_args!("the name `{name}` has {} bytes, and may have {}", name.len(), self.longest),
                "raise --method-limit, or rename the method with #[public_method(name = \"…\")]",
            ));
        }
        if self.routes.contains_key(name) {
            return Err(StartError::new(
                format_args!("two methods are called `{name}`"),
                "rename one with #[public_method(name = \"…\")], or give a service a #[service(namespace = \"…\")]",
            ));
        }
        self.names.push(name);
        self.routes.insert(name, route);
        Ok(())
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arc<dyn Route>> {
        if name.len() > self.longest { None } else { self.routes.get(name) }
    }

    /// Returns all methods, in the order in which they were added.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &Arc<dyn Route>> {
        self.names.iter().filter_map(|name| self.routes.get(name))
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("names", &self.names).finish_non_exhaustive()
    }
}
