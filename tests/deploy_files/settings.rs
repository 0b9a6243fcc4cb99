//! The settings in the files: their names, and their times and sizes beside those of the files.

use std::collections::BTreeMap;
use std::time::Duration;

use callbox::testing;
use callbox_test_support::quotes;

use super::{lines_of, read};

/// Time that a stop may take beyond `--shutdown-delay` and `--shutdown-timeout`.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// Returns the default of each setting by its name.
fn defaults() -> BTreeMap<String, String> {
    let page = read("src/docs/settings.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.map(|row| row.split('|').map(|cell| cell.trim().trim_matches('`')).collect::<Vec<_>>());
    cells.map(|cells| (cells[0].to_owned(), cells[2].to_owned())).collect()
}

/// Returns the settings that a file gives its server, as their variables.
pub(crate) fn variables(path: &str) -> BTreeMap<String, String> {
    let text = read(path);
    let lines: Vec<_> = lines_of(&text).collect();
    let mut variables = BTreeMap::new();
    for (n, line) in lines.iter().enumerate() {
        for word in line.split_whitespace().map(|word| word.trim_start_matches("Environment=")) {
            let pair = word.strip_prefix("CALLBOX_").map(|word| word.split_once('=').unwrap_or((word, "")));
            if let Some((name, value)) = pair {
                // In Kubernetes the value is in the line below.
                let below = || lines[n + 1].trim().trim_start_matches("value: ").trim_matches('"').to_owned();
                let value = if line.trim().starts_with("- name:") { below() } else { value.to_owned() };
                variables.insert(name.to_lowercase(), value);
            }
        }
    }
    variables
}

fn seconds(text: &str) -> Duration {
    let number = text.trim_end_matches('s');
    Duration::from_secs(number.parse().unwrap_or_else(|_| panic!("no seconds: {text}")))
}

/// Returns the value that stands behind `key` in a file. It has to stand there once.
pub(crate) fn value<'t>(text: &'t str, key: &str) -> &'t str {
    let values: Vec<_> = lines_of(text).filter_map(|line| line.trim().strip_prefix(key)).collect();
    assert_eq!(values.len(), 1, "{key}");
    values[0].trim().trim_end_matches(';')
}

#[test]
fn every_variable_in_the_files_is_a_setting() {
    let defaults = defaults();
    for (path, at_least) in [("deploy/Dockerfile", 2), ("deploy/kubernetes.yaml", 6), ("deploy/callbox.service", 8)] {
        let variables = variables(path);
        assert!(variables.len() >= at_least, "{path}: {variables:?}");
        for (name, value) in &variables {
            assert!(defaults.contains_key(name), "{path} sets {name}, which is no setting");
            assert!(!value.is_empty(), "{path} sets {name} to nothing");
        }
    }
    // Flags, and variables in comments.
    for path in ["Dockerfile", "kubernetes.yaml", "callbox.service", "nginx.conf", "haproxy.cfg"] {
        let text = read(&format!("deploy/{path}"));
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'));
        for word in words {
            let variable = word.strip_prefix("CALLBOX_").map(str::to_lowercase);
            let name = variable.or_else(|| {
                let flag = word.strip_prefix("--").filter(|_| path.ends_with(".conf") || path.ends_with(".cfg"));
                flag.map(|flag| flag.replace('-', "_"))
            });
            assert!(name.as_ref().is_none_or(|name| defaults.contains_key(name)), "{path}: {word}");
        }
    }
}

#[test]
fn what_stops_a_server_waits_for_its_delay_and_its_drain() {
    let source = read("src/server/serve.rs");
    let beyond = format!("shutdown_timeout + Duration::from_secs({})", AFTERWARDS.as_secs());
    assert!(source.contains(&beyond), "the time after the drain is not {AFTERWARDS:?}");
    for (path, key) in
        [("deploy/kubernetes.yaml", "terminationGracePeriodSeconds:"), ("deploy/callbox.service", "TimeoutStopSec=")]
    {
        let (text, variables) = (read(path), variables(path));
        let needed = seconds(&variables["shutdown_delay"]) + seconds(&variables["shutdown_timeout"]) + AFTERWARDS;
        let given = seconds(value(&text, key));
        assert!(given >= needed, "{path}: {given:?} of {needed:?}");
        assert!(given < needed + Duration::from_secs(30), "{path}: {given:?} of {needed:?}");
    }
}

#[test]
fn proxies_wait_longer_than_the_server_is_silent_and_keep_connections_for_less_time_than_it() {
    let defaults = defaults();
    let (ping, keep_alive) = (seconds(&defaults["websocket_ping"]), seconds(&defaults["keep_alive"]));
    let deadline = Duration::from_secs(30);
    let (nginx, haproxy) = (read("deploy/nginx.conf"), read("deploy/haproxy.cfg"));
    for (text, key) in [
        (&nginx, "proxy_read_timeout"),
        (&haproxy, "timeout server"),
        (&haproxy, "timeout client"),
        (&haproxy, "timeout tunnel"),
    ] {
        assert!(seconds(value(text, key)) > ping.max(deadline), "{key}");
    }
    assert!(seconds(value(&nginx, "keepalive_timeout")) < keep_alive);
    let purge = value(&haproxy, "default-server").split("pool-purge-delay ").nth(1).unwrap();
    assert!(seconds(purge) < keep_alive);

    let (limit, unit) = defaults["body_limit"].split_at(1);
    assert_eq!(unit, "MiB");
    assert_eq!(value(&nginx, "client_max_body_size"), format!("{limit}m"));
    let bytes = limit.parse::<u64>().unwrap() << 20;
    assert!(haproxy.contains(&format!("content-length) gt {bytes} }}")));

    // HAProxy notices that an instance is not ready while it still answers calls.
    let delay = seconds(&variables("deploy/callbox.service")["shutdown_delay"]);
    let interval = value(&haproxy, "default-server").split_whitespace().nth(2).unwrap();
    assert!(haproxy.contains("inter 2s fall 1") && seconds(interval) * 2 < delay);
}

#[test]
fn instances_behind_a_proxy_trust_it_and_so_keep_the_limits_of_each_client() {
    let unit = read("deploy/callbox.service");
    assert!(unit.lines().any(|line| line.starts_with("# a proxy, leave this out")), "it is explained");
    for path in ["deploy/callbox.service", "deploy/kubernetes.yaml"] {
        let variables = variables(path);
        let proxies = variables["trusted_proxies"].split(',');
        // A list that is not valid stops the start.
        drop(testing::start(quotes::server().trusted_proxies(proxies)));
        for limit in ["token_failures", "max_connections_per_peer"] {
            assert!(!variables.contains_key(limit), "{path} sets {limit}");
        }
    }
    for path in ["nginx.conf", "haproxy.cfg", "Dockerfile", "kubernetes.yaml"] {
        let text = read(&format!("deploy/{path}"));
        assert!(text.contains("CALLBOX_TRUSTED_PROXIES"), "{path} does not say who has to trust it");
    }
}

#[test]
fn a_call_that_may_have_run_is_sent_to_no_other_instance() {
    let (nginx, haproxy) = (read("deploy/nginx.conf"), read("deploy/haproxy.cfg"));
    assert_eq!(value(&nginx, "proxy_next_upstream "), "error timeout");
    assert_eq!(value(&haproxy, "retry-on"), "conn-failure");
}
