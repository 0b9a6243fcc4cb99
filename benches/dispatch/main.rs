//! The cost of a call without a network, from bytes to bytes: run with `cargo bench -p
//! callbox-benches --bench dispatch`.
//!
//! The baselines are a direct call of the function, and `addr.send` to a plain actix actor on its
//! own thread. `benches/README.md` explains the figures; `-- --quick` is a flag of criterion.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod table;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use actix::{Actor, Addr, Arbiter, Context, Handler, MessageResult};
use callbox::testing::{InProcess, in_process, in_process_with};
use callbox::{Dialect, Message, Placement, service};
use callbox_benches::figures;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, measurement::WallTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::runtime::{self, Runtime};

/// Number of calls in a batch.
const BATCH: usize = 100;

/// The service under test.
#[derive(Default)]
struct Bench {
    count: u64,
}

#[service(name = "bench.dispatch")]
impl Bench {
    #[public_method]
    fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    #[public_method]
    fn count(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Waits for as long as the bench runs, so that its mailbox of one call is full.
    #[public_method(mailbox = 1, deadline = "3600s")]
    async fn wait(&mut self) {
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }

    #[public_method]
    fn total(&self, values: Vec<f64>) -> f64 {
        values.iter().sum()
    }

    #[public_method]
    fn place(&self, items: Vec<Item>) -> usize {
        items.len()
    }

    #[private_api_method]
    fn secret(&self) -> bool {
        true
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Item {
    name: String,
    tags: Vec<String>,
    x: i64,
    y: i64,
}

/// A plain actor with the same method.
#[derive(Default)]
struct PlainActor;

impl Actor for PlainActor {
    type Context = Context<Self>;
}

struct Sum(i64, i64);

impl actix::Message for Sum {
    type Result = i64;
}

impl Handler<Sum> for PlainActor {
    type Result = MessageResult<Sum>;

    fn handle(&mut self, Sum(a, b): Sum, _: &mut Context<Self>) -> Self::Result {
        MessageResult(a + b)
    }
}

fn call(method: &str, params: &str, id: usize) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":{id}}}"#)
}

fn batch() -> String {
    let members = (0..BATCH).map(|id| call("add", &format!(r#"{{"a":{id},"b":2}}"#), id));
    format!("[{}]", members.collect::<Vec<_>>().join(","))
}

/// Measures the time until the response to a body, one of which must contain `expected`.
fn bench_replies(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    name: &str,
    service: &InProcess<Bench>,
    body: &str,
    expected: &str,
) {
    let answer = runtime.block_on(service.answer(body.as_bytes()));
    let answer = String::from_utf8(answer.unwrap_or_default()).expect("JSON is text");
    assert!(answer.contains(expected), "{name}: {answer}");
    group.bench_function(name, |bencher| {
        bencher.to_async(runtime).iter(|| service.answer(black_box(body.as_bytes())));
    });
}

fn single(criterion: &mut Criterion) {
    let runtime = runtime();
    let inline = in_process(Bench::default);
    let actor = in_process_with(Bench::default, |server| server.placement(Placement::Actor));
    let mut group = criterion.benchmark_group("single");
    group.bench_function("a direct call of the function", |bencher| {
        let state = Bench::default();
        bencher.iter(|| black_box(&state).add(black_box(1), black_box(2)));
    });
    let (arbiter, addr) = plain_actor();
    group.bench_function("addr.send to a plain actor", |bencher| {
        bencher.to_async(&runtime).iter(|| addr.send(Sum(1, 2)));
    });
    arbiter.stop();
    group.bench_function("a typed message to the service", |bencher| {
        bencher.to_async(&runtime).iter(|| inline.service().call(Bench_Add { a: 1, b: 2 }));
    });
    let add = call("add", r#"{"a":1,"b":2}"#, 1);
    bench_replies(&mut group, &runtime, "&self", &inline, &add, r#""result":3"#);
    bench_replies(&mut group, &runtime, "&mut self", &inline, &call("count", "{}", 1), r#""result":1"#);
    bench_replies(&mut group, &runtime, "&self, through the actor", &actor, &add, r#""result":3"#);
    let notification = r#"{"jsonrpc":"2.0","method":"add","params":{"a":1,"b":2}}"#;
    bench_replies(&mut group, &runtime, "a notification", &inline, notification, "");
    for (name, dialect) in [("pymicroservice", Dialect::Pymicroservice), ("gemstone", Dialect::Gemstone)] {
        let service = inline.in_dialect(dialect);
        bench_replies(&mut group, &runtime, &format!("the dialect {name}"), &service, &add, ":3");
    }
    bench_replies(&mut group, &runtime, "access denied", &inline, &call("secret", "{}", 1), "-32001");
    group.finish();
}

fn refused(criterion: &mut Criterion) {
    let runtime = runtime();
    let service = in_process(Bench::default);
    // One call runs, and one is queued.
    for _ in 0..2 {
        service.notify(Bench_Wait {}).expect("there is room");
        let begun =
            || service.service().stats().iter().any(|method| method.method == Bench_Wait::NAME && method.running == 1);
        while !begun() {
            std::thread::yield_now();
        }
    }
    let mut group = criterion.benchmark_group("refused");
    bench_replies(&mut group, &runtime, "a call to a full mailbox", &service, &call("wait", "{}", 1), "-32000");
    group.finish();
}

fn batches(criterion: &mut Criterion) {
    let runtime = runtime();
    let inline = in_process(Bench::default);
    let actor = in_process_with(Bench::default, |server| server.placement(Placement::Actor));
    let mut group = criterion.benchmark_group("batch of 100");
    group.throughput(Throughput::Elements(BATCH as u64));
    let (arbiter, addr) = plain_actor();
    group.bench_function("addr.send to a plain actor, one after the other", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            for a in 0..BATCH as i64 {
                black_box(addr.send(Sum(a, 2)).await.ok());
            }
        });
    });
    arbiter.stop();
    bench_replies(&mut group, &runtime, "&self", &inline, &batch(), r#""result":101,"id":99"#);
    bench_replies(&mut group, &runtime, "&self, through the actor", &actor, &batch(), r#""result":101,"id":99"#);
    group.finish();
}

/// Measures the time of serde_json for parameters: to deserialise them, and to skip and then
/// deserialise them, which is usual where their end has to be found first.
fn bench_parsing<M: Message>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, params: &str) {
    group.bench_function(format!("{name}, read"), |bencher| {
        bencher.iter(|| serde_json::from_str::<M>(black_box(params)).ok());
    });
    group.bench_function(format!("{name}, skipped and read"), |bencher| {
        bencher.iter(|| {
            let raw = serde_json::from_str::<&RawValue>(black_box(params)).expect("it is JSON");
            serde_json::from_str::<M>(raw.get()).ok()
        });
    });
}

/// Measures calls that consist mostly of parameters.
fn large(criterion: &mut Criterion) {
    let runtime = runtime();
    let service = in_process(Bench::default);
    let mut group = criterion.benchmark_group("large");
    let numbers = (0..1000).map(|n| f64::from(n) + 0.123_456_789).collect();
    let numbers = serde_json::to_string(&Bench_Total { values: numbers }).expect("it is JSON");
    bench_parsing::<Bench_Total>(&mut group, "1,000 numbers", &numbers);
    bench_replies(
        &mut group,
        &runtime,
        "1,000 numbers, a call",
        &service,
        &call("total", &numbers, 1),
        r#""result":499623.4"#,
    );
    let item = |n| Item { name: format!("item {n}"), tags: vec!["red".to_owned(), "blue".to_owned()], x: n, y: -n };
    let objects = serde_json::to_string(&Bench_Place { items: (0..300).map(item).collect() }).expect("it is JSON");
    bench_parsing::<Bench_Place>(&mut group, "300 objects", &objects);
    bench_replies(
        &mut group,
        &runtime,
        "300 objects, a call",
        &service,
        &call("place", &objects, 1),
        r#""result":300"#,
    );
    group.finish();
}

fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().enable_time().build().expect("there can be a runtime")
}

/// Starts a plain actor on its own thread, on the actix system of this one.
fn plain_actor() -> (Arbiter, Addr<PlainActor>) {
    if actix::System::try_current().is_none() {
        // The system stays the current one after this value is dropped.
        let _ = actix::System::new();
    }
    let arbiter = Arbiter::new();
    let addr = PlainActor::start_in_arbiter(&arbiter.handle(), |_| PlainActor);
    (arbiter, addr)
}

fn criterion_settings() -> Criterion {
    Criterion::default()
        .output_directory(&table::criterion_directory().expect("there can be target/bench"))
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args()
}

criterion_group! { name = all; config = criterion_settings(); targets = single, refused, batches, large }

fn main() -> ExitCode {
    // `cargo test` runs benches, too, but without `--bench`.
    if !std::env::args().any(|arg| arg == "--bench") {
        all();
        return ExitCode::SUCCESS;
    }
    let (begin, calibration) = (SystemTime::now(), figures::calibrate());
    all();
    match table::print(begin) {
        Ok(()) => {
            println!("{}", figures::describe_calibration(&[calibration, figures::calibrate()]));
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("error: the table could not be written: {error}");
            ExitCode::FAILURE
        }
    }
}
