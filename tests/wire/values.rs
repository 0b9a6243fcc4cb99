//! A value that arrives is the one that was sent, whichever way the call is made; what JSON cannot
//! hold arrives by none.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::num::NonZeroU128;
use std::time::Duration;

use callbox::client::{Client, ClientError};
use callbox::testing::{self, InProcess, TestServer};
use callbox::{Server, service};
use proptest::prelude::*;
use proptest::sample::select;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::runtime::Runtime;

use crate::calculator::call;

#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
struct Point {
    x: f64,
    y: Option<f32>,
}

#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
struct Length(f64);

#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
enum Shape {
    Dot,
    Circle(f64),
    Oval(f32, f32),
    Square { side: f64, at: Option<u128> },
}

#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind")]
enum Tagged {
    At(Point),
    Nowhere,
}

#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
enum Either {
    Flag(bool),
    At(Point),
}

#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
struct Place {
    name: String,
    #[serde(flatten)]
    at: Point,
}

/// Answers what it is given, and as text what that was.
struct Echo;

/// The service, and the test that sends values of each type to it: the method, its message, the
/// type, and what to send.
macro_rules! echo {
    ($($name:ident $message:ident: $ty:ty = $any:expr;)*) => {
        #[service]
        impl Echo {
            $(
                #[public_method]
                fn $name(&self, value: $ty) -> (String, $ty) {
                    (format!("{value:?}"), value)
                }
            )*

            /// A parameter itself distinguishes between left out and null.
            #[public_method]
            fn change(&self, to: Option<Option<u32>>) -> String {
                format!("{to:?}")
            }

            #[public_method]
            fn make_point(&self, x: u64, y: Option<u32>) -> Point {
                Point { x: f64::from_bits(x), y: y.map(f32::from_bits) }
            }

            #[public_method]
            async fn make_shapes(&self, of: Vec<u64>) -> Vec<Shape> {
                of.into_iter().map(|side| Shape::Square { side: f64::from_bits(side), at: None }).collect()
            }

            #[public_method]
            fn make_f32(&mut self, bits: u32) -> f32 {
                f32::from_bits(bits)
            }

            #[public_method]
            fn make_pairs(&mut self, count: u8) -> Pairs {
                Pairs((0..count).map(|n| ((n, n), n)).collect())
            }
        }

        #[test]
        fn a_value_of_any_type_arrives_as_it_was_sent_or_by_no_way() {
            let ways = Ways::start();
            $(
                proptest!(ProptestConfig::with_cases(64), |(value in $any)| {
                    let message = || $message { value: value.clone() };
                    let [http, within] = ways.clients.each_ref().map(|client| ways.wait(client.$name(value.clone())));
                    let batch = ways.clients.each_ref().map(|client| {
                        ways.wait(client.batch().add(message()).add(Echo_Change { to: None }).send()).0
                    });
                    let direct = ways.direct.call(message());
                    ways.agree(stringify!($name), &value, direct, [Vec::from([http, within]), batch.into()].concat());
                });
            )*
        }
    };
}

/// Whose keys are no strings, so that only the empty one has a form in JSON.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
struct Pairs(#[schemars(with = "BTreeMap<String, u8>")] BTreeMap<(u8, u8), u8>);

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<f64>(),
        1 => select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MAX, 5e-324]),
    ]
}

fn short() -> impl Strategy<Value = f32> {
    prop_oneof![4 => any::<f32>(), 1 => select(vec![f32::NAN, f32::NEG_INFINITY, -0.0, f32::MAX, 1e-45])]
}

fn point() -> impl Strategy<Value = Point> {
    (number(), prop::option::of(short())).prop_map(|(x, y)| Point { x, y })
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Dot),
        number().prop_map(Shape::Circle),
        (short(), short()).prop_map(|(a, b)| Shape::Oval(a, b)),
        (number(), any::<Option<u128>>()).prop_map(|(side, at)| Shape::Square { side, at }),
    ]
}

echo! {
    flag Echo_Flag: bool = any::<bool>();
    byte Echo_Byte: u8 = any::<u8>();
    letter Echo_Letter: char = any::<char>();
    text Echo_Text: String = ".*";
    nothing Echo_Nothing: () = Just(());
    long Echo_Long: i64 = any::<i64>();
    wide Echo_Wide: i128 = any::<i128>();
    widest Echo_Widest: Vec<u128> = prop::collection::vec(any::<u128>(), 0..4);
    nonzero Echo_Nonzero: Option<NonZeroU128> = any::<u128>().prop_map(NonZeroU128::new);
    boxed Echo_Boxed: Box<u128> = any::<u128>().prop_map(Box::new);
    single Echo_Single: f32 = short();
    double Echo_Double: f64 = number();
    perhaps Echo_Perhaps: Option<f64> = prop::option::of(number());
    floats Echo_Floats: Vec<f64> = prop::collection::vec(number(), 0..3);
    metres Echo_Metres: (u8, Length) = (any::<u8>(), number().prop_map(Length));
    at_point Echo_AtPoint: Point = point();
    shapes Echo_Shapes: Vec<Shape> = prop::collection::vec(shape(), 0..3);
    of_kind Echo_OfKind: Tagged = prop_oneof![Just(Tagged::Nowhere), point().prop_map(Tagged::At)];
    choose Echo_Choose: Either = prop_oneof![any::<bool>().prop_map(Either::Flag), point().prop_map(Either::At)];
    at_place Echo_AtPlace: Place = (".{0,3}", point()).prop_map(|(name, at)| Place { name, at });
    by_number Echo_ByNumber: BTreeMap<i128, f32> = prop::collection::btree_map(any::<i128>(), short(), 0..3);
    by_name Echo_ByName: BTreeMap<String, Option<f64>> =
        prop::collection::btree_map(".{0,3}", prop::option::of(number()), 0..3);
    pairs_of Echo_PairsOf: Pairs = prop::collection::btree_map(any::<(u8, u8)>(), any::<u8>(), 0..2).prop_map(Pairs);
    time Echo_Time: Duration = (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(secs, nanos)| Duration::new(secs, nanos));
}

/// The ways to one service: its handle, and typed clients over HTTP and within the process. Over
/// HTTP it is another one.
struct Ways {
    direct: InProcess<Echo>,
    clients: [EchoClient; 2],
    runtime: Runtime,
    _server: TestServer,
}

impl Ways {
    fn start() -> Self {
        let (direct, server) = (testing::in_process(|| Echo), testing::start(Server::new(|| Echo)));
        let over_http = EchoClient::from(Client::new(server.url("/api")).unwrap());
        let clients = [over_http, direct.service().client()];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { direct, clients, runtime, _server: server }
    }

    fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// The value is seen by the method and comes back, or is refused before it is sent, by each of
    /// the ways.
    fn agree<T: Serialize + DeserializeOwned + Debug>(
        &self,
        method: &str,
        value: &T,
        direct: Result<(String, T), callbox::RpcError>,
        typed: Vec<Result<(String, T), ClientError>>,
    ) {
        let sent = format!("{value:?}");
        let arrived = |(seen, back): &(String, T)| *seen == sent && format!("{back:?}") == sent;
        let Ok(direct) = direct else {
            assert_eq!(direct.unwrap_err().code(), -32602, "{sent}");
            for typed in typed {
                assert!(matches!(typed, Err(ClientError::Params(_))), "{sent}: {typed:?}");
            }
            return;
        };
        assert!(arrived(&direct), "{sent}: {direct:?}");
        for typed in typed {
            let typed = typed.unwrap_or_else(|error| panic!("{sent}: {error}"));
            assert!(arrived(&typed), "{sent}: {typed:?}");
        }
        let json = serde_json::to_string(value).expect("it has a form in JSON");
        for params in [format!("[{json}]"), format!(r#"{{"value":{json}}}"#)] {
            let answer = self.direct.post(call(method, &params, "1")).expect("an answer");
            let answer: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&answer).expect("JSON");
            let result = answer.get("result").unwrap_or_else(|| panic!("{params}: {answer:?}"));
            assert!(arrived(&serde_json::from_str(result.get()).unwrap()), "{params}: {result}");
        }
    }
}

/// By all ways it is -32603, and in a batch as well as alone.
fn fails<T: Debug>(
    ways: &Ways,
    direct: Result<T, callbox::RpcError>,
    clients: [Result<T, ClientError>; 2],
    body: &str,
) {
    assert_eq!(direct.unwrap_err().code(), -32603, "{body}");
    for client in clients {
        assert!(matches!(&client, Err(ClientError::Server(error)) if error.code() == -32603), "{body}: {client:?}");
    }
    let answer = ways.direct.post(body).unwrap();
    let read = |answer: &str| serde_json::from_str::<Value>(answer).expect("JSON");
    assert_eq!(read(&answer)["error"]["code"], -32603, "{answer}");
    assert!(!answer.contains("NaN") && !answer.contains("JSON"), "the cause is for the log alone: {answer}");
    let batch = read(&ways.direct.post(format!("[{body},{body}]")).unwrap());
    assert!([0, 1].iter().all(|at| batch[at]["error"]["code"] == -32603), "{batch}");
}

#[test]
fn a_result_that_json_cannot_hold_is_an_internal_error_by_each_way() {
    let ways = Ways::start();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let (bits, short) = (value.to_bits(), (value as f32).to_bits());
        fails(
            &ways,
            ways.direct.call(Echo_MakePoint { x: bits, y: None }),
            ways.clients.each_ref().map(|client| ways.wait(client.make_point(bits, None))),
            &call("make_point", &format!("[{bits}]"), "1"),
        );
        fails(
            &ways,
            ways.direct.call(Echo_MakePoint { x: 0, y: Some(short) }),
            ways.clients.each_ref().map(|client| ways.wait(client.make_point(0, Some(short)))),
            &call("make_point", &format!("[0,{short}]"), "1"),
        );
        fails(
            &ways,
            ways.direct.call(Echo_MakeShapes { of: vec![0, bits] }),
            ways.clients.each_ref().map(|client| ways.wait(client.make_shapes(vec![0, bits]))),
            &call("make_shapes", &format!("[[0,{bits}]]"), "1"),
        );
        fails(
            &ways,
            ways.direct.call(Echo_MakeF32 { bits: short }),
            ways.clients.each_ref().map(|client| ways.wait(client.make_f32(short))),
            &call("make_f32", &format!("[{short}]"), "1"),
        );
    }
    fails(
        &ways,
        ways.direct.call(Echo_MakePairs { count: 2 }),
        ways.clients.each_ref().map(|client| ways.wait(client.make_pairs(2))),
        &call("make_pairs", "[2]", "1"),
    );
}

#[test]
fn a_number_that_is_too_large_for_its_type_is_rejected_in_any_place() {
    let ways = Ways::start();
    for (method, value) in [
        ("single", "1e39"),
        ("at_point", r#"{"x":0,"y":1e39}"#),
        ("of_kind", r#"{"kind":"At","x":0,"y":1e39}"#),
        ("choose", r#"{"x":0,"y":-1e39}"#),
        ("at_place", r#"{"name":"n","x":0,"y":1e39}"#),
    ] {
        for params in [format!("[{value}]"), format!(r#"{{"value":{value}}}"#)] {
            let answer = ways.direct.post(call(method, &params, "1")).unwrap();
            let answer: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(answer["error"]["code"], -32602, "{method} {params}: {answer}");
            // serde buffers the values of the others before it reads them.
            let param = if method == "at_point" { "value.y" } else { "value" };
            assert_eq!(answer["error"]["data"]["param"], param, "{method} {params}: {answer}");
        }
        let small = value.replace("1e39", "1");
        let answer = ways.direct.post(call(method, &format!("[{small}]"), "1")).unwrap();
        assert!(answer.contains("result"), "{answer}");
    }
}

#[test]
fn a_parameter_that_is_null_differs_from_one_that_is_left_out_by_each_way() {
    let ways = Ways::start();
    for (to, named, positional) in
        [(None, "{}", "[]"), (Some(None), r#"{"to":null}"#, "[null]"), (Some(Some(7)), r#"{"to":7}"#, "[7]")]
    {
        let expected = format!("{to:?}");
        assert_eq!(ways.direct.call(Echo_Change { to }), Ok(expected.clone()));
        for client in &ways.clients {
            assert_eq!(ways.wait(client.change(to)).unwrap(), expected);
        }
        for params in [named, positional] {
            let answer = ways.direct.post(call("change", params, "1")).unwrap();
            assert!(answer.contains(&expected), "{params}: {answer}");
        }
    }
}
