//! What a server logs, and what it keeps to itself.

mod access_log;
mod broken_log;
mod calls;
mod causes;
mod filters;
mod floods;
mod formats;
mod requests;
mod secrets;

use callbox_test_support::http::{Response, request};
use callbox_test_support::program::RunningProgram;
use callbox_test_support::trials::Test;
use rustix::process::Signal;

pub(crate) const TESTS: [Test; 35] = [
    ("at_debug_each_call_is_one_line", calls::one_line_each),
    ("the_log_filter_comes_from_the_environment_or_the_file", filters::filters),
    ("overload_is_a_warning_and_no_flood_of_them", floods::overload),
    ("a_method_that_holds_its_thread_is_warned_of_once_a_minute_with_the_remedy", calls::dawdling),
    ("a_call_that_would_come_back_is_an_error_that_names_the_services_on_its_way", calls::round_trip),
    ("a_panic_is_an_error_under_the_id_that_its_caller_got", causes::panics),
    ("no_log_and_no_response_contains_a_token_and_no_log_a_parameter", secrets::canaries),
    ("nor_does_an_access_log_or_one_of_json_contain_any_of_them", secrets::canaries_of_json_and_access_log),
    ("a_log_that_cannot_be_written_changes_nothing_else", broken_log::unwritable),
    ("calls_under_way_are_answered_when_a_server_stops_whose_log_cannot_be_written", broken_log::unwritable_at_the_end),
    ("a_log_that_nobody_reads_changes_nothing_else", broken_log::full_pipe),
    ("a_log_that_is_read_too_late_lacks_lines_and_says_how_many", broken_log::slow_reader),
    ("a_subscriber_that_panics_changes_nothing_else", broken_log::faulty_subscriber),
    ("a_flood_of_failures_is_a_few_lines_with_the_number_of_those_left_out", floods::flood),
    ("at_debug_each_cause_is_a_line", causes::each_cause),
    ("a_rejected_host_is_logged_once_with_the_setting_that_allows_it", floods::strange_host),
    ("a_peer_with_too_many_wrong_tokens_is_warned_of_once_a_minute", floods::wrong_tokens),
    ("a_log_filter_that_has_no_effect_is_warned_of", filters::no_effect),
    ("the_cause_behind_an_id_is_logged_whichever_way_a_service_was_started", causes::any_start),
    ("in_a_log_of_json_each_line_is_one_object_also_that_of_a_panic", formats::json_alone),
    ("no_text_of_a_caller_begins_a_line_or_commands_a_terminal", formats::forged_lines),
    ("in_a_log_of_json_an_error_at_the_start_is_an_object", formats::start_errors),
    ("a_log_format_that_has_no_effect_is_warned_of", formats::no_effect),
    ("lines_of_methods_have_method_caller_and_request_wherever_they_run", requests::lines_of_methods),
    ("an_id_that_was_sent_is_in_each_line_and_in_the_response", requests::sent_ids),
    ("a_request_without_an_id_has_one_in_its_lines_and_internal_errors", requests::unsent_ids),
    ("lines_about_a_request_have_its_id_and_so_has_an_internal_error", requests::lines_of_callbox),
    ("a_request_without_a_usable_id_gets_one", requests::made_ids),
    ("a_response_with_an_internal_error_has_the_id_of_its_cause_in_the_log", requests::ids_of_errors),
    ("in_the_access_log_each_request_is_one_line", access_log::one_line_each),
    ("messages_of_websockets_and_responses_of_events_are_in_the_access_log", access_log::other_transports),
    (
        "in_the_access_log_the_peer_is_the_client_that_a_trusted_proxy_names_and_else_the_sender",
        access_log::behind_proxies,
    ),
    ("a_request_whose_client_is_gone_is_in_the_access_log", access_log::abandoned),
    ("an_access_log_that_has_no_effect_is_warned_of", access_log::without_effect),
    ("a_token_of_a_file_is_shown_once_when_it_is_made_and_nowhere_else", secrets::token_canary),
];

fn post(program: &RunningProgram, headers: &[(&str, &str)], body: &str) -> Response {
    request(program.address(), "POST", "/api", headers, body)
}

fn call(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#)
}

/// Stops the program in good order; what it has logged.
fn log_of(program: RunningProgram) -> String {
    program.signal(Signal::TERM);
    let ended = program.wait();
    assert_eq!((ended.status.code(), ended.out.as_str()), (Some(0), ""), "{}", ended.log);
    ended.log
}

fn lines<'a>(log: &'a str, level: &str) -> Vec<&'a str> {
    log.lines().filter(|line| line.split_whitespace().nth(1) == Some(level)).collect()
}
