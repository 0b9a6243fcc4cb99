//! Malformed bodies: each gets a well-formed response, and none leaves anything in memory.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use callbox_test_cases::wire;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::client::{Connection, Response};
use crate::mutation::{Rng, malformed};
use crate::report::Report;
use crate::server_process::ServerProcess;

/// Number of concurrent callers.
const CALLERS: u64 = 4;

/// The counts of the responses.
#[derive(Debug, Default)]
struct Counts {
    sent: usize,
    malformed_replies: usize,
    server_errors: usize,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.sent += other.sent;
        self.malformed_replies += other.malformed_replies;
        self.server_errors += other.server_errors;
    }
}

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    let count = report.pick(100_000, 4_000);
    let server = ServerProcess::start(&[])?;
    let cases = wire::cases();
    let mut connection = Connection::open(server.address)?;
    let mut wrong = Vec::new();
    for case in &cases {
        let buffer = connection.post(&case.body)?.body;
        let buffer = String::from_utf8_lossy(&buffer);
        if case.comparable((!buffer.is_empty()).then_some(&buffer)) != case.response {
            wrong.push(case.name.as_str());
        }
    }
    let what = format!("{} cases of the wire get the response that they specify", cases.len());
    report.exact(what, format!("{} wrong {}", wrong.len(), wrong.join(", ")).trim_end(), wrong.is_empty());

    let bodies: Vec<_> = cases.into_iter().map(|case| case.body).collect();
    // A server allocates some memory for good during its first calls.
    send_from_all_callers(server.address, 0, count / 20, &bodies)?;
    let before = server.memory()?;
    let counts = send_from_all_callers(server.address, CALLERS, count, &bodies)?;
    let growth = server.memory()?.growth_since(before);
    let target = format!("{count} malformed bodies get a well-formed answer");
    report.exact(
        target,
        format!("{} of {}", counts.sent - counts.malformed_replies, counts.sent),
        counts.malformed_replies == 0 && counts.sent == count,
    );
    report.exact("none of them a 5xx", counts.server_errors, counts.server_errors == 0);
    let panics = Connection::open(server.address)?.result("panics")?;
    report.exact("no panic in the process", &panics, panics == 0);
    report.exact("memory grows by less than 10 MiB", format!("{growth:.1} MiB"), growth < 10.0);
    Ok(())
}

/// Sends this number of bodies from all callers together; another `first` gives other bodies.
fn send_from_all_callers(address: SocketAddr, first: u64, count: usize, bodies: &[Vec<u8>]) -> io::Result<Counts> {
    std::thread::scope(|scope| {
        let caller = |caller| scope.spawn(move || send_some(address, Rng(caller), count / CALLERS as usize, bodies));
        let callers: Vec<_> = (first..first + CALLERS).map(caller).collect();
        let mut total = Counts::default();
        for caller in callers {
            total.add(&caller.join().map_err(|_| io::Error::other("a caller panicked"))??);
        }
        Ok(total)
    })
}

fn send_some(address: SocketAddr, mut rng: Rng, count: usize, bodies: &[Vec<u8>]) -> io::Result<Counts> {
    let (mut counts, mut connection) = (Counts::default(), Connection::open(address)?);
    for _ in 0..count {
        let body = malformed(&mut rng, bodies);
        counts.sent += 1;
        match connection.post(&body) {
            Ok(answer) => {
                counts.malformed_replies += usize::from(!is_well_formed(&answer));
                counts.server_errors += usize::from(answer.status >= 500);
            }
            Err(_) => {
                counts.malformed_replies += 1;
                connection = Connection::open(address)?;
            }
        }
    }
    Ok(counts)
}

fn is_well_formed(answer: &Response) -> bool {
    match answer.status {
        204 => answer.body.is_empty(),
        200 if answer.body.starts_with(b"[") => serde_json::from_slice::<Vec<RawResponse<'_>>>(&answer.body)
            .is_ok_and(|answers| !answers.is_empty() && answers.iter().all(is_response)),
        200 => serde_json::from_slice(&answer.body).is_ok_and(|answer| is_response(&answer)),
        _ => false,
    }
}

/// The members are raw, because an id is echoed as it was sent, and may be a number beyond all
/// types.
type RawResponse<'a> = BTreeMap<&'a str, &'a RawValue>;

fn is_response(answer: &RawResponse<'_>) -> bool {
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
