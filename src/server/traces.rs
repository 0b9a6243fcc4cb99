//! The export of traces, if callbox was built with it.

#[cfg(not(feature = "otel"))]
pub(super) use disabled::{flush_spans, layer, warn_if_unused};
#[cfg(feature = "otel")]
pub(super) use enabled::{flush_spans, layer, warn_if_unused};

#[cfg(feature = "otel")]
mod enabled {
    use std::time::Duration;

    use tracing::Subscriber;
    use tracing_subscriber::Layer;
    use tracing_subscriber::registry::LookupSpan;

    use crate::otel;
    use crate::start_error::Result;

    /// Returns the layer that exports spans, if spans are to be exported.
    ///
    /// # Errors
    /// If a variable has a value that cannot be used.
    pub(crate) fn layer<S>(service_name: &str) -> Result<Option<impl Layer<S> + use<S>>>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        otel::active_layer(service_name)
    }

    /// Warns if spans are to be exported, but the program has a subscriber of its own without the
    /// layer that does it. The subscriber may have another layer, which reads the variables itself.
    pub(crate) fn warn_if_unused() {
        if otel::is_wanted() && !otel::is_active() {
            log_warn!(
                "callbox exports no traces, since the program has set up a tracing subscriber of its own: add \
                 callbox::otel::layer(…) to it, unless it has another layer for that"
            );
        }
    }

    /// Exports the spans that wait, within this time.
    pub(crate) async fn flush_spans(limit: Duration) {
        otel::flush(limit).await;
    }
}

#[cfg(not(feature = "otel"))]
mod disabled {
    use std::time::Duration;

    use tracing_subscriber::layer::Identity;

    use crate::start_error::Result;

    pub(crate) fn layer(_: &str) -> Result<Option<Identity>> {
        Ok(None)
    }

    pub(crate) fn warn_if_unused() {}

    pub(crate) async fn flush_spans(_: Duration) {}
}
