//! The path of a call through the sources: the functions that a reader opens to follow one call, in
//! their order. The test keeps the path as short as it is.
//!
//! A hop is a function with more than one statement that passes on the bytes, the message or the
//! reply of the call. A function that only answers a question (`is_json`, `is_short`) is not a hop:
//! its name says what a reader has to know. The functions that track the connection are not part of
//! the path.

use std::collections::BTreeSet;
use std::fs;

/// The sources.
const SRC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../src");

/// Number of lines of a function on the way, at most.
const LINES: usize = 60;

/// One function on the way.
struct Hop {
    file: &'static str,
    function: &'static str,
    /// The text by which a function before it leads to it.
    by: &'static str,
}

const fn hop(file: &'static str, function: &'static str, by: &'static str) -> Hop {
    Hop { file, function, by }
}

/// A call over HTTP of a sync method that runs where it arrived, from the request to its response.
const INLINE: &[Hop] = &[
    hop("http/rpc/mod.rs", "fast_path", ""),
    hop("http/rpc/mod.rs", "answer", "endpoint.answer("),
    hop("http/rpc/mod.rs", "answer_with", "self.answer_with("),
    hop("http/guard/respond.rs", "respond", ".respond(rules"),
    hop("http/guard/mod.rs", "admit", "self.admit("),
    hop("http/rpc/mod.rs", "call", "self.call("),
    hop("http/body/mod.rs", "read", "body::read("),
    hop("http/body/mod.rs", "collect", "collect("),
    hop("http/rpc/mod.rs", "handle", ".handle.handle("),
    hop("jsonrpc/envelope.rs", "parse_with", "Envelope::parse("),
    hop("jsonrpc/envelope.rs", "member", "member("),
    hop("jsonrpc/request.rs", "read", "request::read("),
    hop("jsonrpc/request.rs", "deserialize", ".deserialize("),
    hop("jsonrpc/request.rs", "visit_map", "RawMembersVisitor"),
    hop("jsonrpc/request.rs", "judge", ".judge("),
    hop("dispatch/mod.rs", "handle", "Dispatch::handle("),
    hop("dispatch/mod.rs", "resolve", "self.resolve("),
    hop("dispatch/mod.rs", "single", "self.single("),
    hop("jsonrpc/response.rs", "open", "Draft::reply("),
    hop("dispatch/resolved_request.rs", "start", "request.start("),
    hop("dispatch/resolved_request.rs", "authorize", "self.authorize_logged("),
    hop("dispatch/resolved_request.rs", "allowed_caller", "allowed_caller("),
    hop("engine/method_route.rs", "start", "route.start("),
    hop("engine/begin.rs", "begin", "begin("),
    hop("engine/begin.rs", "runs_inline", "runs_inline::<S, M>("),
    hop("../client/src/params/mod.rs", "read", "message.parse("),
    hop("../client/src/params/mod.rs", "read_with", "read_with("),
    hop("../client/src/params/mod.rs", "visit", "deserialize"),
    hop("engine/begin.rs", "run_inline", "run_inline("),
    hop("engine/run/inline.rs", "run_now", "run_now("),
    hop("engine/run/inline.rs", "take_soon", "take_soon("),
    hop("engine/state.rs", "new", "Turn::take("),
    hop("engine/run/mod.rs", "run", "run("),
    hop("engine/run/mod.rs", "run", "turn.run("),
    hop("engine/state.rs", "drop", "drop(turn)"),
    hop("measure/call_record.rs", "end", "record.end("),
    hop("measure/call_record.rs", "ended", "meter.ended("),
    hop("measure/call_record.rs", "log_end", "self.log_end("),
    hop("engine/answer.rs", "write", "write(M::NAME"),
    hop("jsonrpc/budget.rs", "write", "budget.write("),
    hop("jsonrpc/response.rs", "close", "draft.close("),
    hop("http/rpc/mod.rs", "respond", "self.respond("),
];

/// A call that waits in its mailbox, from where it begins to where its reply is with its caller.
const QUEUED: &[Hop] = &[
    hop("engine/begin.rs", "begin", ""),
    hop("mailbox/admission.rs", "admit", "admission.admit("),
    hop("mailbox/quota.rs", "try_acquire", "slots.try_acquire("),
    hop("mailbox/call/mod.rs", "new", "Call::new("),
    hop("engine/mailboxes.rs", "push_deferred", "push_deferred("),
    hop("mailbox/call_queue.rs", "push_without_wake", "push_without_wake("),
    hop("mailbox/call_queue.rs", "append", "self.append("),
    hop("mailbox/bell.rs", "mark", "bell.mark("),
    hop("engine/schedule/scheduler/mod.rs", "serve", ""),
    hop("engine/schedule/scheduler/mod.rs", "poll_round", "self.poll_round("),
    hop("engine/schedule/scheduler/mod.rs", "start_calls", "self.start_calls("),
    hop("mailbox/call_queue.rs", "head", ".head("),
    hop("engine/run/queued.rs", "start", "queued.start("),
    hop("engine/run/queued.rs", "run", "call.run::<S>("),
    hop("mailbox/call/mod.rs", "begin", "self.begin("),
    hop("mailbox/call_state.rs", "begin", "self.state.begin("),
    hop("engine/run/mod.rs", "run", "run("),
    hop("engine/run/mod.rs", "run", "turn.run("),
    hop("mailbox/call/mod.rs", "end", "self.end("),
    hop("mailbox/call/mod.rs", "ready", "self.ready("),
    hop("mailbox/call_state.rs", "end", "self.state.end("),
    hop("measure/call_record.rs", "end", "self.record.end("),
    hop("measure/call_record.rs", "ended", "meter.ended("),
    hop("measure/call_record.rs", "log_end", "self.log_end("),
    hop("engine/schedule/scheduler/mod.rs", "started", "self.started("),
    hop("mailbox/call/mod.rs", "answer", ""),
    hop("mailbox/call/mod.rs", "poll", "&mut waiting"),
    hop("mailbox/call_state.rs", "poll_reply", "poll_reply("),
    hop("mailbox/call/mod.rs", "if_in_time", "if_in_time("),
];

/// The functions of that name in a file, whole.
fn functions(file: &str, name: &str) -> Vec<String> {
    let code = fs::read_to_string(format!("{SRC}/{file}")).unwrap_or_else(|error| panic!("{file}: {error}"));
    let lines: Vec<_> = code.lines().collect();
    let begins = |line: &str| {
        let at = line.find(&format!("fn {name}"))?;
        let rest = &line[at + "fn ".len() + name.len()..];
        (rest.starts_with(['(', '<']) && !line.trim_start().starts_with("//"))
            .then(|| line.len() - line.trim_start().len())
    };
    let function = |(at, line): (usize, &&str)| {
        let end = format!("{}}}", " ".repeat(begins(line)?));
        let length = lines[at..].iter().position(|line| **line == end)?;
        Some(lines[at..=at + length].join("\n"))
    };
    lines.iter().enumerate().filter_map(function).collect()
}

/// Follows a way. Number of hops and of files.
fn walk(way: &[Hop]) -> (usize, usize) {
    let mut passed = String::new();
    for Hop { file, function, by } in way {
        let found = functions(file, function);
        assert!(!found.is_empty(), "there is no function `{function}` in {file}: mend the list, and keep it short");
        assert!(passed.contains(by), "nothing before `{function}` in {file} leads to it by `{by}`");
        for code in &found {
            let lines = code.lines().count();
            assert!(lines <= LINES, "`{function}` in {file} has {lines} lines, more than {LINES}");
            passed.push_str(code);
        }
    }
    (way.len(), way.iter().map(|hop| hop.file).collect::<BTreeSet<_>>().len())
}

#[test]
fn a_call_that_runs_where_it_arrives_passes_few_functions_and_files() {
    let (hops, files) = walk(INLINE);
    assert!(hops <= 45 && files <= 18, "{hops} hops in {files} files");
}

#[test]
fn a_call_that_waits_in_its_mailbox_passes_few_functions_and_files() {
    let (hops, files) = walk(QUEUED);
    assert!(hops <= 40 && files <= 14, "{hops} hops in {files} files");
}
