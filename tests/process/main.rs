//! A server as a process: signals, settings, and what it says when it cannot start; its [`logs`],
//! its [`traces`], [`streams`], and [`tls`].
//!
//! All of it is one program, so that what waits in one test is the time of another.

mod blocking_methods;
mod early_calls;
mod logs;
mod settings;
mod signals;
mod start_errors;
mod streams;
mod tls;
mod tokens;
mod traces;

use std::process::ExitCode;

use callbox_test_support::roles;
use callbox_test_support::trials::{self, Test};

fn main() -> ExitCode {
    if let Some(end) = traces::run_role().or_else(roles::run) {
        return end;
    }
    let tests: [Test; 30] = [
        ("a_method_that_does_not_return_holds_one_thread_and_the_next_call_of_it_none", blocking_methods::naps),
        ("a_method_that_may_not_run_inline_holds_no_thread_of_http", blocking_methods::naps_at_home),
        ("a_compute_method_may_hold_its_thread_without_a_warning", blocking_methods::naps_on_the_pool),
        ("a_stop_ends_in_time_although_a_method_does_not_and_the_exit_code_says_so", blocking_methods::left_running),
        ("the_first_call_after_the_port_opens_is_answered_however_long_the_start_takes", early_calls::starts),
        ("calls_that_wait_for_a_service_that_cannot_start_get_an_error", early_calls::waits_in_vain),
        ("a_stop_before_the_services_are_up_answers_the_calls_that_wait_for_them", early_calls::stopped_early),
        ("sigterm_sigint_and_sighup_answer_all_calls_and_refuse_new_connections", signals::drains),
        ("sigterm_ends_subscriptions_answers_calls_and_closes_websockets_with_1001", signals::drains_streams),
        ("a_second_signal_ends_the_program_at_once", signals::second_signal),
        ("a_second_sighup_changes_nothing", signals::second_hangup),
        ("a_server_that_was_started_to_ignore_sighup_does_so", signals::ignored_hangup),
        ("after_a_pause_of_the_process_no_call_is_answered_with_a_result_beyond_its_deadline", signals::pause),
        ("a_server_that_is_about_to_stop_is_not_ready_and_answers_as_before", signals::leaves),
        ("ctrl_c_skips_the_delay_of_a_stop_and_a_second_sigterm_cuts_it_short", signals::delay_cut_short),
        ("each_error_at_the_start_is_one_line", start_errors::one_line),
        ("help_and_settings_are_shown_without_starting_anything", settings::shown),
        ("port_0_picks_a_free_port_and_the_log_names_it", settings::port_0),
        ("a_flag_makes_the_answers_those_of_pymicroservice", settings::dialect),
        ("an_idle_connection_is_kept_for_longer_than_one_whose_client_stalls", settings::keep_alive),
        ("flags_go_before_the_environment_and_that_before_the_file", settings::sources),
        ("a_program_reads_settings_of_its_own_from_the_same_sources", settings::own),
        ("the_log_suggests_a_call_that_works", settings::try_it),
        ("the_log_tells_the_public_address", settings::public_address),
        ("what_kubernetes_sets_beside_a_service_of_our_name_is_taken_as_unset", settings::beside_a_service_of_our_name),
        ("calls_of_a_websocket_wait_beyond_the_number_that_a_flag_a_variable_or_the_file_sets", streams::calls),
        ("subscriptions_are_refused_beyond_the_number_that_a_flag_a_variable_or_the_file_sets", streams::subscriptions),
        ("a_stream_that_holds_its_thread_is_warned_of_with_the_remedy", streams::held_threads),
        ("a_running_server_follows_the_file_in_which_tokens_are_made_and_revoked", tokens::tokens),
        ("a_file_of_tokens_counts_if_it_is_named_or_if_nobody_else_checks_tokens", tokens::token_file),
    ];
    trials::run(tests.into_iter().chain(tls::TESTS).chain(logs::TESTS).chain(traces::TESTS))
}

const HELLO: &str = r#"{"jsonrpc":"2.0","method":"say_hello","params":{"name":"world"},"id":1}"#;
