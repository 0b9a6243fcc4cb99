//! The files in `deploy`, given to the programs that they are for: Prometheus, nginx, HAProxy and
//! systemd's checker.
//!
//! `bash tests/foreign` installs them. The target `deploy_files` checks what needs no other
//! program.

mod behind_proxies;
mod clients;
mod flood;
mod manifests;
mod prometheus;
mod proxy;
mod restarts;
mod unit;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};

use callbox_test_support::roles;
use callbox_test_support::trials::{self, Test};

use proxy::Kind::{Haproxy, Nginx};

fn main() -> ExitCode {
    if let Some(end) = roles::run() {
        return end;
    }
    let tests: [Test; 24] = [
        ("promtool_accepts_the_metrics_in_both_formats", prometheus::formats),
        ("the_alert_rules_are_valid_and_fire_when_they_should", prometheus::rules),
        ("prometheus_scrapes_a_server_and_answers_every_query_of_the_dashboard", prometheus::scrapes),
        ("a_flood_of_one_method_is_seen_in_the_overload_panels_and_no_other_method_is", flood::shows),
        ("nginx_accepts_its_file_as_it_is", || proxy::accepts(Nginx)),
        ("haproxy_accepts_its_file_as_it_is", || proxy::accepts(Haproxy)),
        ("1000_calls_through_nginx_share_a_few_connections", || behind_proxies::reuses(Nginx)),
        ("1000_calls_through_haproxy_share_a_few_connections", || behind_proxies::reuses(Haproxy)),
        ("bodies_pass_nginx_up_to_the_limit", || behind_proxies::large_bodies(Nginx)),
        ("bodies_pass_haproxy_up_to_the_limit", || behind_proxies::large_bodies(Haproxy)),
        ("behind_nginx_the_peer_is_the_client_whatever_it_sends", || clients::addresses(Nginx)),
        ("behind_haproxy_the_peer_is_the_client_whatever_it_sends", || clients::addresses(Haproxy)),
        ("wrong_tokens_of_one_client_behind_nginx_deny_nobody_else", || clients::wrong_tokens(Nginx)),
        ("wrong_tokens_of_one_client_behind_haproxy_deny_nobody_else", || clients::wrong_tokens(Haproxy)),
        ("nginx_limits_the_connections_of_each_client", || clients::crowds(Nginx)),
        ("haproxy_limits_the_connections_of_each_client", || clients::crowds(Haproxy)),
        ("a_websocket_and_events_pass_nginx", || behind_proxies::streams(Nginx)),
        ("a_websocket_and_events_pass_haproxy", || behind_proxies::streams(Haproxy)),
        ("an_instance_that_is_gone_fails_no_call_of_nginx", || restarts::one_is_gone(Nginx)),
        ("an_instance_that_is_gone_fails_no_call_of_haproxy", || restarts::one_is_gone(Haproxy)),
        ("two_instances_behind_nginx_restart_without_a_failed_call", restarts::rolling_nginx),
        ("two_instances_behind_haproxy_restart_without_a_failed_call", restarts::rolling_haproxy),
        ("systemd_accepts_the_unit_and_finds_it_hardened", unit::verified),
        ("the_manifests_are_yaml_whose_parts_fit_together", manifests::fit),
    ];
    trials::run(tests)
}

/// Returns the path of a file in `deploy`.
fn file(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy")).join(name)
}

/// Returns the text of a file in `deploy`.
fn text_of(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Runs a program that has to be content, and returns what it says.
fn run(command: &mut Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let Output { status, stdout, stderr } =
        output.unwrap_or_else(|error| panic!("{program}: {error}: `bash tests/foreign` installs it"));
    let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{program}: {status}: {said}");
    said
}
