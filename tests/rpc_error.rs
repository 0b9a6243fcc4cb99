//! `#[derive(RpcError)]`: codes, messages and data.

use std::collections::BTreeMap;

use callbox::{Internal, RpcError};
use serde::Serialize;
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
    Other(Internal),
    #[rpc(transparent)]
    Told { by: RpcError },
}

fn told(error: LookUp<char>) -> (i32, String, Option<Value>) {
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
        assert_eq!(told(error), (code, message.to_owned(), data));
    }
}

#[test]
fn a_transparent_internal_error_keeps_its_text_to_itself() {
    let (code, message, data) = told(LookUp::Other(Internal::new("the password is hunter2")));
    assert_eq!((code, message.as_str()), (-32603, "Internal error"));
    assert!(!data.unwrap().to_string().contains("hunter2"));
}
