//! Spans as a layer of the program gets them, which knows nothing of OpenTelemetry.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, OnceLock};

use callbox::{Server, service, testing};
use callbox_test_support::wait::until;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// A span as it was recorded.
#[derive(Clone, Debug, Default)]
struct Recorded {
    fields: HashMap<String, String>,
    events: Vec<String>,
    /// The lines that were written within it.
    lines: Vec<String>,
    is_closed: bool,
}

/// Keeps the spans of calls, by the names of their methods.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<HashMap<u64, Recorded>>>);

impl Visit for Recorded {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Keeper {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut recorded = Recorded::default();
        attributes.record(&mut recorded);
        self.0.lock().unwrap().insert(id.into_u64(), recorded);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(recorded) = self.0.lock().unwrap().get_mut(&id.into_u64()) {
            values.record(recorded);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut text = Recorded::default();
        event.record(&mut text);
        let message = text.fields.remove("message").unwrap_or_default();
        let mut spans = self.0.lock().unwrap();
        let Some(span) = context.event_span(event).and_then(|span| spans.get_mut(&span.id().into_u64())) else {
            return;
        };
        let is_of_call = event.metadata().target() == "callbox::call";
        if is_of_call { span.events.push(message) } else { span.lines.push(message) }
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let mut spans = self.0.lock().unwrap();
        // The number may be used again.
        if let Some(mut recorded) = spans.remove(&id.into_u64()) {
            recorded.is_closed = true;
            let closed = spans.len() as u64 + (1 << 62) + id.into_u64();
            spans.insert(closed, recorded);
        }
    }
}

/// Returns the spans of a method.
fn spans_of(method: &str) -> Vec<Recorded> {
    let spans = keeper().0.lock().unwrap().clone();
    spans.into_values().filter(|span| span.fields.get("rpc.method").is_some_and(|name| name == method)).collect()
}

/// Waits for the span of a method, which has one.
fn span_of(method: &str) -> Recorded {
    until("the span is closed", || spans_of(method).iter().any(|span| span.is_closed));
    spans_of(method).pop().expect("it was there")
}

/// The keeper of this process, which asks for the calls and for all lines.
fn keeper() -> &'static Keeper {
    static KEEPER: OnceLock<Keeper> = OnceLock::new();
    KEEPER.get_or_init(|| {
        let keeper = Keeper::default();
        let targets =
            Targets::new().with_target("callbox::call", Level::DEBUG).with_target(module_path!(), Level::INFO);
        tracing_subscriber::registry().with(keeper.clone().with_filter(targets)).init();
        keeper
    })
}

struct Shop;

#[service(name = "test.shop")]
impl Shop {
    #[public_method(inline = false)]
    fn sell(&self) {
        tracing::info!("a line of sell");
    }

    #[public_method]
    async fn count(&self) -> u8 {
        tokio::task::yield_now().await;
        tracing::info!("a line of count");
        3
    }

    #[public_method]
    fn fail(&self) -> Result<(), callbox::RpcError> {
        Err(callbox::RpcError::new(404, "none left"))
    }

    #[public_method(compute)]
    fn compute() {
        tracing::info!("a line of compute");
    }
}

pub(crate) fn events() {
    keeper();
    let server = testing::start(Server::new(|| Shop));
    server.rpc(&json!({ "jsonrpc": "2.0", "method": "sell", "id": "order-7" }));
    server.rpc(&json!({ "jsonrpc": "2.0", "method": "fail", "id": null }));
    let sell = span_of("sell");
    assert_eq!(sell.events, ["queued", "started", "ended"]);
    let fields = |span: &Recorded, name: &str| span.fields.get(name).cloned();
    assert_eq!(fields(&sell, "jsonrpc.request.id").as_deref(), Some("order-7"));
    assert_eq!(fields(&sell, "callbox.service").as_deref(), Some("test.shop"));
    assert_eq!(fields(&sell, "otel.kind").as_deref(), Some("server"));
    assert_eq!(fields(&sell, "error.type"), None);
    let fail = span_of("fail");
    assert!(fail.events.ends_with(&["started".to_owned(), "ended".to_owned()]), "{:?}", fail.events);
    assert_eq!(fields(&fail, "rpc.response.status_code").as_deref(), Some("404"));
    assert_eq!(fields(&fail, "jsonrpc.request.id"), None);
}

pub(crate) fn lines() {
    keeper();
    let server = testing::start(Server::new(|| Shop));
    for method in ["count", "compute"] {
        server.rpc(&json!({ "jsonrpc": "2.0", "method": method, "id": 1 }));
        assert_eq!(span_of(method).lines, [format!("a line of {method}")]);
    }
}

pub(crate) fn none() {
    // The log of callbox itself is such a layer.
    let front = crate::traces::roles::start("front", None, None, &[]);
    crate::traces::result(&front, None, "front.line");
    front.signal(rustix::process::Signal::TERM);
    let log = front.wait().log;
    assert!(log.contains("a line of front") && !log.contains("call{"), "{log}");
    // Unless its filter names them.
    let front = crate::traces::roles::start_with(
        "front",
        &["--port", "0", "--log", "info,callbox::call=info"],
        None,
        None,
        &[],
    );
    crate::traces::result(&front, None, "front.line");
    front.signal(rustix::process::Signal::TERM);
    let log = front.wait().log;
    assert!(log.contains("call{otel.name=\"front.line\""), "{log}");
}
