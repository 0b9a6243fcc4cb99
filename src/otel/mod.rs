//! Export of traces to an OpenTelemetry collector, over OTLP/HTTP with protobuf.
//!
//! A server whose program has no `tracing` subscriber of its own exports the spans of its calls by
//! itself, once a variable names a collector: `OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318`.
//! A program with a subscriber adds [`layer`] to it. The page [tracing](crate::guide::tracing) of
//! the guide has all variables.

mod collector;
mod pipeline;
mod variables;

use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracer;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::filter::{DynFilterFn, LevelFilter};
use tracing_subscriber::layer::{Identity, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::start_error::{Result, StartError};
use crate::sync::Mutex;
use crate::trace;

use pipeline::Pipeline;
use variables::ExportSettings;

/// The export of this program, once it was set up. There is one, whatever the number of servers.
static PIPELINE: Mutex<Option<Pipeline>> = Mutex::new(None);

/// Returns a layer that exports the spans of calls, and those that methods make within them, for a
/// program that sets up `tracing` itself.
///
/// It exports nothing if no variable names a collector, or if one says that nothing is to be
/// exported. `service_name` is the name of the program in the traces, unless `OTEL_SERVICE_NAME` or
/// `OTEL_RESOURCE_ATTRIBUTES` has another. A server of callbox flushes the spans when it stops.
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt;
/// use tracing_subscriber::util::SubscriberInitExt;
///
/// fn set_up_tracing() -> Result<(), Box<dyn std::error::Error>> {
///     let lines = tracing_subscriber::fmt::layer();
///     let spans = callbox::otel::layer("shop.orders")?;
///     tracing_subscriber::registry().with(lines).with(spans).try_init()?;
///     Ok(())
/// }
/// # set_up_tracing().unwrap();
/// ```
///
/// # Errors
/// If one of the variables `OTEL_…` has a value that cannot be used, and if the thread of the
/// export cannot be started. The error says what to write instead.
pub fn layer<S>(service_name: &str) -> Result<Box<dyn Layer<S> + Send + Sync>>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    Ok(match active_layer(service_name)? {
        Some(layer) => Box::new(layer),
        None => Box::new(Identity::new().with_filter(LevelFilter::OFF)),
    })
}

/// Returns the layer, or nothing if nothing is to be exported.
///
/// # Errors
/// Those of [`layer`].
pub(crate) fn active_layer<S>(service_name: &str) -> Result<Option<impl Layer<S> + use<S>>>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    Ok(tracer(service_name)?.map(|tracer| {
        let layer = OpenTelemetryLayer::new(tracer)
            // The conventions have no such attribute, and that of all calls would be the same.
            .with_target(false)
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_error_events_to_status(false);
        let filter = DynFilterFn::new(|metadata, _| is_exported(metadata)).with_max_level_hint(Level::INFO);
        layer.with_filter(filter.with_callsite_filter(interest))
    }))
}

/// Whether spans of this place in the code are exported, as far as the place says so.
fn interest(metadata: &'static Metadata<'static>) -> Interest {
    match metadata.is_span() && *metadata.level() <= Level::INFO {
        true if metadata.target() == trace::TARGET => Interest::always(),
        true => Interest::sometimes(),
        false => Interest::never(),
    }
}

/// Whether a span is exported: that of a call, and those that its method makes. The lines of a
/// method are not: they are in the log, with the number of the trace.
fn is_exported(metadata: &Metadata<'_>) -> bool {
    let is_span = metadata.is_span() && *metadata.level() <= Level::INFO;
    is_span && (metadata.target() == trace::TARGET || trace::is_within_span())
}

/// Returns what makes the spans, and sets up the export if that has not been done. `None` if
/// nothing is to be exported.
fn tracer(service_name: &str) -> Result<Option<SdkTracer>> {
    let Some(settings) = ExportSettings::read(&|name| std::env::var(name).ok())? else { return Ok(None) };
    let mut pipeline = PIPELINE.lock();
    if pipeline.is_none() {
        *pipeline = Some(Pipeline::start(&settings, service_name)?);
        trace::set_sampler(settings.sampler);
        trace::add_events_directly();
    }
    let scope = InstrumentationScope::builder("callbox")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(format!("https://opentelemetry.io/schemas/{}", trace::CONVENTIONS))
        .build();
    Ok(pipeline.as_ref().map(|pipeline| pipeline.provider.tracer_with_scope(scope)))
}

/// Whether spans are exported.
pub(crate) fn is_active() -> bool {
    PIPELINE.lock().is_some()
}

/// Whether the variables ask for an export that callbox could do.
pub(crate) fn is_wanted() -> bool {
    matches!(ExportSettings::read(&|name| std::env::var(name).ok()), Ok(Some(_)))
}

/// Exports the spans that wait, and returns after this time at the latest. What is left then is
/// lost.
pub(crate) async fn flush(limit: Duration) {
    let Some(provider) = PIPELINE.lock().as_ref().map(|pipeline| pipeline.provider.clone()) else { return };
    let (done, flushed) = tokio::sync::oneshot::channel();
    // A thread of its own, which the end of the program does not wait for: a slow collector may
    // take all of its time.
    let flush = std::thread::Builder::new().name("callbox-flush".to_owned()).spawn(move || {
        let _ = done.send(provider.force_flush().is_ok());
    });
    let is_flushed = flush.is_ok() && matches!(tokio::time::timeout(limit, flushed).await, Ok(Ok(true)));
    let spans = PIPELINE.lock().as_ref().map_or(0, Pipeline::waiting);
    if !is_flushed && spans > 0 {
        log_warn!(spans, "the collector did not take the last spans before the server stopped");
    }
}

/// Returns the error of a variable.
fn bad_variable(name: &str, value: &str, fix: &str) -> StartError {
    StartError::new(format_args!("{name} is `{value}`"), fix)
}
