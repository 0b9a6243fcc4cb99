//! The depth of the mailboxes during a run, as the service reports it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use callbox::client::Client;
use serde_json::{Value, json};

use crate::options::Subject;
use callbox_cli::mailboxes::{METHOD, Mailbox, ServiceMailboxes};
use callbox_cli::plot::{Axis, Chart, Line, STYLES};

/// Interval between requests for the depths.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);

/// Records the depths of all mailboxes, and the reason if the service does not return them.
pub(crate) struct DepthMonitor {
    client: Client,
    mailboxes: RefCell<BTreeMap<String, MailboxHistory>>,
    failure: RefCell<Option<String>>,
}

/// The depth of one mailbox over time.
struct MailboxHistory {
    /// Seconds since the start, and the number of queued calls at that time.
    depths: Vec<(f64, u64)>,
    last: Mailbox,
}

impl DepthMonitor {
    pub(crate) fn new(subject: &Subject) -> Result<Self, String> {
        let mut builder = Client::builder(subject.url.as_str()).deadline(SAMPLE_INTERVAL * 20);
        if let Some(token) = &subject.token {
            builder = builder.token(token.as_str());
        }
        let client = builder.build().map_err(|error| error.to_string())?.without_retry();
        Ok(Self { client, mailboxes: RefCell::default(), failure: RefCell::default() })
    }

    /// Records the depths until it is dropped.
    pub(crate) async fn run<T>(&self) -> T {
        let begin = Instant::now();
        let mut tick = tokio::time::interval(SAMPLE_INTERVAL);
        loop {
            tick.tick().await;
            match self.client.call::<Vec<ServiceMailboxes>>(METHOD, ()).await {
                Ok(services) => self.record(begin.elapsed().as_secs_f64(), services),
                // A busy service may be late once; a service that rejects the request will do so
                // again.
                Err(error) if error.rpc_error().is_some() && self.mailboxes.borrow().is_empty() => {
                    *self.failure.borrow_mut() = Some(format!("{METHOD}: {error}"));
                    return std::future::pending().await;
                }
                Err(_) => {}
            }
        }
    }

    fn record(&self, second: f64, services: Vec<ServiceMailboxes>) {
        let mut mailboxes = self.mailboxes.borrow_mut();
        for mailbox in services.into_iter().flat_map(|service| service.methods) {
            let entry = mailboxes.entry(mailbox.method.clone());
            let history = entry.or_insert_with(|| MailboxHistory { depths: Vec::new(), last: mailbox.clone() });
            history.depths.push((second, mailbox.depth));
            history.last = mailbox;
        }
    }

    /// Returns a chart of the fullest mailboxes, as many as there are line styles; `None` if
    /// nothing was recorded.
    pub(crate) fn chart(&self) -> Option<Chart> {
        let mailboxes = self.mailboxes.borrow();
        let mut fullest: Vec<_> = mailboxes.iter().collect();
        fullest.sort_by_key(|(_, history)| std::cmp::Reverse(history.max_depth()));
        fullest.truncate(STYLES.len());
        let end = fullest
            .iter()
            .filter_map(|(_, history)| history.depths.last())
            .map(|(second, _)| *second)
            .fold(0.0, f64::max);
        let max_depth = fullest.iter().map(|(_, history)| history.max_depth()).max().unwrap_or(0);
        let lines = fullest.iter().map(|(method, history)| Line {
            name: format!("{method} (of {})", history.last.capacity),
            points: history.depths.iter().map(|(second, depth)| (*second, *depth as f64)).collect(),
        });
        (end > 0.0).then(|| Chart {
            title: "Queued calls in each mailbox".to_owned(),
            x: Axis::linear("time (s)", end),
            y: Axis::linear("calls", (max_depth as f64 * 1.05).max(10.0)),
            lines: lines.collect(),
            band: None,
            limit: None,
            dots: false,
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        let mailboxes = self.mailboxes.borrow();
        let by_method = mailboxes.iter().map(|(method, history)| {
            let MailboxHistory { depths, last } = history;
            let json = json!({
                "capacity": last.capacity, "depth_over_time_s": depths, "max_depth": history.max_depth(), "refused": last.refused,
            });
            (method.clone(), json)
        });
        Value::Object(by_method.collect())
    }
}

impl MailboxHistory {
    fn max_depth(&self) -> u64 {
        self.depths.iter().map(|(_, depth)| *depth).max().unwrap_or(0)
    }
}

impl fmt::Display for DepthMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = &*self.failure.borrow() {
            return writeln!(f, "The mailboxes could not be read ({why}): pass a token with --token.");
        }
        let mailboxes = self.mailboxes.borrow();
        let width = mailboxes.keys().map(|method| method.chars().count()).max().unwrap_or(0).max(7);
        writeln!(f, "{:width$}  {:>12}  {:>8}  {:>10}", "mailbox", "max depth", "capacity", "rejected")?;
        for (method, history) in &*mailboxes {
            let Mailbox { capacity, refused, .. } = history.last;
            writeln!(f, "{method:width$}  {:>12}  {capacity:>8}  {refused:>10}", history.max_depth())?;
        }
        Ok(())
    }
}
