//! Prints the items of a subscription.

use std::future::pending;
use std::num::NonZeroU64;
use std::pin::pin;
use std::time::Duration;

use callbox::client::NamedCall;
use callbox::{Lag, Subscription};
use callbox_cli::format;
use futures::StreamExt;
use futures::channel::mpsc::UnboundedReceiver;
use futures::future::{Either, select};
use serde_json::value::RawValue;

use super::callee::LinkEvent;
use super::detect::RawItem;
use crate::address::Address;
use crate::exit::Failure;
use crate::json;
use crate::server::failure;
use crate::signals::Signals;
use crate::terminal::{print_error, print_line, sanitize};

/// The flags for subscriptions.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Subscriptions")]
pub(super) struct ItemFlags {
    /// Continues after this cursor, with what was missed since then
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
    /// Takes at most one item in this time, the newest
    #[arg(long, value_name = "TIME", value_parser = interval)]
    min_interval: Option<Duration>,
    /// Ends after this number of items
    #[arg(long, value_name = "NUMBER")]
    max_items: Option<NonZeroU64>,
    /// Prints each item with its cursor: {"item":…,"cursor":…}, and "lagged" after a gap
    #[arg(long)]
    cursors: bool,
    /// Takes the result as the id of a subscription, without asking the server
    #[arg(long)]
    pub(super) subscribe: bool,
}

impl ItemFlags {
    /// Puts what the server has to know into the call.
    pub(super) fn apply_to(&self, mut call: NamedCall) -> NamedCall {
        if let Some(cursor) = &self.after {
            call = call.with_meta("after", cursor);
        }
        if let Some(interval) = self.min_interval {
            call = call.with_meta("minIntervalMs", interval.as_millis() as u64);
        }
        call
    }

    /// Prints items until the subscription ends, for whatever reason. `first` is an item, or the
    /// end, that has arrived already, and `events` are those of the connection.
    pub(super) async fn print(
        &self,
        url: &Address,
        first: Option<Option<RawItem>>,
        mut subscription: Subscription<Box<RawValue>>,
        events: &mut UnboundedReceiver<LinkEvent>,
        signals: &mut Signals,
    ) -> Result<(), Failure> {
        let (mut first, mut printed, mut cursor) = (first, 0, None);
        let ended = loop {
            let next = match first.take() {
                Some(item) => Ok(Next::Item(item)),
                None => signals.or(next(&mut subscription, events)).await,
            };
            let item = match next {
                Ok(Next::Item(Some(Ok(item)))) => item,
                Ok(Next::Item(Some(Err(error)))) => break failure(url, &error),
                Ok(Next::Item(None)) => {
                    note("the subscription has ended");
                    return Ok(());
                }
                Ok(Next::Event(event)) => {
                    report(&event);
                    continue;
                }
                Err(exit) => break Failure::new(exit, ""),
            };
            if let Some(lag) = item.lag() {
                note(&missed(lag));
            }
            if !print_line(&self.line(&item, item.lag(), item.cursor()))? {
                return Ok(());
            }
            cursor = item.cursor().map(str::to_owned).or(cursor);
            printed += 1;
            if self.max_items.is_some_and(|max| printed >= max.get()) {
                return Ok(());
            }
        };
        if let Some(cursor) = cursor {
            note(&format!("to continue after the last item, add --after {}", sanitize(&cursor)));
        }
        Err(ended)
    }

    fn line(&self, item: &RawValue, lag: Option<Lag>, cursor: Option<&str>) -> String {
        if !self.cursors {
            return json::line_for_stdout(item.get());
        }
        let cursor = serde_json::Value::from(cursor);
        let lagged = match lag {
            Some(Lag::Items(count)) => format!(r#","lagged":{count}"#),
            Some(Lag::Unknown) => r#","lagged":null"#.to_owned(),
            None => String::new(),
        };
        json::line_for_stdout(&format!(r#"{{"item":{item},"cursor":{cursor}{lagged}}}"#))
    }
}

/// What happens next.
enum Next {
    Item(Option<RawItem>),
    Event(LinkEvent),
}

/// Waits for an item, or else for a change of the connection. The end of the subscription comes
/// before that of its connection, which is no news then.
async fn next(subscription: &mut Subscription<Box<RawValue>>, events: &mut UnboundedReceiver<LinkEvent>) -> Next {
    // A client over HTTP has no connection of its own, and so no events.
    let event = async {
        match events.next().await {
            Some(event) => event,
            None => pending().await,
        }
    };
    match select(subscription.next(), pin!(event)).await {
        Either::Left((item, _)) => Next::Item(item),
        Either::Right((event, _)) => Next::Event(event),
    }
}

fn report(event: &LinkEvent) {
    match event {
        LinkEvent::Lost(cause) => note(&sanitize(&format!("{cause}: connecting again"))),
        LinkEvent::Reopened => note("connected again"),
    }
}

/// Reports something on standard error that is no failure.
pub(super) fn note(text: &str) {
    print_error(&format!("Note: {text}\n"));
}

fn missed(lag: Lag) -> String {
    match lag {
        Lag::Items(1) => "1 item was missed".to_owned(),
        Lag::Items(count) => format!("{} items were missed", format::integer(count)),
        Lag::Unknown => "items may have been missed; nobody knows how many".to_owned(),
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let time = format::parse_duration(text)?;
    if time < Duration::from_millis(1) { Err("the minimum is 1ms".to_owned()) } else { Ok(time) }
}
