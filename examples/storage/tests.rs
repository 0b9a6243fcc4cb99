//! The tests of the service, over HTTP on a free port.

use callbox::testing;

use super::app;
use serde_json::json;

use super::service::{KeyValues_Clear, KeyValues_Count, KeyValues_Get, KeyValues_Put, KeyValues_Scan};

fn put(key: &str, ttl_ms: Option<u64>) -> KeyValues_Put {
    KeyValues_Put { key: key.to_owned(), value: json!(key.len()), ttl_ms }
}

fn get(key: &str) -> KeyValues_Get {
    KeyValues_Get { key: key.to_owned() }
}

#[test]
fn a_value_is_there_until_its_time_is_over() {
    let server = testing::start(app());
    server.call(put("kept", None)).unwrap();
    server.call(put("gone", Some(0))).unwrap();
    assert_eq!(server.call(get("kept")), Ok(json!(4)));

    let error = server.call(get("gone")).unwrap_err();
    assert_eq!((error.code(), error.message()), (404, "No such key gone"));
    assert_eq!(server.call(KeyValues_Count {}), Ok(1));
}

#[test]
fn keys_are_found_by_their_prefix_in_order() {
    let server = testing::start(app());
    for key in ["user/2", "user/1", "order/1"] {
        server.call(put(key, None)).unwrap();
    }
    let scan = |after: Option<&str>| {
        let scan = KeyValues_Scan { prefix: "user/".to_owned(), after: after.map(str::to_owned), limit: 10 };
        server.call(scan).unwrap().into_iter().map(|item| item.key).collect::<Vec<_>>()
    };
    assert_eq!(scan(None), ["user/1", "user/2"]);
    assert_eq!(scan(Some("user/1")), ["user/2"]);

    assert!(server.call(KeyValues_Clear {}).is_err(), "without a token");
    server.with_token("hello_world").call(KeyValues_Clear {}).unwrap();
    assert_eq!(scan(None), [""; 0]);
}
