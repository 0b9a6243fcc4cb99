//! Error types of a program's own: beside `thiserror`, with the errors of other crates, and behind
//! a `Result` of one argument.

use std::num::ParseIntError;
use std::sync::{Mutex, Once};
use std::{fmt, io};

use callbox::client::{ClientError, FromRpcError};
use callbox::testing::{self, TestServer};
use callbox::{DescribeErrors, InternalError, RpcError, Server, service};
use serde_json::{Value, json};

/// Stands for the error of another crate.
#[derive(Debug)]
struct PoolError(io::Error);

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pool is empty")
    }
}

impl std::error::Error for PoolError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn pool_error() -> PoolError {
    PoolError(io::Error::other("hunter2 was refused"))
}

#[derive(Debug, thiserror::Error, RpcError)]
enum OrderError {
    #[error("There is no order {number}")]
    #[rpc(code = 404)]
    NotFound {
        #[rpc(data)]
        number: u64,
    },
    #[error("the lock of order {0} is held")]
    #[rpc(code = 409, message = "Order {0} is being changed")]
    Locked(#[rpc(data)] u64),
    #[error("{} is too many, {left:?} are left", .wanted + 1)]
    #[rpc(code = 422)]
    TooMany { wanted: u32, left: Option<u32> },
    #[error(transparent)]
    #[rpc(code = 400)]
    Unreadable(#[from] ParseIntError),
    #[error("the orders cannot be read")]
    #[rpc(internal)]
    Database(#[from] PoolError),
    #[error("order {number} has {lines} lines")]
    #[rpc(internal)]
    Corrupt { number: u64, lines: usize },
    #[error(transparent)]
    #[rpc(internal)]
    Io(#[from] io::Error),
}

/// Without thiserror.
#[derive(Debug, RpcError)]
enum PlainError {
    #[rpc(code = 400)]
    Unreadable(#[rpc(data, from)] Reason),
    #[rpc(internal)]
    Database(#[rpc(from)] PoolError),
    #[rpc(internal)]
    Text(#[rpc(from)] String),
    #[rpc(internal)]
    OutOfOrder,
    #[rpc(transparent)]
    Other(#[rpc(from)] InternalError),
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Reason(u8);

type Result<T, E = OrderError> = std::result::Result<T, E>;

mod short {
    pub(crate) type Result = std::result::Result<u8, super::PlainError>;
}

#[derive(Default)]
struct Orders;

#[service(name = "test.orders")]
impl Orders {
    #[public_method]
    fn find(&self, number: String) -> Result<u64> {
        match number.parse()? {
            1 => Err(pool_error().into()),
            2 => Err(OrderError::Locked(2)),
            3 => Err(OrderError::TooMany { wanted: 3, left: Some(1) }),
            4 => Err(OrderError::Corrupt { number: 4, lines: 0 }),
            5 => Err(io::Error::other("the disk is full").into()),
            number if number < 100 => Ok(number),
            number => Err(OrderError::NotFound { number }),
        }
    }

    #[public_method]
    async fn wait(&self) -> self::Result<()> {
        Err(pool_error())?;
        Ok(())
    }

    #[public_method(compute)]
    fn plain(kind: u8) -> short::Result {
        Err(match kind {
            0 => Reason(7).into(),
            1 => pool_error().into(),
            2 => "the text".to_owned().into(),
            3 => PlainError::OutOfOrder,
            _ => InternalError::new("another").into(),
        })
    }

    #[public_method]
    fn both(&self) -> Result<u8, PlainError> {
        Ok(1)
    }
}

/// What the server has logged.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn server() -> TestServer {
    static SUBSCRIBER: Once = Once::new();
    SUBSCRIBER.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(|| Log).finish();
        tracing::subscriber::set_global_default(subscriber).expect("the first one");
    });
    testing::start(Server::new(Orders::default))
}

fn error(server: &TestServer, method: &str, param: &Value) -> (i64, String, Value) {
    let answer = server.rpc(&json!({ "jsonrpc": "2.0", "method": method, "params": [param], "id": 1 }));
    let error = &answer["error"];
    (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned(), error["data"].clone())
}

#[test]
fn the_text_of_thiserror_is_the_message_unless_there_is_another() {
    let server = server();
    for (number, code, message, data) in [
        ("100", 404, "There is no order 100", json!({ "number": 100 })),
        ("2", 409, "Order 2 is being changed", json!(2)),
        ("3", 422, "4 is too many, Some(1) are left", json!(null)),
        ("x", 400, "invalid digit found in string", json!(null)),
    ] {
        assert_eq!(error(&server, "find", &json!(number)), (code, message.to_owned(), data));
    }
    assert_eq!(OrderError::Locked(2).to_string(), "the lock of order 2 is held", "the program's own text stays");
}

#[test]
fn callers_receive_an_id_of_an_internal_error_and_the_log_has_its_cause_and_sources() {
    let server = server();
    for (method, param, cause) in [
        ("find", json!("1"), "the orders cannot be read: the pool is empty: hunter2 was refused"),
        ("find", json!("4"), "order 4 has 0 lines"),
        ("find", json!("5"), "the disk is full"),
        ("plain", json!(1), "the pool is empty: hunter2 was refused"),
        ("plain", json!(2), "the text"),
        ("plain", json!(3), "Out of order"),
        ("plain", json!(4), "another"),
    ] {
        let (code, message, data) = error(&server, method, &param);
        assert_eq!((code, message.as_str()), (-32603, "Internal error"));
        let id = data["correlation_id"].as_str().unwrap();
        assert_eq!(data.as_object().unwrap().len(), 1, "{data}");
        let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
        assert!(log.contains(&format!("correlation_id={id} cause={cause}\n")), "{cause}: {log}");
    }
}

#[tokio::test]
async fn a_typed_client_returns_what_was_sent_and_no_internal_error() {
    let server = server();
    let orders: OrdersClient = server.service::<Orders>().client();
    let missing = orders.find("100".to_owned()).await;
    assert!(matches!(missing, Err(ClientError::Method(OrderError::NotFound { number: 100 }))), "{missing:?}");
    for failed in [orders.find("1".to_owned()).await.err(), orders.wait().await.err()] {
        assert!(matches!(&failed, Some(ClientError::Server(error)) if error.code() == -32603), "{failed:?}");
    }
    let plain = orders.plain(0).await;
    assert!(matches!(plain, Err(ClientError::Method(PlainError::Unreadable(Reason(7))))), "{plain:?}");
    assert!(matches!(orders.plain(1).await, Err(ClientError::Server(_))));
    assert_eq!(orders.both().await.unwrap(), 1);
    let internal = RpcError::from(PlainError::OutOfOrder);
    assert!(PlainError::from_rpc_error(internal).is_err());
}

#[test]
fn internal_errors_are_not_among_the_errors_of_a_method() {
    fn is_described<E: DescribeErrors>() {}
    is_described::<OrderError>();
    let document = server().rpc(&json!({ "jsonrpc": "2.0", "method": "rpc.discover", "id": 1 }));
    let errors = |name: &str| {
        let methods = document["result"]["methods"].as_array().unwrap();
        let method = methods.iter().find(|method| method["name"] == name).unwrap();
        let errors = method["errors"].as_array().unwrap().iter();
        errors.map(|error| format!("{} {}", error["code"], error["message"].as_str().unwrap())).collect::<Vec<_>>()
    };
    let of_orders = [
        "404 There is no order {number}",
        "409 Order {0} is being changed",
        "422 {} is too many, {left:?} are left",
        "400 Unreadable",
    ];
    assert_eq!(errors("find"), of_orders);
    assert_eq!(errors("wait"), of_orders, "the error is behind a `Result` of one argument");
    assert_eq!(errors("plain"), ["400 Unreadable"]);
}
