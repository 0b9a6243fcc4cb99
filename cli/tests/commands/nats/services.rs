//! `callbox services`, and services that are none of callbox.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use super::orders::start;
use crate::program::run;
use callbox_test_support::nats_server::NatsServer;

#[test]
fn all_instances_are_listed_with_their_figures() {
    let nats = NatsServer::start(&[]);
    let url = nats.url();
    assert!(run(&["services", &url]).error(5).contains("no service has answered"));
    let _instances = [start(&nats), start(&nats)];
    for id in ["id=1", "id=2", "id=3"] {
        run(&["call", &url, "shop.orders.get", id]).stdout();
    }
    let listed = run(&["services", &url, "--wait", "300ms"]);
    let rows: Vec<Vec<_>> = listed.stdout().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..4], ["SERVICE", "KIND", "VERSION", "INSTANCE"]);
    let begins: Vec<_> = rows[1..].iter().map(|row| row[0]).collect();
    assert_eq!(begins, ["shop.orders", "callbox", "stock", "callbox"]);
    let json = run(&["services", &url, "--json"]).json();
    let instances = json.as_array().expect("a list");
    let of = |service: &str| instances.iter().filter(|one| one["service"] == service).collect::<Vec<_>>();
    assert_eq!(of("stock").len(), 2);
    assert_eq!(of("shop.orders").iter().filter_map(|one| one["requests"].as_u64()).sum::<u64>(), 3);
    assert_ne!(instances[0]["id"], instances[1]["id"]);
}

/// A service that is none of callbox, by the protocol of NATS itself.
fn other_service(nats: &NatsServer) {
    const INFO: &str = r#"{"name":"math","id":"M1","version":"2.0.0","metadata":null,"description":"Counts.",
        "endpoints":[{"name":"add","subject":"numbers.add"}]}"#;
    let stream = TcpStream::connect(nats.url().trim_start_matches("nats://")).expect("a connection");
    let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines().map_while(Result::ok);
    let mut stream = stream;
    let mut send = move |text: &str| stream.write_all(text.as_bytes()).expect("it sends");
    send("CONNECT {\"verbose\":false}\r\n");
    for (number, subject) in
        ["$SRV.PING", "$SRV.INFO", "$SRV.INFO.math", "$SRV.STATS", "numbers.add"].iter().enumerate()
    {
        send(&format!("SUB {subject} {number}\r\n"));
    }
    send("PING\r\n");
    let pong = lines.by_ref().find(|line| line == "PONG");
    assert!(pong.is_some(), "it has subscribed");
    std::thread::spawn(move || {
        for line in lines {
            if line == "PING" {
                send("PONG\r\n");
            }
            let words: Vec<_> = line.split(' ').collect();
            let ["MSG" | "HMSG", _, number, reply, ..] = words[..] else { continue };
            let answer = if number == "4" { "12" } else { INFO };
            send(&format!("PUB {reply} {}\r\n{answer}\r\n", answer.len()));
        }
    });
}

#[test]
fn services_of_others_are_listed_described_and_called() {
    let nats = NatsServer::start(&[]);
    other_service(&nats);
    let url = nats.url();
    let listed = run(&["services", &url]);
    let words: Vec<_> = listed.stdout().lines().nth(1).expect("a row").split_whitespace().collect();
    assert_eq!(words[..4], ["math", "other", "2.0.0", "M1"]);
    let described = run(&["describe", &url, "math"]);
    assert_eq!(described.stdout(), "math  2.0.0\nCounts.\n\nENDPOINT  SUBJECT\nmath.add  numbers.add\n");
    assert_eq!(run(&["call", &url, "math.add", "5", "7"]).stdout(), "12\n");
    assert!(run(&["call", &url, "math.sub", "5", "7"]).error(3).contains("there is no method math.sub"));
    assert!(run(&["top", &url, "--once"]).error(5).contains("no callbox service"));
}
