//! `callbox top`: shows the mailboxes of a server, live.

mod instances;
mod keys;
mod model;
mod plain_table;
mod screen;
mod source;
mod streams;

use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use callbox::client::ClientError;
use callbox_cli::format;
use callbox_cli::mailboxes::METHOD;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tokio::signal::unix::{SignalKind, signal};

use crate::address::Address;
use crate::exit::{Exit, Failure};
use crate::runtime;
use crate::server::{Server, failure};
use crate::terminal::print;
use keys::Typed;
use model::{Snapshot, SortOrder, View};
use screen::Screen;
use source::Source;

/// Maximum delay until a key or a signal is noticed.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The arguments of `callbox top`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// Interval between requests to the server
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,
    /// Prints one table, for one interval, and exits
    #[arg(long)]
    once: bool,
}

const HELP: &str = "\
It needs a valid token, because the load of a server is not public. With nats:// it needs none: all \
instances of all callbox services are asked, and ● marks those that are in the group of a method. \
One that is out (○) has too much to do, and gets no calls until that is over.
Connections that are open stand beside those that the server has rejected, or closed because their \
client was slow or silent, since its start. Rates and times are those of the last interval; the \
depth of a mailbox is that at its end. Calls whose parameters do not fit do not count as rejected. \
Methods with subscriptions have a table of their own: how many are open, and the items that were \
sent and missed.

Keys: q quits, s changes the order (by depth, by calls, by name), the arrows scroll.

Examples:
  callbox top http://127.0.0.1:5000/api --token-file token.txt
  CALLBOX_TOKEN=hello_world callbox top :5000 --once
  callbox top nats://127.0.0.1:4222";

/// A message from the thread that polls the server to the thread that draws.
enum Update {
    Snapshot(Snapshot),
    Error(String),
    /// A signal asks the process to end.
    End(Exit),
}

/// Shows the mailboxes until `q` is pressed.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if !arguments.once && !io::stdout().is_terminal() {
        let line = "standard output is not a terminal, which the live view needs: --once prints one table";
        return Err(Failure::new(Exit::Usage, line));
    }
    let url = &arguments.server.url;
    let runtime = runtime()?;
    let source = runtime.block_on(open(arguments))?;
    // The first request is before the alternate screen, so that its error stays readable.
    let first = runtime.block_on(source.snapshot()).map_err(|error| no_mailboxes(url, &error))?;
    if url.is_nats() && first.services.is_empty() {
        let line = format!("no callbox service is at {url}: `callbox services {url}` lists those of others");
        return Err(Failure::new(Exit::Unreachable, line));
    }
    if arguments.once {
        let second = runtime.block_on(async {
            tokio::time::sleep_until((first.at + arguments.interval).into()).await;
            source.snapshot().await
        });
        let second = second.map_err(|error| failure(url, &error))?;
        let mut view = View::between(&first, &second);
        view.sort(SortOrder::Name);
        return Ok(print(&plain_table::render(&view))?);
    }
    let (sender, updates) = channel();
    let interval = arguments.interval;
    let poll = move || runtime.block_on(poll_mailboxes(&source, interval, &sender));
    let thread = std::thread::Builder::new().name("poll".to_owned()).spawn(poll);
    thread.map_err(|error| format!("the thread that polls the server could not be started: {error}"))?;
    // The instances of a method are to be compared.
    let order = if url.is_nats() { SortOrder::Name } else { SortOrder::default() };
    let mut screen = Screen { url: url.to_string(), view: View::between(&first, &first), order, ..Screen::default() };
    let ended = draw_until_end(&mut screen, first, &updates)
        .map_err(|error| format!("the terminal cannot be used: {error}"))?;
    // The user or a signal has ended it, so there is nothing to print.
    ended.map_or(Ok(()), |exit| Err(Failure::new(exit, "")))
}

/// Connects to what is asked for the mailboxes.
async fn open(arguments: &Arguments) -> Result<Source, Failure> {
    let server = &arguments.server;
    Ok(match &server.url {
        Address::Web(endpoint) => Source::Server(server.connect(endpoint).await?),
        Address::Nats(address) => Source::instances(server.connect_nats(address).await?, arguments.interval),
    })
}

/// Returns the failure of the first request, which a server may not know.
fn no_mailboxes(url: &Address, error: &ClientError) -> Failure {
    match error {
        ClientError::Server(error) if error.code() == -32601 => {
            let line = format!(
                "{url} has no {METHOD}: a server of callbox has it if it checks tokens; one that checks none shows \
                 its mailboxes at /console and /metrics"
            );
            Failure::new(Exit::Method, line)
        }
        other => failure(url, other),
    }
}

/// Polls the server, and waits for signals at the same time.
async fn poll_mailboxes(source: &Source, interval: Duration, updates: &Sender<Update>) {
    let poll_server = async {
        let mut tick = tokio::time::interval(interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let update = match source.snapshot().await {
                Ok(snapshot) => Update::Snapshot(snapshot),
                Err(error) => Update::Error(error.to_string()),
            };
            if updates.send(update).is_err() {
                return;
            }
        }
    };
    let on_signal = |kind, exit| async move {
        match signal(kind) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        };
        // This fails only if the screen is gone already.
        let _ = updates.send(Update::End(exit));
    };
    futures::join!(
        poll_server,
        on_signal(SignalKind::interrupt(), Exit::Interrupted),
        on_signal(SignalKind::terminate(), Exit::Terminated),
        on_signal(SignalKind::hangup(), Exit::Terminated),
    );
}

/// A guard that restores the terminal when it is dropped, also after a panic.
struct TerminalGuard;

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Draws until a key or a signal ends it. Returns the exit code for a signal, and `None` for a key.
fn draw_until_end(screen: &mut Screen, mut last: Snapshot, updates: &Receiver<Update>) -> io::Result<Option<Exit>> {
    let guard = TerminalGuard;
    let mut terminal = ratatui::try_init()?;
    loop {
        screen.view.sort(screen.order);
        terminal.draw(|frame| screen.draw(frame))?;
        match keys::next(POLL_INTERVAL)? {
            Typed::Key(key) if !handle_key(screen, key) => {
                drop(guard);
                return Ok(None);
            }
            Typed::Key(_) | Typed::Nothing => {}
            Typed::Gone => return Ok(Some(Exit::Terminated)),
        }
        for update in updates.try_iter() {
            match update {
                Update::Snapshot(snapshot) => {
                    screen.view = View::between(&last, &snapshot);
                    screen.error = None;
                    last = snapshot;
                }
                Update::Error(error) => screen.error = Some(format!("{error}; retrying")),
                Update::End(exit) => return Ok(Some(exit)),
            }
        }
    }
}

/// Handles a key. Returns whether to continue.
fn handle_key(screen: &mut Screen, key: KeyEvent) -> bool {
    match key.code {
        KeyCode::Char('q') | KeyCode::Esc => return false,
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return false,
        KeyCode::Char('s') => screen.order = screen.order.next(),
        KeyCode::Down | KeyCode::Char('j') => {
            screen.first_row = (screen.first_row + 1).min(screen.view.rows.len().saturating_sub(1));
        }
        KeyCode::Up | KeyCode::Char('k') => screen.first_row = screen.first_row.saturating_sub(1),
        _ => {}
    }
    true
}

/// Formats a number in few characters.
fn count(number: f64) -> String {
    match number {
        _ if number > 0.0 && number < 9.95 && number.fract() != 0.0 => format!("{number:.1}"),
        _ if number < 99_999.5 => format::integer(number.round() as u64),
        _ if number < 9_999_500.0 => format!("{:.0}k", number / 1e3),
        _ => format!("{:.0}M", number / 1e6),
    }
}

/// Formats a duration in at most five characters.
fn brief(time: Option<Duration>) -> String {
    let Some(time) = time else { return "-".to_owned() };
    let nanos = time.as_nanos() as f64;
    let (number, unit) = match nanos {
        _ if nanos < 999.5 => (nanos, "ns"),
        _ if nanos < 999.5e3 => (nanos / 1e3, "µs"),
        _ if nanos < 999.5e6 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e9, "s"),
    };
    if number < 9.95 && unit != "ns" { format!("{number:.1}{unit}") } else { format!("{number:.0}{unit}") }
}

fn interval(text: &str) -> Result<Duration, String> {
    let time = format::parse_duration(text)?;
    let fits = (Duration::from_millis(100)..=Duration::from_secs(3600)).contains(&time);
    if fits { Ok(time) } else { Err("the interval must be from 100ms to 1h".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations_are_short() {
        for (nanos, shown) in
            [(0, "0ns"), (1500, "1.5µs"), (99_960, "100µs"), (9_960_000, "10ms"), (1_000_000_000, "1.0s")]
        {
            assert_eq!(brief(Some(Duration::from_nanos(nanos))), shown, "{nanos}");
        }
        for (number, shown) in
            [(0.0, "0"), (0.25, "0.2"), (9.97, "10"), (4998.2, "4,998"), (123_456.0, "123k"), (2e7, "20M")]
        {
            assert_eq!(count(number), shown, "{number}");
        }
    }

    #[test]
    fn keys_quit_sort_and_scroll() {
        let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
        let mut screen = Screen::default();
        assert!(!handle_key(&mut screen, key(KeyCode::Char('q'))));
        assert!(!handle_key(&mut screen, KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert!(handle_key(&mut screen, key(KeyCode::Char('s'))) && screen.order == SortOrder::Calls);
        assert!(handle_key(&mut screen, key(KeyCode::Down)) && screen.first_row == 0, "there is nothing to scroll");
    }
}
