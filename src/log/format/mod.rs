//! The formats of the log that callbox sets up.
//!
//! A line is complete where it is written: its formatter adds the method that runs on the thread,
//! its caller, the id of the request, and that of its trace. So a line has them without a span.

mod json;
mod one_line;
mod text;

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use callbox_client::__engine::LineContext;

pub(crate) use json::JsonLine;

/// The format of the log.
///
/// Set it with [`Server::log_format`](crate::Server::log_format).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people: time, level, target, message and fields. The default. A line break in a
    /// text is written as `\n`.
    #[default]
    Text,
    /// One JSON object a line, for programs that collect logs: `time` (RFC 3339, UTC), `level`,
    /// `target` and `message`, then the fields of the line.
    Json,
}

choice!(LogFormat, "log format" { "text" = Text, "json" = Json });

impl<S, N> FormatEvent<S, N> for LogFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        match self {
            Self::Text => text::write(context, writer, event),
            Self::Json => json::write(context, writer, event),
        }
    }
}

/// Calls `add` with each fact about the call around a line that the line does not have itself.
fn add_context(event: &Event<'_>, mut add: impl FnMut(&str, &str) -> fmt::Result) -> fmt::Result {
    for (name, value) in LineContext::of_thread().facts() {
        if !has_field(event, name) {
            add(name, value)?;
        }
    }
    Ok(())
}

/// Whether the line has a field of this name with a value.
fn has_field(event: &Event<'_>, name: &'static str) -> bool {
    struct Finder {
        name: &'static str,
        found: bool,
    }
    impl Visit for Finder {
        fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
            self.found |= field.name() == self.name;
        }
    }
    // Nearly all lines do not even declare the field.
    if event.metadata().fields().field(name).is_none() {
        return false;
    }
    let mut finder = Finder { name, found: false };
    event.record(&mut finder);
    finder.found
}

#[cfg(test)]
mod tests;
