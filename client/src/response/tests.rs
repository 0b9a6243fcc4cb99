use super::*;

fn request(id: Option<u64>) -> RequestObject {
    RequestObject::new("m", id)
}

/// The result of the call with id 7, or its error, as text.
fn read_one(body: &str) -> String {
    let result = read(&TransportResponse::new(body), &[&request(Some(7))], BodyShape::Single).remove(0);
    result.map_or_else(|error| format!("{error:?}"), |raw| raw.get().to_owned())
}

#[test]
fn the_result_of_each_dialect_is_found() {
    for body in [
        r#"{"jsonrpc":"2.0","result":R,"id":7}"#,
        r#"{"error":null,"id":7,"response":R}"#,
        r#"{"jsonrpc":"2.0","result":R,"error":null,"id":7}"#,
        " \n{\"id\":7,\"result\":R,\"more\":[{}]}\r\n",
    ] {
        for result in ["null", "0", r#"{"error":{"code":1}}"#, r#""x""#, "12345678901234567890.5"] {
            assert_eq!(read_one(&body.replace('R', result)), result, "{body}");
        }
    }
}

#[test]
fn the_error_of_each_dialect_is_found() {
    for body in [
        r#"{"jsonrpc":"2.0","error":E,"id":7}"#,
        r#"{"error":E,"id":7,"response":null}"#,
        r#"{"jsonrpc":"2.0","result":null,"error":E,"id":7}"#,
        r#"{"jsonrpc":"2.0","error":E,"id":null}"#,
        r#"{"jsonrpc":"2.0","error":E}"#,
    ] {
        let error = r#"{"code":7,"message":"no","data":null}"#;
        let expected = r#"Method(RpcError { code: 7, message: "no", data: Some("null") })"#;
        assert_eq!(read_one(&body.replace('E', error)), expected, "{body}");
        assert!(
            read_one(&body.replace('E', r#"{"code":7}"#)).starts_with("Method"),
            "a message may be missing: {body}"
        );
    }
}

#[test]
fn a_body_that_is_no_response_to_the_call_is_a_bad_response() {
    for body in [
        "",
        "x",
        "null",
        "7",
        "[]",
        "{}",
        r#"{"id":7}"#,
        r#"{"result":1}"#,
        r#"{"result":1,"id":8}"#,
        r#"{"result":1,"id":"7"}"#,
        r#"{"result":1,"id":7.0}"#,
        r#"{"result":1,"id":null}"#,
        r#"{"error":{"code":7,"message":"no"},"id":8}"#,
        r#"{"error":{"code":"7","message":"no"},"id":7}"#,
        r#"{"error":{"code":99999999999,"message":"no"},"id":7}"#,
        r#"{"error":"no","id":7}"#,
        r#"{"result":1,"result":2,"id":7}"#,
        r#"{"result":1,"id":7} x"#,
        r#"{"result":1,"id":7"#,
    ] {
        assert!(read_one(body).starts_with("BadResponse"), "{body}: {}", read_one(body));
    }
    let not_text = TransportResponse::new(*b"\xff");
    assert!(matches!(read(&not_text, &[&request(Some(7))], BodyShape::Single)[0], Err(ClientError::BadResponse(_))));
}

#[test]
fn the_remark_of_the_transport_is_only_in_the_error_of_an_unusable_body() {
    let call = request(Some(7));
    let result = |body: &str| {
        read(&TransportResponse::new(body).with_remark("HTTP status 502"), &[&call], BodyShape::Single).remove(0)
    };
    assert_eq!(result(r#"{"result":1,"id":7}"#).unwrap().get(), "1");
    let error = result("<html>").unwrap_err().to_string();
    assert_eq!(error, "the response cannot be used: HTTP status 502: it is not a JSON-RPC response");
}
