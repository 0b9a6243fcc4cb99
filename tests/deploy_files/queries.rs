//! The queries of the dashboard and of the alert rules, held to the metrics of a running server.

use std::collections::{BTreeMap, BTreeSet};

use callbox::testing::{self, TestServer};
use callbox_test_support::http::request;
use callbox_test_support::quotes;
use callbox_test_support::websocket::WebSocket;
use serde_json::{Value, json};

use super::read;
use super::tokens::{Matcher, Query, parse};

/// Labels that Prometheus adds to what it scrapes.
const OF_PROMETHEUS: &[&str] = &["job", "instance"];

/// For each label the values that a metric has.
type Labels = BTreeMap<String, BTreeSet<String>>;

/// A server of which every metric has a value.
fn busy_server() -> TestServer {
    let server = testing::start(quotes::server());
    let mut client = WebSocket::open(server.address());
    client.subscribe("prices", json!([]));
    client.result("publish", json!([1.5]));
    server
}

/// Returns the metrics that a server exposes.
fn metrics_of(server: &TestServer) -> BTreeMap<String, Labels> {
    let text = request(server.address(), "GET", "/metrics", &[("Connection", "close")], "").body;
    let mut metrics = BTreeMap::<_, Labels>::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let sample = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}")).0;
        let (name, selector) = sample.split_once('{').unwrap_or((sample, "}"));
        let labels = metrics.entry(name.to_owned()).or_default();
        for label in selector.trim_end_matches('}').split(',').filter(|label| !label.is_empty()) {
            let (label, value) = label.split_once('=').unwrap_or_else(|| panic!("no label: {line}"));
            labels.entry(label.to_owned()).or_default().insert(value.trim_matches('"').to_owned());
        }
    }
    // Prometheus itself makes it, for each target.
    metrics.insert("up".to_owned(), Labels::new());
    metrics.extend(of_nats());
    metrics
}

/// Returns the metrics of a server that is connected to NATS, which this one is not. In the target
/// `deploy` the queries for them are asked of one that is.
fn of_nats() -> impl Iterator<Item = (String, Labels)> {
    let of = |labels: &[&str]| labels.iter().map(|label| ((*label).to_owned(), BTreeSet::new())).collect::<Labels>();
    let table = [
        ("connected", of(&[])),
        ("reconnects_total", of(&[])),
        ("member", of(&["service", "method"])),
        ("left_total", of(&["service", "method"])),
    ];
    table.into_iter().map(|(name, labels)| (format!("callbox_nats_{name}"), labels))
}

/// Returns what is wrong with an expression, and with a text that shows labels of its result.
fn mistakes(expression: &str, shown: &str, metrics: &BTreeMap<String, Labels>) -> Vec<String> {
    let Query { metrics: asked, grouped_by } = parse(expression);
    let mut mistakes = Vec::new();
    let mut known: BTreeSet<&str> = OF_PROMETHEUS.iter().copied().collect();
    for (name, matchers) in &asked {
        let Some(labels) = metrics.get(name) else {
            mistakes.push(format!("there is no metric {name}"));
            continue;
        };
        known.extend(labels.keys().map(String::as_str));
        mistakes.extend(matchers.iter().filter_map(|matcher| mismatch(name, matcher, labels)));
    }
    if asked.is_empty() {
        mistakes.push("it asks for no metric".to_owned());
    }
    mistakes
        .extend(grouped_by.iter().filter(|label| !known.contains(label.as_str())).map(|label| format!("by {label}")));
    for label in shown.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
        let label = label.trim();
        let has_label = if grouped_by.is_empty() { known.contains(label) } else { grouped_by.contains(label) };
        if !has_label {
            mistakes.push(format!("it shows the label {label}, which its result does not have"));
        }
    }
    mistakes
}

/// Returns what is wrong with a matcher of this metric.
fn mismatch(metric: &str, matcher: &Matcher, labels: &Labels) -> Option<String> {
    let Matcher { label, operator, value } = matcher;
    if OF_PROMETHEUS.contains(&label.as_str()) {
        return None;
    }
    let Some(values) = labels.get(label) else { return Some(format!("{metric} has no label {label}")) };
    let is_variable = value.starts_with('$');
    let lost: Vec<_> = value.split('|').filter(|value| !is_variable && !values.contains(*value)).collect();
    (!lost.is_empty()).then(|| format!("{metric} has no {label}{operator}{lost:?}, but {values:?}"))
}

fn dashboard() -> Value {
    serde_json::from_str(&read("deploy/grafana-dashboard.json")).expect("the dashboard is JSON")
}

/// Returns the expressions of the alert rules by name.
fn alerts() -> BTreeMap<String, String> {
    let text = read("deploy/alerts.yaml");
    let rules = text.split("- alert: ").skip(1).map(|rule| {
        let name = rule.lines().next().unwrap_or_default().to_owned();
        let (_, rest) = rule.split_once(" expr: ").unwrap_or_else(|| panic!("{name} has no expression"));
        // Up to the next key of the rule.
        let lines = rest.lines().enumerate().take_while(|(n, line)| *n == 0 || line.starts_with("          "));
        let lines: Vec<_> = lines.map(|(_, line)| line.trim().trim_start_matches('|')).collect();
        (name, lines.join(" "))
    });
    rules.collect()
}

#[test]
fn every_query_of_the_dashboard_asks_for_what_a_server_exposes() {
    let server = busy_server();
    let (metrics, dashboard) = (metrics_of(&server), dashboard());
    let mut queries = 0;
    for panel in dashboard["panels"].as_array().expect("panels") {
        let targets = panel["targets"].as_array();
        assert_eq!(targets.is_none(), panel["type"] == "row", "{panel}");
        for target in targets.into_iter().flatten() {
            let (expression, shown) = (target["expr"].as_str().unwrap(), target["legendFormat"].as_str().unwrap());
            assert_eq!(mistakes(expression, shown, &metrics), [""; 0], "{}: {expression}", panel["title"]);
            queries += 1;
        }
    }
    assert!(queries > 25, "{queries}");
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        let (expression, shown) = (annotation["expr"].as_str().unwrap(), annotation["titleFormat"].as_str().unwrap());
        assert_eq!(mistakes(expression, shown, &metrics), [""; 0], "{expression}");
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let Some(query) = variable["query"]["query"].as_str() else { continue };
        let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
        let (expression, label) = inner.and_then(|inner| inner.rsplit_once(", ")).expect("label_values");
        assert_eq!(mistakes(expression, &format!("{{{{{label}}}}}"), &metrics), [""; 0], "{query}");
    }
}

#[test]
fn the_dashboard_shows_every_metric_of_callbox() {
    let (server, dashboard) = (busy_server(), dashboard());
    let everything = dashboard.to_string();
    let metrics = metrics_of(&server);
    let hidden: Vec<_> = metrics
        .keys()
        .filter(|name| name.starts_with("callbox_") && !name.ends_with("_count"))
        .filter(|name| !everything.contains(name.as_str()))
        .collect();
    // A panel of durations has percentiles, for which the sum is of no use.
    assert_eq!(hidden, ["callbox_call_wait_seconds_sum"]);
}

#[test]
fn the_dashboard_has_a_row_for_each_service_and_panels_that_do_not_overlap() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let rows: Vec<_> = panels.iter().filter(|panel| panel["type"] == "row").collect();
    let titles: Vec<_> = rows.iter().map(|row| row["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Overview", "Service $service", "Overload", "Streams", "Connections", "NATS", "Process"]);
    let repeated: Vec<_> = rows.iter().filter_map(|row| row["repeat"].as_str()).collect();
    assert_eq!(repeated, ["service"]);
    let names = dashboard["templating"]["list"].as_array().unwrap().iter().map(|variable| &variable["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["datasource", "job", "instance", "service"]);

    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "an id stands twice");
    let mut taken = BTreeMap::new();
    for panel in panels {
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{}", panel["title"]);
        for (x, y) in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
            let other = taken.insert((x, y), &panel["title"]);
            assert_eq!(other, None, "{} is under it", panel["title"]);
        }
    }
}

#[test]
fn every_alert_asks_for_what_a_server_exposes_and_is_tested_and_explained() {
    let (server, alerts) = (busy_server(), alerts());
    let (metrics, tests, guide) = (metrics_of(&server), read("deploy/alerts.test.yaml"), read("src/docs/operating.md"));
    assert_eq!(alerts.len(), 5, "{alerts:#?}");
    for (name, expression) in alerts {
        assert_eq!(mistakes(&expression, "", &metrics), [""; 0], "{name}: {expression}");
        let checks: Vec<_> = tests.split("alertname: ").skip(1).filter(|check| check.starts_with(&*name)).collect();
        assert!(
            checks.iter().any(|check| check.trim_start_matches(&*name).trim_start().starts_with("exp_alerts")),
            "{name}"
        );
        assert!(
            checks.iter().any(|check| !check.trim_start_matches(&*name).trim_start().starts_with("exp_alerts")),
            "{name}"
        );
        assert!(guide.lines().any(|line| line == format!("## {name}")), "the guide does not explain {name}");
    }
}

#[test]
fn a_query_for_what_no_server_exposes_is_noticed() {
    let server = busy_server();
    let metrics = metrics_of(&server);
    for (expression, shown, mistake) in [
        ("callbox_calls_sum", "", "no metric callbox_calls_sum"),
        (r#"rate(callbox_calls_total{name="x"}[5m])"#, "", "no label name"),
        (r#"callbox_calls_total{outcome="good"}"#, "", r#"no outcome=["good"]"#),
        (r#"callbox_calls_total{outcome=~"ok|good"}"#, "", r#"no outcome=~["good"]"#),
        ("sum by (reason) (callbox_calls_total)", "", "by reason"),
        ("sum by (method) (callbox_calls_total)", "{{service}}", "shows the label service"),
        ("vector(1)", "", "no metric"),
    ] {
        let found = mistakes(expression, shown, &metrics);
        assert!(found.iter().any(|found| found.contains(mistake)), "{expression}: {found:?}");
    }
}
