//! The member `_meta` of named parameters: for callbox, and never for a method.

use serde_json::{Value, json};

use crate::running::start;

#[test]
fn it_never_reaches_the_parameters_nor_the_rest() {
    let running = start();
    let mut socket = running.connect();
    let metas =
        [json!({}), json!(null), json!({ "after": "x", "progressToken": 1 }), json!({ "other": [1, { "a": 2 }] })];
    for meta in metas {
        let params = json!({ "a": 1, "_meta": meta, "b": { "_meta": 2 } });
        let rest = json!({ "a": 1, "b": { "_meta": 2 } });
        let call = json!({ "jsonrpc": "2.0", "method": "rest", "params": params, "id": 1 });
        assert_eq!(running.server.rpc(&call)["result"], rest, "{meta} over HTTP");
        assert_eq!(socket.result("rest", params), rest, "{meta} over a WebSocket");
        let text = json!({ "length": 2, "_meta": meta });
        let call = json!({ "jsonrpc": "2.0", "method": "text", "params": text, "id": 1 });
        assert_eq!(running.server.rpc(&call)["result"], "xx", "{meta} over HTTP");
        assert_eq!(socket.result("text", text), "xx", "{meta} over a WebSocket");
        let ping = json!({ "_meta": meta });
        assert_eq!(socket.result("ping", ping), "pong", "{meta}");
    }
    assert!(socket.result("rpc.discover", json!({ "_meta": { "other": 1 } })).is_object());
    for params in [json!({ "_meta": {}, "a": 1 }), json!([1]), json!([{ "_meta": {} }])] {
        assert_eq!(socket.error_code("rpc.discover", params.clone()), -32602, "{params}");
    }
    let id = socket.subscribe("described", json!({ "a": 1, "_meta": { "minIntervalMs": 5 } }));
    assert_eq!(socket.item_of(&id), json!({ "a": 1 }));
}

#[test]
fn in_positional_parameters_it_is_a_value_like_any_other() {
    let running = start();
    let mut socket = running.connect();
    assert_eq!(socket.error_code("numbers", json!([{ "_meta": {} }])), -32602);
    assert_eq!(socket.error_code("text", json!([2, { "_meta": {} }])), -32602);
}

#[test]
fn what_cannot_be_read_is_an_error_where_it_would_count() {
    let running = start();
    let mut socket = running.connect();
    let texts = [r#""_meta":1"#, r#""_meta":[]"#, r#""_meta":{"after":7}"#, r#""_meta":{},"_meta":{}"#];
    for text in texts {
        socket.send(format!(r#"{{"jsonrpc":"2.0","method":"numbers","params":{{{text}}},"id":1}}"#));
        let reply = socket.reply();
        assert_eq!((&reply["error"]["code"], &reply["id"]), (&json!(-32602), &json!(1)), "{text}: {reply}");
    }
    assert_eq!(running.subscriptions(), 0);
    // A string that looks like it costs a search, and nothing else.
    assert_eq!(socket.result("rest", json!({ "a": "\"_meta\":{" })), json!({ "a": "\"_meta\":{" }));
    assert_eq!(socket.take_notices(), [] as [Value; 0]);
}
