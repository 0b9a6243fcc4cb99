//! The shop as a program, and the consumer as another one.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use callbox_test_support::examples::example;
use callbox_test_support::http::request;
use callbox_test_support::program::{Program, RunningProgram};
use callbox_test_support::wait::until;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::pages::basic;
use crate::shop::{SCOPES, issue};

/// Orders of each consumer.
const ORDERS: usize = 60;

/// The shop, whose files are in this directory.
pub(crate) fn program(directory: &Path, port: u16) -> Program {
    Program::at(Path::new(env!("CARGO_BIN_EXE_shop")), &["--port", &port.to_string()])
        .in_directory(Path::new(env!("CARGO_MANIFEST_DIR")))
        .env("APP_DATABASE_URL", &format!("sqlite:{}", directory.join("shop.db").display()))
        .env("APP_TOKEN_FILE", directory.join("tokens.toml").to_str().expect("a path in UTF-8"))
        .env("APP_PAGE_SIZE", "50")
}

/// Uploads the products that the README uploads.
pub(crate) fn fill(address: SocketAddr, token: &str) {
    let products = include_str!("../../products.ndjson");
    let answer = request(address, "POST", "/staff/products", &[("Authorization", &basic(token))], products);
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn newest_order(address: SocketAddr, token: &str) -> Option<i64> {
    let list = json!({ "jsonrpc": "2.0", "method": "orders.list", "params": {}, "id": 1 }).to_string();
    let answer: Value = request(address, "POST", "/api", &[("X-Api-Token", token)], list).json();
    answer["result"][0]["id"].as_i64()
}

/// Returns the numbers of all orders that the pages show, from the newest to the oldest.
fn orders_on_pages(address: SocketAddr, token: &str) -> Vec<i64> {
    let mut path = "/staff/orders".to_owned();
    let mut orders = Vec::new();
    loop {
        let page = request(address, "GET", &path, &[("Authorization", &basic(token))], "");
        assert_eq!(page.status, 200, "{}", page.body);
        let ids =
            page.body.split("<tr id=\"order-").skip(1).filter_map(|row| row.split('"').next()?.parse::<i64>().ok());
        orders.extend(ids);
        match page.body.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next()) {
            Some(next) => path = next.to_owned(),
            None => return orders,
        }
    }
}

#[test]
fn no_acknowledged_order_is_lost_when_the_shop_is_killed() {
    let directory = tempfile::tempdir().expect("a directory");
    let token = issue(&directory.path().join("tokens.toml"), "acme", &SCOPES);
    let mut shop = program(directory.path(), 0).start();
    let address = shop.address();
    fill(address, &token);

    let url = format!("http://{address}/api");
    let consumer = || example("shop-consumer", &[&url, &ORDERS.to_string()]).env("TOKEN", &token).spawn();
    let consumers: Vec<RunningProgram> = vec![consumer(), consumer()];
    for orders in [10, 40, 80] {
        until("orders arrive", || newest_order(address, &token).is_some_and(|newest| newest >= orders));
        shop.signal(Signal::KILL);
        shop.wait();
        // The consumers meet a closed port for a while.
        std::thread::sleep(Duration::from_millis(50));
        shop = program(directory.path(), address.port()).start();
    }

    let mut acknowledged = BTreeSet::new();
    for consumer in consumers {
        let output = consumer.wait();
        assert!(output.status.success(), "{}", output.log);
        let numbers: Vec<i64> = output.out.lines().map(|line| line.parse().expect("a number")).collect();
        assert_eq!(numbers.len(), ORDERS);
        acknowledged.extend(numbers);
    }
    assert_eq!(acknowledged.len(), 2 * ORDERS, "no two orders are the same");
    let shown = orders_on_pages(address, &token);
    assert_eq!(shown.len(), 2 * ORDERS, "none was placed twice");
    assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), acknowledged);

    shop.signal(Signal::TERM);
    let output = shop.wait();
    assert!(output.status.success(), "{}", output.log);
}

#[test]
fn a_shop_that_cannot_open_its_database_does_not_start_and_says_why() {
    let directory = tempfile::tempdir().expect("a directory");
    issue(&directory.path().join("tokens.toml"), "acme", &SCOPES);
    let output = program(directory.path(), 0).env("APP_DATABASE_URL", "sqlite:/nowhere/shop.db").run();
    assert!(!output.status.success());
    let error = "could not start: its factory failed: the database sqlite:/nowhere/shop.db cannot be opened: ";
    assert!(output.log.contains(error), "{}", output.log);
}
