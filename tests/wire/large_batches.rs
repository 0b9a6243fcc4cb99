//! What the results of a batch hold while they wait to be written.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbox::testing::{self, TestServer};
use callbox::{Server, service};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::calculator::{batch, call, notification};

const LIMIT: usize = 1 << 18;

/// How many pages there are, how many there were at most, and how many were made at all.
#[derive(Default)]
struct Pages {
    now: AtomicUsize,
    most: AtomicUsize,
    made: AtomicUsize,
}

/// A large result that is slow to write, as text that needs escapes is.
struct Page {
    text: String,
    pages: Arc<Pages>,
}

impl Serialize for Page {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        std::thread::sleep(Duration::from_millis(20));
        serializer.serialize_str(&self.text)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.pages.now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<'de> Deserialize<'de> for Page {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("nobody reads one"))
    }
}

impl JsonSchema for Page {
    fn schema_name() -> Cow<'static, str> {
        "Page".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[derive(Clone, Default)]
struct Printer {
    pages: Arc<Pages>,
}

impl Printer {
    fn page(&self, length: usize) -> Page {
        let text = "x".repeat(length);
        let now = self.pages.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.pages.most.fetch_max(now, Ordering::SeqCst);
        self.pages.made.fetch_add(1, Ordering::SeqCst);
        Page { text, pages: Arc::clone(&self.pages) }
    }
}

#[service(name = "test.printer")]
impl Printer {
    #[public_method]
    fn print(&self, length: usize) -> Page {
        self.page(length)
    }

    #[public_method]
    fn print_alone(&mut self, length: usize) -> Page {
        self.page(length)
    }

    #[public_method]
    async fn print_later(&self, length: usize) -> Page {
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.page(length)
    }

    #[public_method]
    fn short(&self, n: u64) -> u64 {
        n
    }
}

fn start() -> (TestServer, Arc<Pages>) {
    let printer = Printer::default();
    let pages = Arc::clone(&printer.pages);
    (testing::start(Server::new(move || printer.clone()).response_limit(LIMIT)), pages)
}

/// The answers to a batch: for each the length of its result, or its code.
fn ask(server: &TestServer, members: impl IntoIterator<Item = String>) -> Vec<Result<usize, i64>> {
    let answers: Vec<Value> = serde_json::from_str(&server.post(batch(members)).body).unwrap();
    let read = |(index, answer): (usize, &Value)| {
        assert_eq!(answer["id"], index, "in order");
        match answer["result"].as_str() {
            Some(text) => Ok(text.len()),
            None => answer["error"]["code"].as_i64().map_or(Ok(0), Err),
        }
    };
    answers.iter().enumerate().map(read).collect()
}

/// `count` calls of a method.
fn calls(method: &str, length: usize, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |id| call(method, &format!("[{length}]"), &id.to_string()))
}

#[test]
fn a_batch_never_holds_many_results_that_are_not_written() {
    for method in ["print", "print_alone", "print_later"] {
        let (server, pages) = start();
        // Some of them make the method known, so that it runs where it arrives.
        for round in 0..3 {
            let answers = ask(&server, calls(method, LIMIT * 3 / 4, 100));
            let whole: Vec<_> = answers.iter().flatten().collect();
            assert_eq!(whole, [&(LIMIT * 3 / 4)], "{method}, round {round}: one fits");
            let too_large = answers.iter().filter(|answer| **answer == Err(-32004)).count();
            assert_eq!(too_large, 99, "{method}: {answers:?}");
        }
        let most = pages.most.load(Ordering::SeqCst);
        // Several short calls may run before the first of their results is written, and async calls
        // may be under way together. Without the limit all 100 are there.
        assert!(most <= 10, "{method}: {most} results of {} bytes were there at once", LIMIT * 3 / 4);
    }
}

#[test]
fn members_that_have_not_begun_when_the_limit_is_reached_do_not_run() {
    let (server, pages) = start();
    let members = calls("print_alone", LIMIT * 3 / 4, 99).chain([notification("print_alone", "[1]")]);
    assert_eq!(ask(&server, members).iter().filter(|answer| **answer == Err(-32004)).count(), 98);
    server.wait_idle::<Printer>();
    let made = pages.made.load(Ordering::SeqCst);
    assert!((2..50).contains(&made), "{made} of 100 ran");
    assert_eq!(pages.now.load(Ordering::SeqCst), 0, "nothing is kept");
}

#[test]
fn a_notification_runs_whatever_becomes_of_the_results_before_it() {
    let (server, pages) = start();
    let members = calls("print_alone", LIMIT * 2, 3).chain((0..5).map(|_| notification("print_later", "[1]")));
    assert_eq!(ask(&server, members), [Err(-32004); 3]);
    server.wait_idle::<Printer>();
    assert!(pages.made.load(Ordering::SeqCst) >= 6, "all five notifications, and the first call at least");
}

#[test]
fn a_member_that_did_not_run_says_so() {
    let (server, _) = start();
    let members = calls("print_alone", LIMIT * 2, 1).chain((0..1).map(|_| call("nobody", "[]", "1")));
    assert_eq!(ask(&server, members), [Err(-32004), Err(-32601)]);
    let body = server.post(batch(calls("print_alone", LIMIT * 2, 100))).body;
    let answers: Vec<Value> = serde_json::from_str(&body).unwrap();
    assert_eq!(answers[0]["error"].get("data"), None, "it ran");
    let reason = &answers[99]["error"]["data"]["reason"];
    assert!(reason.as_str().is_some_and(|reason| reason.starts_with("not run")), "{}", answers[99]);
}

#[test]
fn results_that_fit_are_all_there() {
    let (server, _) = start();
    for method in ["print", "print_alone", "print_later"] {
        let lengths: Vec<_> = ask(&server, calls(method, LIMIT / 20, 19));
        assert_eq!(lengths, [Ok(LIMIT / 20); 19], "{method}");
    }
    assert_eq!(ask(&server, calls("short", 1, 100)), [Ok(0); 100]);
}
