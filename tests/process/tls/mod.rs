//! A server with TLS, as its clients and its operator see it.

mod bad_clients;
mod calls;
mod certificates;
mod tls_server;

use callbox_test_support::trials::Test;

pub(crate) const TESTS: [Test; 12] = [
    ("calls_are_answered_over_tls_1_2_and_1_3_and_http_1_1_only", calls::answers),
    ("a_changed_pair_is_shown_to_new_connections_and_a_broken_one_is_not", certificates::reloads),
    ("a_mistake_in_the_files_is_one_line_at_the_start", certificates::one_line),
    ("who_speaks_plain_http_or_nonsense_is_sent_away_and_harms_nobody", bad_clients::plain),
    ("nonsense_is_no_error_in_the_log_with_tls_or_without", bad_clients::no_errors),
    ("connections_that_say_nothing_take_no_place_of_other_peers", bad_clients::silent),
    ("a_handshake_that_stalls_is_ended_and_holds_up_nobody", bad_clients::stalled),
    ("a_client_that_stalls_in_its_second_head_is_ended_with_tls_too", bad_clients::second_head),
    ("an_idle_connection_ends_in_good_order_after_as_long_as_is_set", bad_clients::idle),
    ("one_peer_has_only_so_many_connections_with_tls_too", bad_clients::per_peer),
    ("a_page_without_tls_is_another_site", calls::origins),
    ("a_stop_answers_admitted_calls_and_waits_for_no_handshake", calls::drains),
];

const HELLO: &str = r#"{"jsonrpc":"2.0","method":"say_hello","params":{"name":"world"},"id":1}"#;
const ANSWER: &str = r#"{"jsonrpc":"2.0","result":"hello world","id":1}"#;
