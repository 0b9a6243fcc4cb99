//! One call in a hundred panics: it gets an error, and no other call is affected.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::client::{Connection, call};
use crate::report::Report;
use crate::server_process::ServerProcess;

/// The methods: one shares the state, the other has exclusive access.
const METHODS: [&str; 2] = ["read", "write"];

const CALLERS: usize = 16;

/// Number of calls with a wrong response.
#[derive(Debug, Default)]
struct Wrong {
    /// Calls that panic without getting -32603.
    culprits: u64,
    others: u64,
}

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    let each: u64 = report.pick(25_000, 1_000);
    let server = ServerProcess::start(&[])?;
    let mut wrong = Wrong::default();
    for method in METHODS {
        let found = all(server.address, method, each)?;
        wrong.culprits += found.culprits;
        wrong.others += found.others;
    }
    let (calls, culprits) = (2 * each, 2 * each / 100);
    let target = format!("{calls} calls, of which {culprits} panic: those get -32603");
    report.exact(target, format!("{} of {culprits}", culprits - wrong.culprits), wrong.culprits == 0);
    let others = calls - culprits;
    report.exact(
        "every other one gets its result",
        format!("{} of {others}", others - wrong.others),
        wrong.others == 0,
    );

    let mut connection = Connection::open(server.address)?;
    let mailboxes = connection.result("rpc.mailboxes")?;
    for method in METHODS {
        let entry = find(&mailboxes, method).ok_or(io::ErrorKind::InvalidData)?;
        let count = |name: &str| entry[name].as_u64().unwrap_or(u64::MAX);
        let counted = [count("inline") + count("queued"), count("answered"), count("panicked")];
        let others = ["failed", "refused", "expired", "abandoned", "running"].map(count);
        let exact = counted == [each, each - each / 100, each / 100] && others == [0; 5];
        let [admitted, answered, panicked] = counted;
        let reached = format!(
            "{admitted} admitted, {answered} answered, {panicked} panicked, {} else",
            others.iter().sum::<u64>()
        );
        report.exact(format!("`{method}` is counted exactly"), reached, exact);
    }
    let panics = connection.result("panics")?;
    report.exact("no panic beside those", &panics, panics == culprits);
    Ok(())
}

/// Returns the statistics of a method, at any depth of the response.
fn find<'a>(stats: &'a Value, method: &str) -> Option<&'a Value> {
    match stats {
        Value::Object(fields) if fields.get("method").is_some_and(|name| name == method) => Some(stats),
        Value::Object(fields) => fields.values().find_map(|field| find(field, method)),
        Value::Array(entries) => entries.iter().find_map(|entry| find(entry, method)),
        _ => None,
    }
}

/// Makes the calls with the numbers from 0 to `count`, from all callers together.
fn all(address: SocketAddr, method: &str, count: u64) -> io::Result<Wrong> {
    let next = AtomicU64::new(0);
    let caller = || -> io::Result<Wrong> {
        let (mut wrong, mut connection) = (Wrong::default(), Connection::open(address)?);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(wrong);
            }
            let answer = connection.post(&call(method, &format!("[{number}]")))?.json()?;
            if number.is_multiple_of(100) {
                wrong.culprits += u64::from(answer["error"]["code"] != -32603);
            } else {
                wrong.others += u64::from(answer["result"] != number);
            }
        }
    };
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
        let mut total = Wrong::default();
        for caller in callers {
            let wrong = caller.join().map_err(|_| io::Error::other("a caller panicked"))??;
            total.culprits += wrong.culprits;
            total.others += wrong.others;
        }
        Ok(total)
    })
}
