//! Traces: contexts that go from service to service, spans, and their export to a collector.

mod collector;
mod export;
mod layers;
mod lines;
mod lost;
mod passing;
mod roles;
mod variables;

use callbox_test_support::http::{Response, request};
use callbox_test_support::program::RunningProgram;
use callbox_test_support::trials::Test;
use serde_json::{Value, json};

/// The number of a trace, and of the span of a browser in it.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// A context that a browser sends.
fn traceparent(is_sampled: bool) -> String {
    format!("00-{TRACE}-{SPAN}-0{}", u8::from(is_sampled))
}

pub(crate) use roles::run as run_role;

pub(crate) const TESTS: [Test; 23] = [
    ("a_context_goes_on_though_nobody_records_it", passing::unrecorded),
    ("a_context_of_a_websocket_is_that_of_its_calls_unless_they_have_their_own", passing::over_websocket),
    ("a_malformed_context_counts_as_not_sent", passing::malformed),
    ("one_trace_goes_from_a_browser_through_services_of_two_processes", export::one_trace),
    ("a_span_has_the_fields_of_the_conventions", export::fields),
    ("a_span_has_the_attributes_that_the_guide_names_and_no_others", export::documented),
    ("a_failed_call_has_the_code_of_its_error", export::failures),
    ("what_a_trace_that_is_not_recorded_calls_is_not_recorded_either", export::unsampled),
    ("without_a_sender_the_ratio_decides", export::ratios),
    ("spans_of_a_method_are_children_of_its_call", export::spans_of_methods),
    ("members_of_a_batch_have_spans_of_their_own", export::batches),
    ("the_last_spans_are_exported_when_the_server_stops", export::flush),
    ("a_collector_gets_spans_over_https_if_its_certificate_is_trusted", export::over_https),
    ("no_span_has_a_token", export::canary),
    ("a_program_with_a_subscriber_adds_the_layer", export::own_subscriber),
    ("a_dead_collector_changes_nothing_but_a_counter", lost::dead),
    ("a_slow_collector_fills_a_bounded_queue_and_does_not_hold_up_the_stop", lost::slow),
    ("a_collector_that_refuses_gets_later_spans", lost::refusing),
    ("lines_of_a_method_have_the_number_of_its_trace", lines::of_methods),
    ("a_variable_that_cannot_be_used_stops_the_start", variables::wrong),
    ("a_layer_gets_a_span_of_each_call_with_its_events", layers::events),
    ("lines_of_a_method_belong_to_the_span_of_its_call", layers::lines),
    ("a_layer_that_asks_for_no_calls_gets_none", layers::none),
];

/// Sends a call.
fn post(program: &RunningProgram, headers: &[(&str, &str)], method: &str, params: &Value) -> Response {
    let body = json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": 7 }).to_string();
    request(program.address(), "POST", "/api", headers, &body)
}

/// Sends a call as a part of the trace, and returns its result.
#[track_caller]
fn result(program: &RunningProgram, traceparent: Option<&str>, method: &str) -> Value {
    let headers: Vec<_> = traceparent.iter().map(|context| ("traceparent", *context)).collect();
    let response = post(program, &headers, method, &json!([]));
    let mut answer = response.json();
    assert!(answer["error"].is_null(), "{method}: {answer}");
    answer["result"].take()
}
