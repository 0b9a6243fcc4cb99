//! Services on NATS: calls, groups of instances, and what happens when parts of it are lost.
//!
//! Needs a NATS server: `bash tests/python/setup` installs one. The variable `NATS_SERVER` names
//! another. With `NATS_TESTS=every-server` only those tests run that older servers have to pass,
//! too: `bash tests/nats/setup` makes such servers ready.

mod abuse;
mod calls;
mod clients;
mod cluster;
mod credentials;
mod discovery;
mod faults;
mod groups;
mod logs;
mod market;
mod network;
mod peers;
mod references;
mod tls;
mod versions;

use std::process::{ExitCode, Termination};

use callbox_test_support::nats_server::{NatsServer, nats_version};
use callbox_test_support::program::ROLE;
use callbox_test_support::trials::{self, Test};

/// What depends on the server, and is tested with older ones as well.
const EVERY_SERVER: &[Test] = &[
    ("a_payload_is_the_parameters_and_that_of_the_reply_the_result_or_the_error", calls::payloads),
    ("headers_say_who_calls_how_long_they_wait_and_the_id_of_the_request", calls::headers),
    ("a_message_without_a_reply_subject_is_a_notification", calls::notifications),
    ("a_result_that_nats_cannot_carry_is_an_error", calls::large_results),
    ("a_request_that_nats_cannot_carry_is_an_error_at_the_client", abuse::large_requests),
    ("names_passwords_and_tokens_are_in_the_address", credentials::in_the_address),
    ("a_file_of_credentials_has_a_jwt_and_a_key", credentials::in_a_file),
    ("users_need_no_more_permissions_than_the_guide_says", credentials::permissions),
    ("whoever_trusts_the_server_is_served_over_tls", tls::server_certificate),
    ("a_server_that_asks_for_a_certificate_gets_it", tls::client_certificate),
    ("messages_that_are_too_large_or_odd_change_nothing", calls::odd_messages),
    ("a_call_ends_when_its_caller_cancels_it", calls::cancelling),
    ("typed_clients_call_notify_and_send_batches", clients::typed),
    ("a_service_that_nobody_has_is_unavailable", clients::nobody_there),
    ("a_caller_that_leaves_cancels_its_call", clients::dropped_calls),
    ("items_of_a_subscription_arrive_in_order_until_it_is_dropped", clients::subscriptions),
    ("reports_of_a_call_arrive_before_its_result", clients::progress),
    ("a_subscription_ends_if_nobody_renews_it", clients::leases),
    ("each_instance_gets_its_share_of_the_calls", groups::shares),
    ("an_instance_that_stops_under_load_loses_no_call", groups::stops_under_load),
    ("metrics_show_the_connection_and_the_groups", groups::shown),
    ("the_console_shows_all_instances", groups::in_console),
    ("instances_answer_pings_and_say_what_they_have_and_how_they_do", discovery::answers),
    ("nats_py_calls_by_name_and_by_position", peers::python_client),
    ("the_server_of_nats_may_go_away_and_come_back", faults::server_restarts),
];

/// What is tested with the current server only.
const CURRENT_SERVER: &[Test] = &[
    ("another_instance_goes_on_with_the_subscriptions_of_one_that_stops", clients::moved_subscriptions),
    ("a_slow_instance_leaves_its_group_and_joins_again", groups::slow_instance),
    ("a_slow_instance_whose_calls_await_leaves_its_group_too", groups::slow_async_instance),
    ("services_of_others_are_called_by_their_endpoints", discovery::foreign),
    ("a_service_of_somebody_else_is_found_where_it_is_now", discovery::moved),
    ("a_service_of_nats_py_is_called", peers::python_service),
    ("the_packages_of_nats_for_node_find_and_call_a_service", peers::node_client),
    ("a_service_of_the_packages_for_node_is_called", peers::node_service),
    ("a_server_of_nats_that_stands_still_holds_up_nobody_beyond_a_deadline", faults::server_pauses),
    ("only_calls_of_an_instance_that_is_killed_are_lost", faults::killed_instance),
    ("calls_of_an_instance_that_stands_still_end_at_their_deadlines", faults::paused_instance),
    ("instances_are_replaced_and_no_caller_notices", faults::rolling_restart),
    ("services_call_each_other_by_their_names_alone", references::by_name),
    ("deadline_and_request_travel_with_a_call", references::what_travels),
    ("a_server_without_a_token_for_private_methods_elsewhere_says_so", references::warns_without_token),
    ("a_circle_of_waiting_is_refused_across_servers", references::circles),
    ("wrong_tokens_are_answered_late_and_lock_out_nobody", abuse::wrong_tokens),
    ("thousands_of_odd_messages_leave_a_service_as_it_was", abuse::odd_messages),
    ("the_access_log_has_a_line_for_each_call", logs::access),
    ("two_versions_of_a_service_run_at_once", versions::both_at_once),
    ("a_service_that_may_not_subscribe_does_not_start", credentials::missing_permissions),
    ("an_instance_whose_link_was_cut_comes_back", network::cut_link),
    ("the_example_cluster_does_what_it_describes", cluster::script),
    ("a_program_that_cannot_use_nats_says_why", faults::start_errors),
];

fn main() -> ExitCode {
    match std::env::var(ROLE).as_deref() {
        Ok("ill-named") => return faults::ill_named().with_args().start().report(),
        Ok("orders") => return references::orders_alone().with_args().start().report(),
        Ok(_) => return market::server().with_args().start().report(),
        Err(_) => {}
    }
    let is_short = std::env::var("NATS_TESTS").is_ok_and(|tests| tests == "every-server");
    eprintln!("the server is {}", nats_version());
    let rest = if is_short { &[] } else { CURRENT_SERVER };
    trials::run(EVERY_SERVER.iter().chain(rest).copied())
}

/// Runs async code of a test.
fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

async fn connect(nats: &NatsServer) -> async_nats::Client {
    async_nats::connect(nats.url()).await.unwrap()
}
