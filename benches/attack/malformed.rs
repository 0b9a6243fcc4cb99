//! Malformed bodies: each gets a well-formed answer, and nothing of them stays.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::child::Child;
use crate::client::{Answer, Connection};
use crate::mutation::{Dice, malformed};
use crate::report::Report;
use crate::table;

/// Callers at once.
const CALLERS: u64 = 4;

/// What came back.
#[derive(Debug, Default)]
struct Tally {
    sent: usize,
    ill: usize,
    server_errors: usize,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.sent += other.sent;
        self.ill += other.ill;
        self.server_errors += other.server_errors;
    }
}

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    let count = report.pick(100_000, 4_000);
    let server = Child::start(&[])?;
    let rows = table::all();
    let mut connection = Connection::open(server.address)?;
    let mut wrong = Vec::new();
    for row in &rows {
        let came = connection.post(&row.body)?.body;
        let came = String::from_utf8_lossy(&came);
        if row.comparable((!came.is_empty()).then_some(&came)) != row.answer {
            wrong.push(row.name.as_str());
        }
    }
    let what = format!("{} rows of the wire's rules are answered as they say", rows.len());
    report.exact(what, format!("{} wrong {}", wrong.len(), wrong.join(", ")).trim_end(), wrong.is_empty());

    let bodies: Vec<_> = rows.into_iter().map(|row| row.body).collect();
    // What a server keeps for ever it has once it has been asked for a while.
    all(server.address, 0, count / 20, &bodies)?;
    let before = server.memory()?;
    let tally = all(server.address, CALLERS, count, &bodies)?;
    let growth = server.memory()?.growth_since(before);
    let target = format!("{count} malformed bodies get a well-formed answer");
    report.exact(
        target,
        format!("{} of {}", tally.sent - tally.ill, tally.sent),
        tally.ill == 0 && tally.sent == count,
    );
    report.exact("none of them a 5xx", tally.server_errors, tally.server_errors == 0);
    let panics = Connection::open(server.address)?.result("panics")?;
    report.exact("no panic in the process", &panics, panics == 0);
    report.exact("memory grows by less than 10 MiB", format!("{growth:.1} MiB"), growth < 10.0);
    Ok(())
}

/// Sends so many bodies from all callers together; another `first` gives others.
fn all(address: SocketAddr, first: u64, count: usize, bodies: &[Vec<u8>]) -> io::Result<Tally> {
    std::thread::scope(|scope| {
        let caller = |caller| scope.spawn(move || some(address, Dice(caller), count / CALLERS as usize, bodies));
        let callers: Vec<_> = (first..first + CALLERS).map(caller).collect();
        let mut total = Tally::default();
        for caller in callers {
            total.add(&caller.join().map_err(|_| io::Error::other("a caller panicked"))??);
        }
        Ok(total)
    })
}

fn some(address: SocketAddr, mut dice: Dice, count: usize, bodies: &[Vec<u8>]) -> io::Result<Tally> {
    let (mut tally, mut connection) = (Tally::default(), Connection::open(address)?);
    for _ in 0..count {
        let body = malformed(&mut dice, bodies);
        tally.sent += 1;
        match connection.post(&body) {
            Ok(answer) => {
                tally.ill += usize::from(!is_well_formed(&answer));
                tally.server_errors += usize::from(answer.status >= 500);
            }
            Err(_) => {
                tally.ill += 1;
                connection = Connection::open(address)?;
            }
        }
    }
    Ok(tally)
}

fn is_well_formed(answer: &Answer) -> bool {
    match answer.status {
        204 => answer.body.is_empty(),
        200 if answer.body.starts_with(b"[") => serde_json::from_slice::<Vec<Response<'_>>>(&answer.body)
            .is_ok_and(|answers| !answers.is_empty() && answers.iter().all(is_response)),
        200 => serde_json::from_slice(&answer.body).is_ok_and(|answer| is_response(&answer)),
        _ => false,
    }
}

/// Raw, as an id is echoed as it was sent, and may be a number beyond all types.
type Response<'a> = BTreeMap<&'a str, &'a RawValue>;

fn is_response(answer: &Response<'_>) -> bool {
    let outcome = match (answer.get("result"), answer.get("error")) {
        (Some(_), None) => true,
        (None, Some(error)) => serde_json::from_str::<Value>(error.get())
            .is_ok_and(|error| error["code"].is_i64() && error["message"].is_string()),
        _ => false,
    };
    let version = answer.get("jsonrpc").is_some_and(|version| version.get() == "\"2.0\"");
    let id = answer.get("id").is_some_and(|id| id.get() == "null" || !id.get().starts_with(['[', '{', 't', 'f', 'n']));
    version && id && outcome && answer.len() == 3
}
