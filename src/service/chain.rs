//! The chain of services that a call has come through, so that a cycle is refused instead of waiting for itself.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

/// What tells one running service from another, also of the same type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ServiceId(u64);

impl ServiceId {
    pub(crate) fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// One service on the way of a call, and those before it.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    service: ServiceId,
    name: &'static str,
    before: Option<Arc<Link>>,
}

impl Link {
    pub(crate) fn new(service: ServiceId, name: &'static str, before: Option<Arc<Link>>) -> Self {
        Self { service, name, before }
    }

    /// Whether the way has already come through this service.
    pub(crate) fn visits(&self, service: ServiceId) -> bool {
        let mut link = Some(self);
        while let Some(here) = link {
            if here.service == service {
                return true;
            }
            link = here.before.as_deref();
        }
        false
    }
}

/// `a → b → c`, the first service first.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(before) = &self.before {
            write!(f, "{before} → ")?;
        }
        f.write_str(self.name)
    }
}

/// What travels around a method that runs: where the call has been, and until when it may take.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    /// The service of the method, and those that the call came through.
    pub(crate) chain: Link,
    pub(crate) deadline: Instant,
}

tokio::task_local! {
    pub(crate) static CURRENT: Current;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_knows_the_services_that_it_went_through_and_names_them_in_order() {
        let (a, b, c) = (ServiceId::fresh(), ServiceId::fresh(), ServiceId::fresh());
        let chain = Link::new(b, "b", Some(Arc::new(Link::new(a, "a", None))));
        assert!(chain.visits(a) && chain.visits(b) && !chain.visits(c));
        assert_eq!(chain.to_string(), "a → b");
    }
}
