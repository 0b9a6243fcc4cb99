//! `callbox top` for all instances on NATS.

use super::orders::start;
use crate::program::run;
use callbox_test_support::nats_server::NatsServer;

#[test]
fn once_prints_the_instances_of_each_method_side_by_side() {
    let nats = NatsServer::start(&[]);
    let _instances = [start(&nats), start(&nats)];
    let output = run(&["top", &nats.url(), "--once", "--interval", "200ms"]);
    let rows: Vec<Vec<_>> = output.stdout().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..6], ["METHOD", "INSTANCE", "GROUP", "WAITING", "CAPACITY", "RUNNING"]);
    let names: Vec<_> = rows[1..].iter().map(|row| row[0]).collect();
    let methods = ["get", "numbers", "pack", "shop", "take", "turnover"].map(|name| format!("shop.orders.{name}"));
    let expected = methods.iter().map(String::as_str).chain(["stock.count"]).flat_map(|name| [name; 2]);
    assert_eq!(names, expected.collect::<Vec<_>>());
    for both in rows[1..].chunks(2) {
        assert_ne!(both[0][1], both[1][1], "two instances: {both:?}");
        assert!(both.iter().all(|row| row[2..6] == ["in", "0", "1,024", "0"]), "{both:?}");
    }
}

#[test]
fn an_address_without_services_says_so() {
    let nats = NatsServer::start(&[]);
    let output = run(&["top", &nats.url(), "--once"]);
    assert!(output.error(5).contains("`callbox services nats://127.0.0.1:"), "{output:?}");
    assert!(run(&["top", &nats.url()]).error(2).contains("--once"));
}
