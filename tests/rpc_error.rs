//! `#[derive(RpcError)]`: codes, messages and data.

use std::collections::BTreeMap;

use callbox::client::FromRpcError;
use callbox::{InternalError, RpcError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, from_str, json};

#[derive(RpcError)]
enum LookUp<T: Serialize> {
    #[rpc(code = 404, message = "No such user {id} in {shard:?}")]
    NoSuchUser {
        #[rpc(data)]
        id: u64,
        #[rpc(data)]
        r#type: T,
        shard: &'static str,
    },
    #[rpc(code = 409, message = "{0} is newer than {1:>3}, {{braced}}")]
    Conflict(#[rpc(data)] u8, #[rpc(data)] u8),
    #[rpc(code = -5)]
    HTTPTimeoutOfDB(#[rpc(data)] BTreeMap<String, u8>),
    #[rpc(code = 0x10)]
    #[rpc(message = "Plain")]
    Plain,
    #[rpc(transparent)]
    Other(InternalError),
    #[rpc(transparent)]
    Told { by: RpcError },
}

fn parts(error: LookUp<char>) -> (i32, String, Option<Value>) {
    let error = RpcError::from(error);
    (error.code(), error.message().to_owned(), error.data().map(|raw| from_str(raw.get()).unwrap()))
}

#[test]
fn a_variant_has_its_code_its_message_and_its_data() {
    let cases = [
        (
            LookUp::NoSuchUser { id: 7, r#type: 'x', shard: "a" },
            (404, "No such user 7 in \"a\"", Some(json!({ "id": 7, "type": "x" }))),
        ),
        (LookUp::Conflict(1, 2), (409, "1 is newer than   2, {braced}", Some(json!([1, 2])))),
        (
            LookUp::HTTPTimeoutOfDB(BTreeMap::from([("a".to_owned(), 1)])),
            (-5, "HTTP timeout of DB", Some(json!({ "a": 1 }))),
        ),
        (LookUp::Plain, (16, "Plain", None)),
        (LookUp::Told { by: RpcError::new(3, "three") }, (3, "three", None)),
    ];
    for (error, (code, message, data)) in cases {
        assert_eq!(parts(error), (code, message.to_owned(), data));
    }
}

#[test]
fn a_transparent_internal_error_keeps_its_text_to_itself() {
    let (code, message, data) = parts(LookUp::Other(InternalError::new("the password is hunter2")));
    assert_eq!((code, message.as_str()), (-32603, "Internal error"));
    assert!(!data.unwrap().to_string().contains("hunter2"));
}

#[derive(Debug, PartialEq, RpcError)]
enum Order {
    #[rpc(code = 404, message = "No such order {id}")]
    NotFound {
        #[rpc(data)]
        id: u64,
        #[rpc(data)]
        r#type: Option<String>,
    },
    #[rpc(code = 400)]
    BadName,
    #[rpc(code = 400)]
    BadAddress,
    #[rpc(code = 400, message = "Bad part {0}")]
    BadPart(#[rpc(data)] Part),
    #[rpc(code = 409)]
    Range(#[rpc(data)] u8, #[rpc(data)] u8),
    #[rpc(code = 500, message = "{why}")]
    Broken { why: String },
    #[rpc(code = 501)]
    Borrowed(#[rpc(data)] &'static str),
    #[rpc(code = 502)]
    Unreadable(#[rpc(data)] OneWay),
    #[rpc(transparent)]
    Payment(Payment),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Part(u8);

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "number {}", self.0)
    }
}

/// Can be written and not read.
#[derive(Debug, PartialEq, Serialize)]
struct OneWay;

#[derive(Debug, PartialEq, RpcError)]
enum Payment {
    #[rpc(code = 402)]
    Declined,
}

#[derive(Debug, RpcError)]
enum Loose {
    #[rpc(transparent)]
    Told(RpcError),
    #[rpc(code = 404)]
    NotFound,
    #[rpc(transparent)]
    Internal(InternalError),
}

fn back(code: i32, message: &'static str, data: Option<Value>) -> Result<Order, i32> {
    let error = RpcError::new(code, message);
    Order::from_rpc_error(match data {
        Some(data) => error.with_data(&data),
        None => error,
    })
    .map_err(|error| error.code())
}

#[test]
fn a_variant_that_was_sent_with_all_its_fields_comes_back_unchanged() {
    let whole = [
        (|| Order::NotFound { id: 7, r#type: None }) as fn() -> Order,
        || Order::NotFound { id: 7, r#type: Some("x".to_owned()) },
        || Order::BadName,
        || Order::BadAddress,
        || Order::BadPart(Part(3)),
        || Order::Range(1, 2),
        || Order::Payment(Payment::Declined),
    ];
    for variant in whole {
        assert_eq!(Order::from_rpc_error(variant().into()), Ok(variant()));
    }
    for part in [Order::Broken { why: "disk".to_owned() }, Order::Borrowed("x"), Order::Unreadable(OneWay)] {
        let error = RpcError::from(part);
        assert_eq!(Order::from_rpc_error(error.clone()), Err(error), "the error is not lost");
    }
}

#[test]
fn code_and_data_decide_and_the_message_only_between_variants_that_both_fit() {
    let id = || Some(json!({ "id": 7, "type": null }));
    assert_eq!(back(404, "in other words", id()), Ok(Order::NotFound { id: 7, r#type: None }));
    assert_eq!(back(404, "No such order 7", None), Err(404));
    assert_eq!(back(404, "No such order 7", Some(json!({ "id": "seven" }))), Err(404));
    assert_eq!(
        back(404, "", Some(json!({ "id": 7, "type": null, "since": 1 }))),
        Ok(Order::NotFound { id: 7, r#type: None })
    );
    assert_eq!(back(400, "Bad address", None), Ok(Order::BadAddress));
    assert_eq!(back(400, "in other words", None), Ok(Order::BadName), "the first that fits");
    assert_eq!(back(400, "Bad address", Some(json!(3))), Ok(Order::BadPart(Part(3))));
    assert_eq!(back(409, "", Some(json!([1]))), Err(409));
    assert_eq!(back(403, "", None), Err(403));
}

#[test]
fn variants_with_codes_go_before_transparent_ones() {
    let back = |code| Loose::from_rpc_error(RpcError::new(code, "no")).unwrap();
    assert!(matches!(back(404), Loose::NotFound));
    assert!(matches!(back(405), Loose::Told(error) if error.code() == 405));
    assert!(InternalError::from_rpc_error(RpcError::new(1, "no")).is_err());
}

#[test]
fn a_generic_error_comes_back_where_its_parameter_can() {
    let conflict = || RpcError::from(LookUp::<char>::Conflict(1, 2));
    assert!(matches!(LookUp::<char>::from_rpc_error(conflict()), Ok(LookUp::Conflict(1, 2))));
    let plain = RpcError::from(LookUp::<char>::Plain);
    assert!(matches!(LookUp::<char>::from_rpc_error(plain), Ok(LookUp::Plain)));
}
