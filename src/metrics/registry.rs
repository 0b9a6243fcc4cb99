//! The metrics of a program.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::panic::Location;

use parking_lot::{Mutex, RwLock};
use prometheus_client::registry::{Metric, Registry};

use crate::sync::Arc;

/// The metrics of a program, which `/metrics` shows beside those of the server.
///
/// The types of the metrics are those of [`prometheus_client`], which callbox exports as
/// `callbox::metrics::prometheus_client`. A method takes `&Metrics`, which callers do not send:
///
/// ```
/// use callbox::metrics::Metrics;
/// use callbox::metrics::prometheus_client::metrics::counter::Counter;
/// use callbox::{Server, service, testing};
///
/// #[derive(Default)]
/// struct Orders;
///
/// #[service(name = "orders")]
/// impl Orders {
///     #[public_method]
///     fn place(&self, metrics: &Metrics, article: String) {
///         let help = "Number of orders that were placed";
///         let placed: Counter = metrics.get_or_register("orders_placed", help, Counter::default);
///         placed.inc();
///     }
/// }
///
/// let server = testing::start(Server::new(Orders::default));
/// server.call(Orders_Place { article: "tea".into() }).unwrap();
/// assert!(server.get("/metrics").body.contains("\norders_placed_total 1\n"));
/// ```
///
/// Each call looks the metric up then, by its name. A busy service keeps it in the state instead:
/// the factory has the metrics from its [`ServiceContext`](crate::ServiceContext::metrics), or from
/// [`Server::metrics`](crate::Server::metrics):
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
pub struct Metrics(Arc<Registered>);

#[derive(Default)]
struct Registered {
    /// Locked while a scrape reads it.
    registry: Mutex<Registry>,
    /// What is known of each name. Never locked for as long as a scrape takes.
    known: RwLock<HashMap<String, Known>>,
}

/// A name that is registered.
struct Known {
    at: &'static Location<'static>,
    /// A clone of the metric, for those that may be asked for again.
    metric: Option<Box<dyn Any + Send + Sync>>,
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
        let known = Known { at: Location::caller(), metric: None };
        if let Some(there) = self.add(name, help, metric, known) {
            panic!("the metric `{name}` was registered at {there}: register it once, and clone the metric");
        }
    }

    /// Returns the metric of this name, and registers one that `make` makes if there is none yet.
    /// `help` is one sentence without a full stop.
    ///
    /// ```
    /// use callbox::metrics::Metrics;
    /// use callbox::metrics::prometheus_client::metrics::counter::Counter;
    ///
    /// let metrics = Metrics::default();
    /// let placed = || -> Counter {
    ///     metrics.get_or_register("orders_placed", "Number of placed orders", Counter::default)
    /// };
    /// placed().inc();
    /// placed().inc();
    /// assert_eq!(placed().get(), 2);
    /// ```
    ///
    /// # Panics
    /// As [`register`](Self::register) for a name that cannot be used, and if the metric of this
    /// name is of another type, or was added by [`register`](Self::register).
    #[track_caller]
    pub fn get_or_register<M: Metric + Clone>(&self, name: &str, help: &str, make: impl FnOnce() -> M) -> M {
        if let Some(metric) = self.get(name) {
            return metric;
        }
        let metric = make();
        let known = Known { at: Location::caller(), metric: Some(Box::new(metric.clone())) };
        let Some(there) = self.add(name, help, metric.clone(), known) else { return metric };
        // Another thread may have been the first.
        self.get(name).unwrap_or_else(|| {
            panic!(
                "the metric `{name}` of {there} cannot be shared here: give both places get_or_register and one type"
            )
        })
    }

    fn get<M: Metric + Clone>(&self, name: &str) -> Option<M> {
        self.0.known.read().get(name)?.metric.as_ref()?.downcast_ref().cloned()
    }

    /// Adds a metric. Returns where its name was registered before, if it was.
    #[track_caller]
    fn add(&self, name: &str, help: &str, metric: impl Metric, known: Known) -> Option<&'static Location<'static>> {
        if let Some(fix) = fault(name) {
            panic!("`{name}` cannot be the name of a metric: {fix}");
        }
        // Locked first, so that a metric is in the registry once its name is known.
        let mut registry = self.0.registry.lock();
        let mut all = self.0.known.write();
        if let Some(Known { at, .. }) = all.get(name) {
            return Some(*at);
        }
        all.insert(name.to_owned(), known);
        drop(all);
        registry.register(name, help, metric);
        None
    }

    /// Reads the registry.
    pub(super) fn with<R>(&self, read: impl FnOnce(&Registry) -> R) -> R {
        read(&self.0.registry.lock())
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
        let known = self.0.known.read();
        let mut names: Vec<_> = known.keys().collect();
        names.sort();
        f.debug_list().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::gauge::Gauge;

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

    #[test]
    fn a_metric_that_is_shared_by_its_name_is_made_once() {
        let metrics = Metrics::default();
        let placed = || metrics.get_or_register("orders_placed", "a test", Counter::<u64>::default);
        std::thread::scope(|scope| {
            (0..8).for_each(|_| _ = scope.spawn(|| (0..100).for_each(|_| _ = placed().inc())));
        });
        let placed =
            metrics.get_or_register("orders_placed", "a test", || -> Counter<u64> { unreachable!("there is one") });
        assert_eq!(placed.get(), 800);
    }

    #[test]
    fn a_metric_of_another_type_is_refused_with_the_place_of_the_first() {
        let metrics = Metrics::default();
        metrics.get_or_register("orders_placed", "a test", Counter::<u64>::default);
        let gauge = || metrics.get_or_register("orders_placed", "a test", Gauge::<i64>::default);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(gauge)).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains("registry.rs") && text.contains("one type"), "{text}");
    }
}
