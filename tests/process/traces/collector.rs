//! A collector: a small server for OTLP over HTTP, which does what a test says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use callbox_test_support::wait::until;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use rcgen::generate_simple_self_signed;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a collector does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Takes,
    /// Reads it, and never answers.
    IsSilent,
    /// Answers with this status.
    Refuses(u16),
}

/// A collector, until the test ends.
pub(crate) struct Collector {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    manner: Manner,
    spans: Vec<Received>,
    /// All bodies, one after the other.
    bytes: Vec<u8>,
    headers: Vec<String>,
    requests: usize,
}

/// A span that has arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The attribute `service.name` of its resource.
    pub(crate) program: String,
    pub(crate) scope: String,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) trace_id: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) is_server: bool,
    pub(crate) is_error: bool,
    pub(crate) attributes: BTreeMap<String, String>,
    /// Without `queued`, which a call has if its service was busy.
    pub(crate) events: Vec<String>,
    pub(crate) was_queued: bool,
    pub(crate) state: String,
}

impl Collector {
    pub(crate) fn start(manner: Manner) -> Self {
        Self::start_with(manner, "http", serve)
    }

    /// Starts one that speaks HTTPS. Returns its certificate as well, in PEM.
    pub(crate) fn start_secured(manner: Manner) -> (Self, String) {
        let pair = generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("versions").with_no_client_auth();
        let config = Arc::new(config.with_single_cert(vec![pair.cert.der().clone()], key).expect("a pair"));
        let serve_secured = move |stream, state: &Mutex<State>| {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            serve(StreamOwned::new(connection, stream), state);
        };
        (Self::start_with(manner, "https", serve_secured), pair.cert.pem())
    }

    fn start_with<F>(manner: Manner, scheme: &str, serve: F) -> Self
    where
        F: Fn(TcpStream, &Mutex<State>) + Clone + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("{scheme}://{}", listener.local_addr().expect("an address"));
        let state = State { manner, spans: Vec::new(), bytes: Vec::new(), headers: Vec::new(), requests: 0 };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, serve) = (Arc::clone(&shared), serve.clone());
                thread::spawn(move || serve(stream, &state));
            }
        });
        Self { url, state }
    }

    pub(crate) fn set(&self, manner: Manner) {
        self.state.lock().unwrap().manner = manner;
    }

    /// Returns what has arrived so far.
    pub(crate) fn spans(&self) -> Vec<Received> {
        self.state.lock().unwrap().spans.clone()
    }

    /// Waits until this many spans have arrived, and returns them.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Received> {
        until(&format!("{count} spans"), || self.spans().len() >= count);
        self.spans()
    }

    /// Waits until there is a span of this method in this program.
    pub(crate) fn wait_for_span(&self, program: &str, name: &str) -> Received {
        let found = || self.spans().into_iter().find(|span| span.program == program && span.name == name);
        until(&format!("a span {name} of {program}"), || found().is_some());
        found().expect("it was there")
    }

    pub(crate) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    /// Whether anything that has arrived has this text.
    pub(crate) fn has_text(&self, text: &str) -> bool {
        self.state.lock().unwrap().bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    pub(crate) fn headers(&self) -> Vec<String> {
        self.state.lock().unwrap().headers.clone()
    }
}

fn serve(stream: impl Read + Write, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    while let Some((headers, body)) = read_request(&mut reader) {
        let manner = {
            let mut state = state.lock().unwrap();
            state.requests += 1;
            state.headers.extend(headers);
            if state.manner == Manner::Takes {
                state.bytes.extend_from_slice(&body);
                let spans = received(&body);
                state.spans.extend(spans);
            }
            state.manner
        };
        let answer = match manner {
            Manner::Takes => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(),
            Manner::Refuses(status) => format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n"),
            // The connection stays open.
            Manner::IsSilent => continue,
        };
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Returns the lines of the head, and the body.
fn read_request(reader: &mut BufReader<impl Read>) -> Option<(Vec<String>, Vec<u8>)> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        if line.trim_end().is_empty() {
            break;
        }
        head.push(line.trim_end().to_ascii_lowercase());
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn received(body: &[u8]) -> Vec<Received> {
    let request = ExportTraceServiceRequest::decode(body).expect("a request of OTLP");
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = attributes(&of_resource.resource.unwrap_or_default().attributes);
        for of_scope in of_resource.scope_spans {
            let scope = of_scope.scope.unwrap_or_default().name;
            for span in of_scope.spans {
                spans.push(Received {
                    program: resource.get("service.name").cloned().unwrap_or_default(),
                    scope: scope.clone(),
                    schema: of_scope.schema_url.clone(),
                    ..of_span(span)
                });
            }
        }
    }
    spans
}

fn of_span(span: Span) -> Received {
    assert!(span.start_time_unix_nano > 0 && span.end_time_unix_nano >= span.start_time_unix_nano, "{span:?}");
    let events: Vec<_> = span.events.into_iter().map(|event| event.name).collect();
    Received {
        program: String::new(),
        scope: String::new(),
        schema: String::new(),
        name: span.name,
        trace_id: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        is_server: span.kind == 2,
        is_error: span.status.is_some_and(|status| status.code == 2),
        attributes: attributes(&span.attributes),
        was_queued: events.first().is_some_and(|event| event == "queued"),
        events: events.into_iter().filter(|event| event != "queued").collect(),
        state: span.trace_state,
    }
}

fn attributes(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|pair| (pair.key.clone(), text(&pair.value))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
