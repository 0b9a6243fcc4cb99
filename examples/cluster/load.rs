//! The client: 150 calls a second, whatever becomes of them.

#![expect(clippy::print_stdout, reason = "the program prints what it sees")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::rc::Rc;
use std::time::{Duration, Instant};

use callbox::client::Nats;

use crate::service::QuotesClient;

/// Time between two calls.
const INTERVAL: Duration = Duration::from_micros(6_667);

/// Maximum time that a caller waits.
const DEADLINE: Duration = Duration::from_secs(1);

/// What became of the calls that ended within a second.
#[derive(Debug, Default)]
struct Second {
    times: Vec<Duration>,
    lost: u64,
    by: BTreeMap<String, u64>,
}

impl Second {
    /// Prints a row of the table.
    fn print(&mut self, number: u64) {
        self.times.sort_unstable();
        let time = |percent: usize| {
            let at = (self.times.len() * percent / 100).min(self.times.len().saturating_sub(1));
            format!("{}ms", self.times.get(at).copied().unwrap_or_default().as_millis())
        };
        let by = |name: &str| self.by.get(name).copied().unwrap_or_default();
        let (answered, lost, p50, p99) = (self.times.len(), self.lost, time(50), time(99));
        let (a, b, c) = (by("a"), by("b"), by("c"));
        println!("{number:>6} {answered:>8} {lost:>4} {p50:>6} {p99:>6}  {a:>4} {b:>4} {c:>4}");
    }
}

/// Makes a call, and notes what becomes of it.
async fn call(quotes: QuotesClient, second: Rc<RefCell<Second>>) {
    let began = Instant::now();
    let quote = quotes.quote(2_000).await;
    let mut second = second.borrow_mut();
    match quote {
        Ok(quote) => {
            second.times.push(began.elapsed());
            *second.by.entry(quote.by).or_default() += 1;
        }
        Err(_) => second.lost += 1,
    }
}

/// Calls the service for so many seconds, and prints what becomes of the calls.
///
/// # Errors
/// If NATS cannot be reached.
pub async fn run(nats: &str, seconds: u64) -> Result<(), Box<dyn Error>> {
    let quotes = QuotesClient::from(Nats::connect(nats).await?.service("example.quotes").with_deadline(DEADLINE));
    let current = Rc::<RefCell<Second>>::default();
    let (mut calls, mut answered, mut lost) = (Vec::new(), 0, 0);
    let (began, mut ticks) = (Instant::now(), actix::clock::interval(INTERVAL));
    println!("second answered lost    p50    p99     a    b    c");
    for number in 1..=seconds {
        while began.elapsed() < Duration::from_secs(number) {
            ticks.tick().await;
            calls.push(actix::spawn(call(quotes.clone(), Rc::clone(&current))));
        }
        if number == seconds {
            // Those of the last second have no other row.
            for call in calls.drain(..) {
                call.await?;
            }
        }
        let mut second = current.take();
        second.print(number);
        answered += second.times.len();
        lost += second.lost;
    }
    println!("{answered} calls were answered, {lost} were lost");
    Ok(())
}
