//! Lines of the log that name the trace.

use rustix::process::Signal;
use serde_json::Value;

use crate::traces::collector::{Collector, Manner};
use crate::traces::{TRACE, result, roles, traceparent};

pub(crate) fn of_methods() {
    let collector = Collector::start(Manner::Takes);
    for collector in [None, Some(&collector)] {
        let url = collector.map(|collector| collector.url.as_str());
        let args = ["--port", "0", "--log-format", "json", "--access-log"];
        let front = roles::start_with("front", &args, url, None, &[]);
        result(&front, Some(&traceparent(true)), "front.ask_near");
        result(&front, None, "front.line");
        let made = collector.map(|collector| collector.wait_for_span("test.front", "front.line").trace_id);
        front.signal(Signal::TERM);
        let log = front.wait().log;
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
        let of = |is_it: &dyn Fn(&&Value) -> bool| lines.iter().find(is_it).unwrap_or_else(|| panic!("{log}"));
        let trace = |line: &Value| line["trace_id"].as_str().map(str::to_owned);
        assert_eq!(trace(of(&|line| line["message"] == "a line of near")).as_deref(), Some(TRACE));
        assert_eq!(trace(of(&|line| line["message"] == "a line of front")), made);
        let access = |method: &str| of(&|line| line["target"] == "callbox::access" && line["method"] == method).clone();
        assert_eq!(trace(&access("front.ask_near")).as_deref(), Some(TRACE));
        assert_eq!(trace(&access("front.line")), made);
    }
}
