//! `callbox stress` on a service on NATS.

use super::orders::{start, stats};
use crate::greeter::TOKEN;
use crate::program::run;
use callbox_test_support::nats_server::NatsServer;

#[test]
fn a_load_is_shared_by_the_instances() {
    let nats = NatsServer::start(&[]);
    let instances = [start(&nats), start(&nats)];
    let url = nats.url();
    let load = ["--rate", "200", "--duration", "1s", "--connections", "2", "--in-flight", "8", "--json"];
    let stress = |words: &[&str]| run(&[&["stress", url.as_str()], words, &load].concat());
    let report = stress(&["shop.orders.get", "id=7", "--deadline", "5s"]).json();
    assert_eq!((&report["errors"], &report["calls"]), (&0.into(), &report["answered"]), "{report}");
    assert!(report["methods"]["shop.orders.get"].is_array(), "{report}");
    let answered = instances.each_ref().map(|instance| stats(instance, "orders.get").answered);
    assert_eq!(Some(answered.iter().sum()), report["calls"].as_u64());
    assert!(answered.iter().all(|calls| *calls > 10), "{answered:?}");

    let private = stress(&["shop.orders.turnover", "--token", TOKEN]).json();
    assert_eq!((&private["url"], &private["errors"]), (&url.as_str().into(), &0.into()), "{private}");
    let nobody = stress(&["shop.orders.gett"]).json();
    assert_eq!(nobody["outcomes"][0]["code"], -32003, "{nobody}");
}
