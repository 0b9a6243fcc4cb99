//! How full the mailboxes were, as the service itself tells.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use callbox::client::Client;
use serde_json::{Value, json};

use crate::options::Subject;
use callbox_cli::mailboxes::{METHOD, Mailbox, ServiceMailboxes};
use callbox_cli::plot::{Axis, Chart, Line, STYLES};

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(100);

/// What was seen, and why there is no more of it.
pub(crate) struct Depths {
    client: Client,
    seen: RefCell<BTreeMap<String, Seen>>,
    ended: RefCell<Option<String>>,
}

/// One mailbox over time.
struct Seen {
    /// Seconds from the begin, and calls that waited then.
    depths: Vec<(f64, u64)>,
    last: Mailbox,
}

impl Depths {
    pub(crate) fn new(subject: &Subject) -> Result<Self, String> {
        let mut builder = Client::builder(subject.url.as_str()).deadline(EVERY * 20);
        if let Some(token) = &subject.token {
            builder = builder.token(token.as_str());
        }
        let client = builder.build().map_err(|error| error.to_string())?.without_retry();
        Ok(Self { client, seen: RefCell::default(), ended: RefCell::default() })
    }

    /// Looks until it is dropped.
    pub(crate) async fn watch<T>(&self) -> T {
        let begin = Instant::now();
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tick.tick().await;
            match self.client.call::<Vec<ServiceMailboxes>>(METHOD, ()).await {
                Ok(services) => self.note(begin.elapsed().as_secs_f64(), services),
                // A busy service may be late once; whoever refuses will do so again.
                Err(error) if error.rpc_error().is_some() && self.seen.borrow().is_empty() => {
                    *self.ended.borrow_mut() = Some(format!("{METHOD}: {error}"));
                    return std::future::pending().await;
                }
                Err(_) => {}
            }
        }
    }

    fn note(&self, second: f64, services: Vec<ServiceMailboxes>) {
        let mut seen = self.seen.borrow_mut();
        for mailbox in services.into_iter().flat_map(|service| service.methods) {
            let entry = seen.entry(mailbox.method.clone());
            let seen = entry.or_insert_with(|| Seen { depths: Vec::new(), last: mailbox.clone() });
            seen.depths.push((second, mailbox.depth));
            seen.last = mailbox;
        }
    }

    /// The fullest mailboxes, as many as can be told apart; `None` if nothing was seen.
    pub(crate) fn chart(&self) -> Option<Chart> {
        let seen = self.seen.borrow();
        let mut fullest: Vec<_> = seen.iter().collect();
        fullest.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.most()));
        fullest.truncate(STYLES.len());
        let end =
            fullest.iter().filter_map(|(_, seen)| seen.depths.last()).map(|(second, _)| *second).fold(0.0, f64::max);
        let most = fullest.iter().map(|(_, seen)| seen.most()).max().unwrap_or(0);
        let lines = fullest.iter().map(|(method, seen)| Line {
            name: format!("{method} (of {})", seen.last.capacity),
            points: seen.depths.iter().map(|(second, depth)| (*second, *depth as f64)).collect(),
        });
        (end > 0.0).then(|| Chart {
            title: "Calls that wait in each mailbox".to_owned(),
            x: Axis::linear("time (s)", end),
            y: Axis::linear("calls", (most as f64 * 1.05).max(10.0)),
            lines: lines.collect(),
            band: None,
            limit: None,
            dots: false,
        })
    }

    pub(crate) fn to_json(&self) -> Value {
        let seen = self.seen.borrow();
        let told = seen.iter().map(|(method, seen)| {
            let Seen { depths, last } = seen;
            let told = json!({
                "capacity": last.capacity, "depth_over_time_s": depths, "most": seen.most(), "refused": last.refused,
            });
            (method.clone(), told)
        });
        Value::Object(told.collect())
    }
}

impl Seen {
    fn most(&self) -> u64 {
        self.depths.iter().map(|(_, depth)| *depth).max().unwrap_or(0)
    }
}

impl fmt::Display for Depths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = &*self.ended.borrow() {
            return writeln!(f, "The mailboxes cannot be seen ({why}): --token makes them visible.");
        }
        let seen = self.seen.borrow();
        let width = seen.keys().map(|method| method.chars().count()).max().unwrap_or(0).max(7);
        writeln!(f, "{:width$}  {:>12}  {:>8}  {:>10}", "mailbox", "most waiting", "capacity", "refused")?;
        for (method, seen) in &*seen {
            let Mailbox { capacity, refused, .. } = seen.last;
            writeln!(f, "{method:width$}  {:>12}  {capacity:>8}  {refused:>10}", seen.most())?;
        }
        Ok(())
    }
}
