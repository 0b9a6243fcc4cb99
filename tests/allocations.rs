//! What a call does not copy: parameters are read in place, and a result is written once, directly
//! into the response.

use std::borrow::Cow;
use std::cell::Cell;

use alloc_tracker::Session;
use callbox::testing::{self, InProcess};
use callbox::{Placement, service};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[global_allocator]
static ALLOCATOR: alloc_tracker::Allocator<std::alloc::System> = alloc_tracker::Allocator::system();

/// So many values in an array, whatever they are. Reading and writing it allocates nothing.
struct Values(usize);

/// What is written for each value.
const VALUE: &str = "0123456789";

thread_local! {
    /// Number of times that results were serialized. All of them are serialized on the thread of
    /// the test.
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ASKED.set(ASKED.get() + 1);
        let mut seq = serializer.serialize_seq(Some(self.0))?;
        for _ in 0..self.0 {
            seq.serialize_element(VALUE)?;
        }
        seq.end()
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counter;

        impl<'de> Visitor<'de> for Counter {
            type Value = Values;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Values, A::Error> {
                let mut count = 0;
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Values(count))
            }
        }

        deserializer.deserialize_seq(Counter)
    }
}

impl JsonSchema for Values {
    fn schema_name() -> Cow<'static, str> {
        "Values".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array" })
    }
}

struct Copier;

#[service(name = "test.copier")]
impl Copier {
    #[public_method]
    fn count(&self, values: Values) -> usize {
        values.0
    }

    #[public_method]
    fn read(&self, length: usize) -> Values {
        Values(length)
    }

    #[public_method]
    fn write(&mut self, length: usize) -> Values {
        Values(length)
    }

    #[public_method]
    async fn read_later(&self, length: usize) -> Values {
        tokio::task::yield_now().await;
        Values(length)
    }

    #[public_method]
    async fn write_later(&mut self, length: usize) -> Values {
        tokio::task::yield_now().await;
        Values(length)
    }

    #[public_method(compute)]
    fn compute(length: usize) -> Values {
        Values(length)
    }
}

const METHODS: [&str; 5] = ["read", "write", "read_later", "write_later", "compute"];

fn call(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#)
}

fn on(placement: Placement) -> InProcess<Copier> {
    testing::in_process_with(|| Copier, move |server| server.placement(placement).response_limit(1 << 36))
}

/// Returns the number and the bytes of the allocations on this thread, which reads and writes the
/// JSON. It is the minimum of some runs, since other threads may allocate meanwhile.
fn allocations(mut work: impl FnMut()) -> (f64, f64) {
    work();
    let tries = (0..5).map(|_| {
        let session = Session::new();
        {
            let operation = session.operation("work");
            let _span = operation.measure_thread().iterations(1);
            work();
        }
        let report = session.to_report();
        let (_, work) = report.operations().next().expect("it was measured");
        (work.total_allocations_count() as f64, work.total_bytes_allocated() as f64)
    });
    tries.reduce(|a, b| (a.0.min(b.0), a.1.min(b.1))).expect("there were some")
}

#[test]
fn parameters_are_read_from_the_body_and_never_kept_in_between() {
    for placement in [Placement::Inline, Placement::Actor] {
        let copier = on(placement);
        let cost = |params: &str| {
            let body = call("count", params);
            let answer = copier.post(&body).expect("an answer");
            allocations(|| assert_eq!(copier.post(&body).as_deref(), Some(&*answer)))
        };
        for (name, value) in [("strings", r#""0123456789""#), ("arrays", "[[0],[1]]"), ("objects", r#"{"a":{"b":""}}"#)]
        {
            let many = vec![value; 10_000].join(",");
            for (form, few, many) in [
                ("by position", "[[]]".to_owned(), format!("[[{many}]]")),
                ("by name", r#"{"values":[]}"#.to_owned(), format!(r#"{{"values":[{many}]}}"#)),
            ] {
                let (few, many) = (cost(&few), cost(&many));
                // The second response has a number with more digits, and one of the two calls may
                // have been queued.
                assert!(many.0 <= few.0 + 10.0, "{name} {form}, {placement:?}: {few:?} and {many:?} allocations");
                assert!(many.1 <= few.1 + 1000.0, "{name} {form}, {placement:?}: {few:?} and {many:?} bytes");
            }
        }
    }
}

#[test]
fn a_result_is_written_into_the_response_and_nowhere_before() {
    const LONG: usize = 8_000;
    // What one buffer costs that grows from the size that a short answer has.
    let alone = allocations(|| {
        let mut out = Vec::with_capacity(128);
        serde_json::to_writer(&mut out, &Values(LONG)).expect("it has a form in JSON");
        assert!(out.len() > LONG * VALUE.len());
    });
    for placement in [Placement::Inline, Placement::Actor] {
        let copier = on(placement);
        for method in METHODS {
            let single = |length: usize| call(method, &format!("[{length}]"));
            let quiet = r#"{"jsonrpc":"2.0","method":"read","params":[0]}"#;
            let batch = |length: usize| format!("[{},{quiet}]", single(length));
            let cost = |body: String| allocations(|| assert!(copier.post(&body).is_some()));
            let (short, long) = (cost(single(0)), cost(single(LONG)));
            let what = format!("{method}, {placement:?}");
            assert!(long.1 <= short.1 + alone.1 + 1000.0, "{what}: {short:?}, {long:?}, and {alone:?} alone");
            // In a batch, the result of a call that runs at once is written in place; any other one
            // is copied once.
            let copy = (LONG * (VALUE.len() + 4)) as f64;
            let (short, long) = (cost(batch(0)), cost(batch(LONG)));
            assert!(long.1 <= short.1 + alone.1 + copy, "{what}, in a batch: {short:?}, {long:?}, {alone:?} alone");
        }
    }
}

#[test]
fn a_result_is_asked_for_its_json_once_and_that_of_a_notification_never() {
    for placement in [Placement::Inline, Placement::Actor] {
        let copier = on(placement);
        let asked = || ASKED.take();
        for method in METHODS {
            // The first call of a method runs on the thread of the service, later ones may run
            // inline.
            for _ in 0..5 {
                asked();
                let one = call(method, "[1]");
                assert!(copier.post(&one).is_some_and(|answer| answer.contains(VALUE)));
                assert_eq!(asked(), 1, "{method}");
                let answer = copier.post(format!("[{one},{one},{one}]")).expect("answers");
                assert_eq!((asked(), answer.matches(VALUE).count()), (3, 3), "{method} in a batch");
                let quiet = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":[1]}}"#);
                assert_eq!((copier.post(&quiet), copier.post(format!("[{quiet},{quiet}]"))), (None, None));
                copier.wait_idle();
                assert_eq!(asked(), 0, "nobody gets the result of a notification of {method}");
            }
        }
    }
}
