//! Metrics that a program adds to those of the server.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread;

use actix_web::web;
use callbox::metrics::Metrics;
use callbox::metrics::prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use callbox::metrics::prometheus_client::metrics::MetricType;
use callbox::metrics::prometheus_client::metrics::counter::Counter;
use callbox::metrics::prometheus_client::metrics::family::Family;
use callbox::{Server, service, testing};
use callbox_test_support::http::request;
use callbox_test_support::wait::until;
use serde_json::json;

use crate::{Shop, scrape};

/// One label.
type ByArticle = [(&'static str, String); 1];

#[test]
fn a_program_adds_metrics_of_its_own_whose_labels_may_have_any_text() {
    let (metrics, sold) = (Metrics::default(), Family::<ByArticle, Counter>::default());
    metrics.register("shop_sold", "Number of articles that were sold", sold.clone());
    let names = |config: &mut web::ServiceConfig| {
        let names = async |metrics: web::Data<Metrics>| format!("{metrics:?}");
        config.route("/names", web::get().to(names));
    };
    let server = testing::start(Server::new(Shop::default).metrics(metrics).configure(names));
    let known = request(server.address(), "GET", "/names", &[], "").body;
    assert!(known.contains("shop_sold"), "a handler has them: {known}");
    let article = "a \"quoted\\ name\nin two lines, größer".to_owned();
    sold.get_or_create(&[("article", article)]).inc_by(7);
    let expected = r#"shop_sold_total{article="a \"quoted\\ name\nin two lines, größer"} 7"#;
    // OpenMetrics names a counter without what its samples have at their end.
    for (accept, name) in [("text/plain", "shop_sold_total"), ("application/openmetrics-text", "shop_sold")] {
        let body = scrape(server.address(), &[("Accept", accept)]).body;
        assert!(body.lines().any(|line| line == expected), "{accept}: {body}");
        assert!(body.contains(&format!("# TYPE {name} counter\n")), "{accept}: {body}");
    }
}

/// What tells a thread from all others.
fn thread_name() -> String {
    format!("{:?}", thread::current().id())
}

/// Says where its methods run.
struct Places;

#[service(name = "test.places")]
impl Places {
    #[public_method]
    fn anywhere(&self) -> String {
        thread_name()
    }

    #[public_method(inline = false)]
    fn at_home(&self) -> String {
        thread_name()
    }
}

/// A metric that notes the threads on which it is written.
#[derive(Clone, Debug, Default)]
struct Writers(Arc<Mutex<Vec<String>>>);

impl EncodeMetric for Writers {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        self.0.lock().unwrap().push(thread_name());
        encoder.encode_gauge(&1_i64)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

#[test]
fn a_scrape_is_written_on_no_thread_that_serves_connections_or_runs_methods() {
    let (metrics, writers) = (Metrics::default(), Writers::default());
    metrics.register("shop_writers", "A metric that knows its writers", writers.clone());
    // A handler of actix runs where its connection is served: with one worker, there.
    let handler = |config: &mut web::ServiceConfig| {
        config.route("/place", web::get().to(async || thread_name()));
    };
    let server = testing::start(Server::new(|| Places).workers(1).metrics(metrics).configure(handler));
    let place = |method: &str| {
        let answer = server.rpc(&json!({ "jsonrpc": "2.0", "method": method, "id": 1 }));
        answer["result"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let (worker, home) = (request(server.address(), "GET", "/place", &[], "").body, place("at_home"));
    // It does so while the service has nothing else to do.
    until("a short method runs where its call arrives", || place("anywhere") == worker);
    assert_ne!(worker, home);
    for accept in ["text/plain", "application/openmetrics-text"] {
        assert!(scrape(server.address(), &[("Accept", accept)]).body.contains("\nshop_writers 1\n"), "{accept}");
    }
    let writers = writers.0.lock().unwrap();
    assert_eq!(writers.len(), 2);
    assert!(!writers.contains(&worker) && !writers.contains(&home), "{writers:?}, {worker}, {home}");
}
