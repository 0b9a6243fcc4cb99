//! The way of a span from its end to the collector: a bounded queue, and a thread that empties it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, Span, SpanData, SpanExporter, SpanProcessor,
};

use crate::log::{caught, discard};
use crate::start_error::{Result, StartError};
use crate::trace::count_lost_spans;

use super::collector::Collector;
use super::variables::ExportSettings;

/// The export of spans.
pub(super) struct Pipeline {
    pub(super) provider: SdkTracerProvider,
    waiting: Arc<AtomicUsize>,
}

impl Pipeline {
    /// Starts the thread that exports.
    ///
    /// # Errors
    /// If the settings cannot be used, or the thread cannot be started.
    pub(super) fn start(settings: &ExportSettings, service_name: &str) -> Result<Self> {
        let exporter = OtlpExporter::builder()
            .with_http()
            .with_http_client(Collector::new(settings.timeout))
            .with_endpoint(&settings.endpoint)
            .with_timeout(settings.timeout)
            .build();
        let exporter = exporter.map_err(|error| {
            let what = format_args!("the exporter of traces cannot be made ({error})");
            StartError::new(what, "correct the variables OTEL_EXPORTER_OTLP_…, or set OTEL_TRACES_EXPORTER=none")
        })?;
        let waiting = Arc::new(AtomicUsize::new(0));
        let exporter = CountingExporter { exporter, waiting: Arc::clone(&waiting) };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(settings.queue)
            .with_max_export_batch_size(settings.batch)
            .with_scheduled_delay(settings.delay)
            .build();
        // It panics if it cannot start its thread.
        let batches = caught(|| BatchSpanProcessor::builder(exporter).with_batch_config(batches).build());
        let batches = batches.map_err(|panic| {
            discard(panic);
            StartError::new("the thread that exports traces cannot be started", "let the process have more threads")
        })?;
        let queue = BoundedQueue { batches, waiting: Arc::clone(&waiting), limit: settings.queue };
        let resource = Resource::builder();
        let resource =
            if settings.has_service_name { resource } else { resource.with_service_name(service_name.to_owned()) };
        let provider = SdkTracerProvider::builder()
            .with_span_processor(queue)
            // callbox has decided before a span is made.
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(resource.build())
            .build();
        Ok(Self { provider, waiting })
    }

    /// Returns the number of spans that wait to be exported.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Takes spans that have ended. Those that find the queue full are lost, and counted.
///
/// The queue of the processor below has a bound as well, but does not say what it loses. This count
/// is never less than what is in it, so it never loses any.
#[derive(Debug)]
struct BoundedQueue {
    batches: BatchSpanProcessor,
    waiting: Arc<AtomicUsize>,
    limit: usize,
}

impl SpanProcessor for BoundedQueue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            count_lost_spans(1);
            log_throttled!(WARN, "spans are lost, since the collector takes them too slowly, or not at all");
            return;
        }
        self.batches.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batches.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// Exports spans, and counts those that the collector does not take.
#[derive(Debug)]
struct CountingExporter {
    exporter: OtlpExporter,
    waiting: Arc<AtomicUsize>,
}

impl SpanExporter for CountingExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        let exported = self.exporter.export(batch).await;
        if let Err(error) = &exported {
            count_lost_spans(spans as u64);
            log_throttled!(WARN, spans, %error, "spans are lost, since the collector did not take them");
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
