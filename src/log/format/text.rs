//! Lines for people: `2026-11-29T10:15:00.000000Z  INFO callbox::server: listening url="…"`.

use std::fmt::{self, Write};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::add_context;
use super::one_line::OneLine;

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";

/// Writes a line.
///
/// It is the usual line of `tracing-subscriber`, whose own formatter leaves no place for further
/// fields, and writes a text with line breaks as several lines.
pub(super) fn write<S, N>(context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let (meta, is_styled) = (event.metadata(), out.has_ansi_escapes());
    let style = |code: &'static str| if is_styled { code } else { "" };
    let (reset, bold, dim) = (style(RESET), style(BOLD), style(DIM));

    out.write_str(dim)?;
    SystemTime.format_time(&mut out)?;
    write!(out, "{reset} {}{:>5}{reset} ", style(colour(*meta.level())), meta.level().as_str())?;

    let mut in_spans = false;
    for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
        in_spans = true;
        write!(out, "{bold}{}{reset}", span.metadata().name())?;
        let extensions = span.extensions();
        if let Some(fields) = extensions.get::<FormattedFields<N>>().filter(|fields| !fields.is_empty()) {
            write!(out, "{bold}{{{reset}")?;
            write!(OneLine::with_colours(&mut out, is_styled), "{fields}")?;
            write!(out, "{bold}}}{reset}")?;
        }
        write!(out, "{dim}:{reset}")?;
    }
    if in_spans {
        out.write_char(' ')?;
    }

    write!(out, "{dim}{}:{reset} ", meta.target())?;
    context.format_fields(Writer::new(&mut OneLine::new(&mut out)), event)?;
    add_context(event, |name, value| write!(out, " {name}={value:?}"))?;
    out.write_char('\n')
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}
