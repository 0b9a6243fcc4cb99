//! `callbox call` and `callbox describe` with services on NATS.

use callbox_test_support::nats_server::NatsServer;
use callbox_test_support::wait::until;
use rustix::process::Signal;

use super::orders::{NAME, start, start_at, stats};
use crate::greeter::TOKEN;
use crate::program::{RunningCommand, command, run};

#[test]
fn any_instance_answers_and_mistakes_say_what_to_do() {
    let nats = NatsServer::start(&[]);
    let instances = [start(&nats), start(&nats)];
    let url = nats.url();
    let call = |words: &[&str]| run(&[&["call", url.as_str()], words].concat());
    assert_eq!(call(&["shop.orders.get", "id=7"]).stdout(), "\"order 7\"\n");
    assert_eq!(call(&["shop.orders.get", "7"]).stdout(), "\"order 7\"\n");
    // A string may be the id of a subscription, and the reply says that it is none.
    assert_eq!(call(&["shop.orders.shop"]).stdout(), "\"fruit\"\n");
    assert_eq!(call(&["shop.orders.turnover", "--token", TOKEN]).stdout(), "7\n");
    assert_eq!(call(&["shop.orders.rpc.discover"]).json()["openrpc"], "1.3.2");
    assert_eq!(call(&["shop.orders.take", "--notify"]).stdout(), "");
    until("the notification has run", || {
        instances.iter().map(|instance| stats(instance, "orders.take").answered).sum::<u64>() == 1
    });
    for (words, code, expected) in [
        (&["get"][..], 2, "<service>.<method>"),
        (&["shop.orders.turnover"], 7, "--token-file"),
        (&["shop.orders.get", "id=x"], 3, "-32602"),
        (&["shop.orders.gett"], 3, "did you mean shop.orders.get?"),
        (&["shop.order.get"], 4, "no instance of the service shop.order is at nats://127.0.0.1:"),
        (&["shop.orders.get", "id=7", "--nats-prefix", "eu"], 4, "--nats-prefix callbox"),
        (&["shop.orders.pack", "orders=9", "--deadline", "200ms"], 6, "deadline"),
    ] {
        let output = call(words);
        assert!(output.error(code).contains(expected), "{words:?}: {}", output.error(code));
    }
}

#[test]
fn a_prefix_may_come_from_the_environment() {
    let nats = NatsServer::start(&[]);
    let _instance = start_at(&nats.url(), "eu.shop");
    let arguments = ["call", &nats.url(), "stock.count"];
    let flag = run(&[&arguments[..], &["--nats-prefix", "eu.shop"]].concat());
    assert_eq!(flag.stdout(), "3\n");
    let set = command(&arguments).env("CALLBOX_NATS_PREFIX", "eu.shop").output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&set.stdout), "3\n");
}

#[test]
fn items_of_a_subscription_are_printed_until_an_interrupt_ends_it() {
    let nats = NatsServer::start(&[]);
    let instance = start(&nats);
    let open = || stats(&instance, "orders.numbers").subscriptions;
    let (url, method) = (nats.url(), format!("{NAME}.numbers"));
    let running = RunningCommand::start(&["call", &url, &method]);
    until("it has subscribed", || open() == 1);
    for expected in ["1", "2"] {
        run(&["call", &url, "shop.orders.take"]).stdout();
        assert_eq!(running.line(), expected);
    }
    running.signal(Signal::INT);
    assert_eq!(running.end().code, Some(130));
    until("it has unsubscribed", || open() == 0);
    let one = RunningCommand::start(&["call", &url, &method, "--max-items", "1", "--subscribe"]);
    until("it has subscribed", || open() == 1);
    run(&["call", &url, "shop.orders.take"]).stdout();
    let ended = one.end();
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "3\n"));
}

#[test]
fn an_interrupt_cancels_a_call() {
    let nats = NatsServer::start(&[]);
    let instance = start(&nats);
    let running = RunningCommand::start(&["call", &nats.url(), "shop.orders.pack", "orders=200"]);
    until("it runs", || stats(&instance, "orders.pack").running == 1);
    running.signal(Signal::INT);
    let ended = running.end();
    assert_eq!((ended.code, ended.err.as_str()), (Some(130), "Error: the call was cancelled; it may have run\n"));
    until("it is cancelled", || stats(&instance, "orders.pack").cancelled == 1);
}

#[test]
fn a_service_is_described_by_its_own_methods() {
    let nats = NatsServer::start(&[]);
    let _instance = start(&nats);
    let url = nats.url();
    let describe = |words: &[&str]| run(&[&["describe", url.as_str()], words].concat());
    let all = describe(&[]);
    assert!(all.stdout().contains("shop.orders") && all.stdout().contains("stock"), "{all:?}");
    let orders = describe(&[NAME]);
    assert!(orders.stdout().starts_with(&format!("shop.orders  {url}\nKeeps the orders of a shop.\n")), "{orders:?}");
    for part in ["shop.orders.get(id)", "(subscription)", "Available with a suitable token: shop.orders.turnover"] {
        assert!(orders.stdout().contains(part), "{part}: {orders:?}");
    }
    assert!(!orders.stdout().contains("count"), "{orders:?}");
    let get = describe(&["shop.orders.get"]);
    assert!(get.stdout().ends_with(&format!("TRY\ncallbox call {url} shop.orders.get id=1\n")), "{get:?}");
    assert_eq!(describe(&[NAME, "--json"]).json()["openrpc"], "1.3.2");
    for (name, code, expected) in [
        ("shop.order", 4, "did you mean shop.orders?"),
        ("shop.orders.gett", 3, "did you mean shop.orders.get?"),
        ("shop.orders.turnover", 7, "add a token"),
    ] {
        assert!(describe(&[name]).error(code).contains(expected), "{name}");
    }
}

#[test]
fn passwords_are_not_shown() {
    let nats = NatsServer::start(&["--user", "shop", "--pass", "s3cret"]);
    let url = nats.url_of("shop:s3cret");
    let _instance = start_at(&url, "callbox");
    assert_eq!(run(&["call", &url, "stock.count"]).stdout(), "3\n");
    let wrong = nats.url_of("shop:s3crets");
    for (arguments, code) in [
        (&["call", &wrong, "stock.count"][..], 5),
        (&["top", &wrong, "--once"], 5),
        (&["services", &wrong], 5),
        (&["describe", &wrong], 5),
        (&["stress", &wrong, "stock.count"], 5),
        (&["call", &url, "stocks.count"], 4),
    ] {
        let output = run(arguments);
        assert!(!output.error(code).contains("s3cret"), "{output:?}");
        assert!(code != 5 || arguments[0] == "stress" || output.err.contains("pass --nats-creds"), "{output:?}");
    }
    for arguments in [&["describe", &url][..], &["describe", &url, "stock"], &["describe", &url, "stock.count"]] {
        let output = run(arguments);
        assert!(!output.stdout().contains("s3cret"), "{output:?}");
    }
}
