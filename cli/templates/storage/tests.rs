//! Tests that call the service over HTTP, as its clients do.

use std::thread::sleep;
use std::time::Duration;

use callbox::RpcError;
use my_service::service::{KeyValues_Clear, KeyValues_Count, KeyValues_Get, KeyValues_Put, KeyValues_Remove, KeyValues_Scan};
use serde_json::json;

fn put(key: &str, ttl_ms: Option<u64>) -> KeyValues_Put {
    KeyValues_Put { key: key.into(), value: json!({ "is": key }), ttl_ms }
}

fn get(key: &str) -> KeyValues_Get {
    KeyValues_Get { key: key.into() }
}

#[test]
fn a_value_is_kept_until_it_is_removed() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    server.call(put("a", None))?;
    assert_eq!(server.call(get("a"))?, json!({ "is": "a" }));
    assert!(server.call(KeyValues_Remove { key: "a".into() })?);
    assert!(!server.call(KeyValues_Remove { key: "a".into() })?);
    assert_eq!(server.call(get("a")).err().map(|error| error.code()), Some(404));
    Ok(())
}

#[test]
fn a_value_expires() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    server.call(put("short", Some(20)))?;
    server.call(put("long", Some(60_000)))?;
    sleep(Duration::from_millis(30));
    assert!(server.call(get("short")).is_err());
    assert!(server.call(get("long")).is_ok());
    assert_eq!(server.call(KeyValues_Count {})?, 1);
    Ok(())
}

#[test]
fn keys_are_found_by_their_prefix() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    for key in ["a/1", "b/1", "b/2", "b/3", "c/1"] {
        server.call(put(key, None))?;
    }
    let scan = |after: Option<&str>| KeyValues_Scan { prefix: "b/".into(), after: after.map(Into::into), limit: 2 };
    let keys = |after| server.call(scan(after)).map(|items| items.into_iter().map(|item| item.key).collect::<Vec<_>>());
    assert_eq!(keys(None)?, ["b/1", "b/2"]);
    assert_eq!(keys(Some("b/2"))?, ["b/3"]);
    Ok(())
}

#[test]
fn clearing_needs_the_token() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    server.call(put("a", None))?;
    assert!(server.call(KeyValues_Clear {}).is_err());
    assert_eq!(server.call(KeyValues_Count {})?, 1);
    server.with_token("hello_world").call(KeyValues_Clear {})?;
    assert_eq!(server.call(KeyValues_Count {})?, 0);
    Ok(())
}
