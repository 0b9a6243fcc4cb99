//! `callbox call` over a WebSocket: subscriptions, progress and cancellation.

use std::sync::Arc;

use callbox_test_support::free_port::free_address;
use callbox_test_support::wait::until;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::fake_socket::{Connection, FakeSocket};
use crate::market::{Market, market, publish, socket, subscriptions};
use crate::program::{CommandOutput, RunningCommand, command, run, run_on};

fn plain_market() -> callbox::testing::TestServer {
    market(1024, &Arc::new(Semaphore::new(0)))
}

#[test]
fn a_call_over_a_websocket_prints_what_one_over_http_prints() {
    let server = plain_market();
    let url = socket(&server);
    for words in [&["favourite"][..], &["rpc.discover"], &["set", "symbol=PEAR", "value=2.5"], &["import", "0"]] {
        let output = run(&[&["call", &url], words].concat());
        assert_eq!(output.stdout(), run_on(&server, "call", words).stdout(), "{words:?}");
    }
    assert!(run(&["call", &url, "favorite"]).error(3).contains("did you mean favourite?"));
    assert!(run(&["call", &url, "set", "symbol=1", "value=2"]).error(3).contains("symbol:='\"1\"'"));
    assert_eq!(run(&["call", &url, "favourite", "--notify"]).stdout(), "");
    until("the notification ran", || {
        server.service::<Market>().stats().iter().any(|method| method.method == "favourite" && method.answered == 3)
    });
}

#[test]
fn a_server_that_cannot_be_reached_or_has_no_websocket_has_code_5() {
    let server = plain_market();
    let nowhere = socket(&server).replace("/api", "/nowhere");
    assert!(run(&["call", &nowhere, "count", "1"]).error(5).contains("404"));
    let gone = free_address();
    assert!(run(&["call", &format!("ws://{gone}"), "count", "1"]).error(5).contains("refused"));
    let with_user = socket(&server).replace("ws://", "ws://ann:s3cret@");
    assert!(run(&["call", &with_user, "count", "1"]).error(2).contains("--token-file"));
}

#[test]
fn items_are_lines_of_json_until_the_subscription_ends() {
    let server = plain_market();
    for url in [socket(&server), server.url("/api")] {
        let output = run(&["call", &url, "count", "to=3"]);
        assert_eq!((output.code, output.out.as_str()), (Some(0), "1\n2\n3\n"), "{output:?}");
        assert!(output.err.ends_with("Note: the subscription has ended\n"), "{output:?}");
    }
}

#[test]
fn an_item_is_printed_as_soon_as_it_comes_and_a_signal_unsubscribes() {
    let server = plain_market();
    let urls = [socket(&server), server.url("/api")];
    for (signal, code, url) in
        [(Signal::INT, 130, &urls[0]), (Signal::TERM, 143, &urls[0]), (Signal::INT, 130, &urls[1])]
    {
        let prices = RunningCommand::start(&["call", url, "prices"]);
        until("it has subscribed", || subscriptions(&server) == 1);
        for value in [1, 2] {
            publish(&server, [value]);
            assert_eq!(prices.line(), format!(r#"{{"symbol":"PEAR","value":{value}.0}}"#));
        }
        prices.signal(signal);
        let output = prices.end();
        assert_eq!((output.code, output.out.as_str()), (Some(code), ""), "{output:?}");
        assert!(output.err.starts_with("Note: to continue after the last item, add --after "), "{output:?}");
        until("it has unsubscribed", || subscriptions(&server) == 0);
    }
}

#[test]
fn a_subscription_continues_after_a_cursor_and_says_what_was_missed() {
    let server = market(3, &Arc::new(Semaphore::new(0)));
    let url = socket(&server);
    let prices = RunningCommand::start(&["call", &url, "prices", "--cursors", "--max-items", "2"]);
    until("it has subscribed", || subscriptions(&server) == 1);
    publish(&server, [1, 2]);
    let _first = prices.line();
    let second: Value = serde_json::from_str(&prices.line()).expect("JSON");
    assert_eq!(second["item"]["value"], 2.0);
    assert_eq!(prices.end().stdout(), "", "it ends after two items without a word");

    let cursor = second["cursor"].as_str().expect("a cursor");
    let resume = |max: &str| run(&["call", &url, "prices", "--after", cursor, "--cursors", "--max-items", max]);
    publish(&server, [3, 4]);
    let lines = resume("2");
    let items: Vec<Value> = lines.stdout().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(items.iter().map(|item| &item["item"]["value"]).collect::<Vec<_>>(), [3.0, 4.0]);
    assert!(items.iter().all(|item| item.get("lagged").is_none()));

    publish(&server, [5, 6, 7]);
    let output = resume("1");
    let item: Value = serde_json::from_str(&output.out).expect("JSON");
    assert_eq!((&item["item"]["value"], &item["lagged"]), (&json!(5.0), &json!(2)));
    assert_eq!((output.code, output.err.as_str()), (Some(0), "Note: 2 items were missed\n"));
}

#[test]
fn what_belongs_to_named_parameters_cannot_go_with_others() {
    let server = plain_market();
    let output = run(&["call", &socket(&server), "count", "3", "--min-interval", "1s"]);
    assert!(output.error(2).contains("by position"), "{output:?}");
}

#[test]
fn the_end_of_the_service_is_an_error() {
    let server = plain_market();
    let prices = RunningCommand::start(&["call", &socket(&server), "prices"]);
    until("it has subscribed", || subscriptions(&server) == 1);
    drop(server);
    assert_eq!(prices.end().error(4), "Error: -32003 Service unavailable");
}

#[test]
fn a_reader_that_closes_the_pipe_ends_a_subscription_quietly() {
    let server = plain_market();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = command(&["call", &socket(&server), "count", "to=1000000"]);
    let output = CommandOutput::from(command.stdout(writer).output().expect("it runs"));
    assert_eq!(output.stdout(), "");
}

#[test]
fn a_signal_cancels_a_call_in_flight() {
    let server = plain_market();
    let running = || {
        let stats = server.service::<Market>().stats();
        stats.iter().any(|method| method.method == "import" && method.running == 1)
    };
    for (url, message) in
        [(socket(&server), "the call was cancelled"), (server.url("/api"), "the call was given up; it may have run")]
    {
        let import = RunningCommand::start(&["call", &url, "import", "files=3"]);
        until("it runs", running);
        import.signal(Signal::INT);
        assert_eq!(import.end().error(130), format!("Error: {message}"));
        until("it has ended", || !running());
    }
}

#[test]
fn a_server_without_a_description_has_subscriptions_that_show_themselves() {
    let server = FakeSocket::start(async |listener| {
        let mut connection = Connection::accept(&listener).await;
        connection.answer("7").await;
        assert_eq!(connection.refuse().await["method"], "rpc.discover");
        let item = |item: &str| format!(r#"{{"method":"p","params":{{"subscription":7,"result":{item}}}}}"#);
        connection.send(&item("{ \"a\":\n1 }")).await;
        connection.send(&item("2")).await;
        connection.send(r#"{"method":"p","params":{"subscription":7,"error":{"code":1,"message":"over"}}}"#).await;
        assert_eq!(connection.receive().await, None);

        // One that ends without an item, and a plain result.
        let mut connection = Connection::accept(&listener).await;
        connection.answer("8").await;
        connection.send(r#"{"method":"p","params":{"subscription":8,"error":{"code":1,"message":"over"}}}"#).await;
        connection.refuse().await;
        let mut connection = Connection::accept(&listener).await;
        connection.answer("\"seven\"").await;
        connection.refuse().await;
    });
    let output = run(&["call", &server.url, "prices"]);
    assert_eq!((output.code, output.out.as_str(), output.err.as_str()), (Some(3), "{\"a\":1}\n2\n", "Error: 1 over\n"));
    assert_eq!(run(&["call", &server.url, "prices"]).error(3), "Error: 1 over");
    assert_eq!(run(&["call", &server.url, "name"]).stdout(), "\"seven\"\n");
    server.end();
}

#[test]
fn a_lost_connection_is_opened_again_and_a_plain_call_is_not_repeated() {
    let server = FakeSocket::start(async |listener| {
        let mut connection = Connection::accept(&listener).await;
        connection.answer("\"a\"").await;
        connection.send(r#"{"method":"p","params":{"subscription":"a","result":1,"cursor":"1f-4"}}"#).await;
        connection.send(r#"{"method":"p","params":{"subscription":"a","result":2,"cursor":"1f-5"}}"#).await;
        drop(connection);
        let mut connection = Connection::accept(&listener).await;
        let again = connection.answer("\"b\"").await;
        assert_eq!((&again["method"], &again["params"]), (&json!("prices"), &json!({ "_meta": { "after": "1f-5" } })));
        connection.send(r#"{"method":"p","params":{"subscription":"b","result":3,"lagged":null}}"#).await;
        connection.send(r#"{"method":"p","params":{"subscription":"b","done":true}}"#).await;
        while connection.receive().await.is_some() {}

        // A plain call whose connection is lost before its answer, or just after it.
        let mut connection = Connection::accept(&listener).await;
        connection.receive().await.expect("a call");
        drop(connection);
        let mut connection = Connection::accept(&listener).await;
        connection.answer("\"paid\"").await;
        drop(connection);
        // The command may or may not have connected again before the test does.
        'connections: loop {
            let mut connection = Connection::accept(&listener).await;
            while let Some(call) = connection.receive().await {
                assert_ne!(call["method"], "pay", "it is not made again");
                connection.send(&format!(r#"{{"result":true,"id":{}}}"#, call["id"])).await;
                if call["method"] == "last" {
                    break 'connections;
                }
            }
        }
    });
    let output = run(&["call", &server.url, "prices", "--subscribe"]);
    assert_eq!((output.code, output.out.as_str()), (Some(0), "1\n2\n3\n"), "{output:?}");
    let notes: Vec<_> = output.err.lines().collect();
    assert!(notes[0].ends_with(": connecting again"), "{notes:?}");
    let others = ["connected again", "items may have been missed; nobody knows how many", "the subscription has ended"];
    assert_eq!(notes[1..], others.map(|note| format!("Note: {note}")));

    run(&["call", &server.url, "pay"]).error(5);
    // The answer has come, and whether it is a subscription is not known.
    let output = run(&["call", &server.url, "pay"]);
    assert_eq!((output.code, output.out.as_str()), (Some(0), "\"paid\"\n"), "{output:?}");
    assert_eq!(run(&["call", &server.url, "last"]).stdout(), "true\n");
    server.end();
}
