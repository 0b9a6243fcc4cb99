//! Methods that do not return, and what still works meanwhile.

use callbox_test_support::http::{Connection, request};
use callbox_test_support::program::{Program, ProgramOutput, RunningProgram};
use rustix::process::Signal;

fn rpc(program: &RunningProgram, headers: &[(&str, &str)], method: &str, params: &str) -> serde_json::Value {
    let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#);
    request(program.address(), "POST", "/api", headers, body).json()
}

const AN_HOUR: &str = "[3600000]";

/// A call that does not come back, of a method that was quick until then.
fn napping(method: &str) -> (RunningProgram, Connection) {
    let program = Program::with_role("napping", &["--port", "0"]).start();
    for _ in 0..300 {
        assert_eq!(rpc(&program, &[], method, "[0]")["result"], 0);
    }
    let mut napping = Connection::open(program.address());
    let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{AN_HOUR},"id":1}}"#);
    napping.send_request("POST", "/api", &[], body);
    (program, napping)
}

/// What must still work while a call does not return.
fn assert_others_still_run(program: &RunningProgram, method: &str) {
    for round in 0..20 {
        assert_eq!(request(program.address(), "GET", "/health/live", &[], "").status, 200, "{round}");
        assert_eq!(rpc(program, &[], "blink", "[]")["result"], 0, "{round}");
    }
    // More of them than there are workers.
    for round in 0..6 {
        let late = rpc(program, &[("Request-Timeout", "0.1")], method, AN_HOUR);
        assert_eq!(late["error"]["code"], -32002, "{round}: {late}");
    }
    assert_eq!(rpc(program, &[], "stare", "[]")["error"]["code"], -32002);
    assert_eq!(request(program.address(), "GET", "/health/ready", &[], "").status, 200);
}

pub(crate) fn naps() {
    let (mut program, napping) = napping("nap");
    program.wait_for_line("the method holds its thread and does not end");
    assert_others_still_run(&program, "nap");
    drop(napping);
}

pub(crate) fn naps_at_home() {
    let (program, mut napping) = napping("nap_at_home");
    assert_others_still_run(&program, "nap_at_home");
    // Its own deadline is kept, too.
    let late = rpc(&program, &[("Request-Timeout", "0.1")], "nap_at_home", "[0]");
    assert_eq!(late["error"]["code"], -32002, "{late}");
    program.signal(Signal::TERM);
    assert_eq!(napping.read_response().json()["error"]["code"], -32603, "cut off at the limit");
    let ProgramOutput { status, log, .. } = program.wait();
    assert!(status.code() == Some(1) && log.contains("left running (nap_at_home)"), "{status:?}\n{log}");
}

pub(crate) fn naps_on_the_pool() {
    let program = Program::with_role("napping", &["--port", "0"]).start();
    assert_eq!(rpc(&program, &[], "nap_on_the_pool", "[1500]")["result"], 1500);
    program.signal(Signal::TERM);
    let ProgramOutput { status, log, .. } = program.wait();
    assert!(status.success() && !log.contains("WARN"), "{status:?}\n{log}");
}

pub(crate) fn left_running() {
    let (mut program, _napping) = napping("nap");
    program.wait_for_line("the method holds its thread and does not end");
    program.signal(Signal::TERM);
    // Waits for 30 s at most.
    let ProgramOutput { status, log, .. } = program.wait();
    assert!(status.code() == Some(1) && log.contains("left running (nap)"), "{status:?}\n{log}");
}
