//! Metrics for Prometheus, and for whatever else reads its formats.
//!
//! `GET /metrics` shows the statistics of the server, and what a program adds to [`Metrics`]. The
//! page [monitoring](crate::guide::monitoring#metrics) of the guide lists the names.

// Nothing is counted here: each scrape reads the statistics that the server has anyway.

mod families;
mod histogram;
mod injected;
mod labels;
mod process;
mod registry;

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text, text};
use prometheus_client::registry::Registry;

use crate::engine::ServiceStats;
use crate::measure::ServerCounters;
use crate::sync::Arc;

use families::Families;

pub use prometheus_client;
pub use registry::Metrics;

/// The format of a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The text format of Prometheus, version 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0, for scrapers that ask for it.
    OpenMetrics,
}

impl Format {
    /// Returns the media type of the format.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// All metrics of one server. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ServerMetrics {
    own: Arc<Registry>,
    of_program: Metrics,
}

/// Reads the statistics of a server at each scrape.
struct ServerCollector {
    services: Box<dyn Fn() -> Vec<ServiceStats> + Send + Sync>,
    counters: ServerCounters,
}

impl ServerMetrics {
    /// Makes the metrics of a server from its statistics, and from those of the program.
    pub(crate) fn new(
        services: impl Fn() -> Vec<ServiceStats> + Send + Sync + 'static,
        counters: ServerCounters,
        of_program: Metrics,
    ) -> Self {
        let mut own = Registry::default();
        own.register_collector(Box::new(ServerCollector { services: Box::new(services), counters }));
        own.register_collector(Box::new(process::ProcessCollector));
        Self { own: Arc::new(own), of_program }
    }

    /// Returns those of the program.
    pub(crate) fn of_program(&self) -> Metrics {
        self.of_program.clone()
    }

    /// Writes all metrics. Takes about 20 µs for each method, so not on a thread that serves.
    ///
    /// # Errors
    /// If a metric of the program cannot be written.
    pub(crate) fn write(&self, format: Format) -> Result<String, fmt::Error> {
        let mut out = String::new();
        self.of_program.with(|of_program| match format {
            Format::Prometheus => {
                prometheus_text::encode(&mut out, &self.own)?;
                prometheus_text::encode(&mut out, of_program)
            }
            Format::OpenMetrics => {
                text::encode_registry(&mut out, &self.own)?;
                text::encode(&mut out, of_program)
            }
        })?;
        Ok(out)
    }
}

impl Collector for ServerCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let services = (self.services)();
        let mut families = Families::new(encoder);
        families.services(&services)?;
        families.methods(&services)?;
        families.server(&self.counters)
    }
}

impl fmt::Debug for ServerCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerCollector")
    }
}
