//! One JSON object a line.

use std::fmt::{self, Debug, Display, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::add_context;

/// The names that every line has. A field of one of these names gets a `_` at its end.
const FIXED: [&str; 5] = ["time", "level", "target", "message", "spans"];

/// Writes a line.
pub(super) fn write<S, N>(context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let mut fields = Fields::default();
    event.record(&mut fields);
    add_context(event, |name, value| {
        fields.text(name, value);
        Ok(())
    })?;
    let meta = event.metadata();
    let mut line = JsonLine::new(meta.level().as_str(), meta.target(), &fields.message);
    line.0.push_str(&fields.json);
    let mut spans = String::new();
    for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
        let extensions = span.extensions();
        let inside = extensions.get::<FormattedFields<N>>().filter(|fields| !fields.is_empty());
        let colon = if spans.is_empty() { "" } else { ":" };
        write!(spans, "{colon}{}", span.metadata().name())?;
        if let Some(inside) = inside {
            write!(spans, "{{{inside}}}")?;
        }
    }
    if !spans.is_empty() {
        line.field("spans", &spans);
    }
    out.write_str(&line.end())
}

/// A line that is being made, up to its closing brace.
#[derive(Debug)]
pub(crate) struct JsonLine(String);

impl JsonLine {
    /// Begins a line of the current time.
    pub(crate) fn new(level: &str, target: &str, message: &str) -> Self {
        let mut line = String::with_capacity(256);
        line.push_str("{\"time\":\"");
        // Writing to a string does not fail. A clock that cannot be read gives a text that says so.
        let _ = SystemTime.format_time(&mut Writer::new(&mut line));
        let _ = write!(line, "\",\"level\":\"{level}\"");
        let mut line = Self(line);
        line.field("target", target);
        line.field("message", message);
        line
    }

    /// Adds a field with a text.
    pub(crate) fn field(&mut self, name: &str, value: &str) {
        write_field(&mut self.0, name, &quoted(value));
    }

    /// Adds a field with a number.
    pub(crate) fn number(&mut self, name: &str, value: u64) {
        write_field(&mut self.0, name, &value.to_string());
    }

    /// Returns the whole line, with the line break at its end.
    pub(crate) fn end(mut self) -> String {
        self.0.push_str("}\n");
        self.0
    }
}

/// The fields of a line, each as `,"name":value`.
#[derive(Default)]
struct Fields {
    message: String,
    json: String,
}

impl Fields {
    fn text(&mut self, name: &str, value: &str) {
        if name == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.raw(name, &quoted(value));
        }
    }

    /// Adds a value that is JSON.
    fn raw(&mut self, name: &str, json: &str) {
        let name = name.strip_prefix("r#").unwrap_or(name);
        if FIXED.contains(&name) {
            write_field(&mut self.json, &format!("{name}_"), json);
        } else {
            write_field(&mut self.json, name, json);
        }
    }

    fn number(&mut self, field: &Field, value: impl Display) {
        self.raw(field.name(), &value.to_string());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinities.
        if value.is_finite() { self.number(field, value) } else { self.text(field.name(), &value.to_string()) }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.number(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field.name(), &format!("{value:?}"));
    }
}

fn write_field(line: &mut String, name: &str, json: &str) {
    // Writing to a string cannot fail.
    let _ = write!(line, ",{}:{json}", quoted(name));
}

/// Returns a text as JSON, without anything that a reader may take for the end of a line.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    if json.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        return json.replace('\u{85}', "\\u0085").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    }
    json
}
