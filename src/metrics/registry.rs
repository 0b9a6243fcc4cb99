//! The metrics of a program.

use std::fmt;
use std::panic::Location;

use parking_lot::Mutex;
use prometheus_client::registry::{Metric, Registry};

use crate::sync::Arc;

/// The metrics of a program, which `/metrics` shows beside those of the server.
///
/// The types of the metrics are those of [`prometheus_client`], which callbox exports as
/// `callbox::metrics::prometheus_client`. Register each once, where the service is made, and keep a
/// clone of it in the state:
///
/// ```
/// use callbox::metrics::Metrics;
/// use callbox::metrics::prometheus_client::metrics::counter::Counter;
/// use callbox::{Server, service};
///
/// struct Orders {
///     placed: Counter,
/// }
///
/// #[service(name = "orders")]
/// impl Orders {
///     #[public_method]
///     fn place(&self, article: String) {
///         self.placed.inc();
///     }
/// }
///
/// let (metrics, placed) = (Metrics::default(), Counter::default());
/// metrics.register("orders_placed", "Number of orders that were placed", placed.clone());
/// let server = Server::new(move || Orders { placed: placed.clone() }).metrics(metrics);
/// ```
///
/// A [`Family`](prometheus_client::metrics::family::Family) has a metric for each value of its
/// labels, which are pairs of a name and a value: `Family::<[(&'static str, String); 1], Counter>`.
/// Give it no labels of values that callers choose: each new value is one more series for ever.
///
/// A handler of actix takes a `web::Data<Metrics>`. Cheap to clone: clones register at the same
/// place.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Mutex<Registered>>);

#[derive(Default)]
struct Registered {
    registry: Registry,
    names: Vec<(String, &'static Location<'static>)>,
}

impl Metrics {
    /// Adds a metric. `help` is one sentence without a full stop.
    ///
    /// A counter has a name without `_total`, which is added to it. A metric of seconds or bytes
    /// has the unit at the end of its name.
    ///
    /// # Panics
    /// If the name is no name of a metric, ends with `_total`, begins with `callbox_` or
    /// `process_`, or was registered before.
    #[track_caller]
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        let here = Location::caller();
        if let Some(fix) = fault(name) {
            panic!("`{name}` cannot be the name of a metric: {fix}");
        }
        let mut registered = self.0.lock();
        if let Some((_, there)) = registered.names.iter().find(|(known, _)| known == name) {
            let there = *there;
            drop(registered);
            panic!("the metric `{name}` was registered at {there}: register it once, and clone the metric");
        }
        registered.names.push((name.to_owned(), here));
        registered.registry.register(name, help, metric);
    }

    /// Reads the registry.
    pub(super) fn with<R>(&self, read: impl FnOnce(&Registry) -> R) -> R {
        read(&self.0.lock().registry)
    }
}

/// Returns what to do about a name, if it cannot be that of a metric.
fn fault(name: &str) -> Option<&'static str> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    if !name.starts_with(first) || !name.chars().all(|c| first(c) || c.is_ascii_digit()) {
        return Some("write it like orders_placed, with letters, digits and underscores");
    }
    if name.ends_with("_total") {
        return Some("leave out `_total`, which is added to the name of each counter");
    }
    if name.starts_with("callbox_") || name.starts_with("process_") {
        return Some("these names are those of the server: begin it with the name of your service");
    }
    None
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registered = self.0.lock();
        f.debug_list().entries(registered.names.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    fn register(metrics: &Metrics, name: &str) -> Result<(), String> {
        let register = std::panic::AssertUnwindSafe(|| metrics.register(name, "a test", Counter::<u64>::default()));
        std::panic::catch_unwind(register).map_err(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
    }

    #[test]
    fn a_name_that_cannot_be_used_is_refused_with_what_to_do() {
        let metrics = Metrics::default();
        for (name, expected) in [
            ("orders_total", "leave out `_total`"),
            ("callbox_orders", "begin it with the name of your service"),
            ("process_orders", "begin it with the name of your service"),
            ("1st", "write it like"),
            ("", "write it like"),
            ("orders-placed", "write it like"),
            ("größe", "write it like"),
        ] {
            let error = register(&metrics, name).unwrap_err();
            assert!(error.contains(expected), "{name}: {error}");
        }
        assert_eq!(register(&metrics, "orders_placed"), Ok(()));
        let error = register(&metrics.clone(), "orders_placed").unwrap_err();
        assert!(error.contains("registry.rs") && error.contains("register it once"), "{error}");
        assert_eq!(format!("{metrics:?}"), r#"["orders_placed"]"#);
    }
}
