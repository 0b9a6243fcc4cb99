//! The part of HTTP/1.1 that a load needs: a request that is written once, and a parser of
//! responses.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::outcome::Outcome;

/// Maximum number of headers of a response. No JSON-RPC server sends more.
const MAX_HEADERS: usize = 64;

/// Maximum size of a response, in bytes.
pub(crate) const MAX_RESPONSE_SIZE: usize = 64 << 20;

/// A complete response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    pub(crate) body: Cow<'a, [u8]>,
    /// Whether the connection may carry the next call.
    pub(crate) keep_alive: bool,
}

/// The received bytes are not an HTTP response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MalformedResponse;

/// Returns a JSON-RPC request with its HTTP head, which can be sent any number of times: a
/// connection carries one call at a time, so all calls can have the same id. Each header is a name
/// and a value.
pub(crate) fn build_request(
    host: &str,
    path: &str,
    headers: &[(String, String)],
    method: &str,
    params: &str,
) -> Vec<u8> {
    let method = serde_json::Value::from(method);
    let params = if params.is_empty() { String::new() } else { format!(r#""params":{params},"#) };
    let body = format!(r#"{{"jsonrpc":"2.0","method":{method},{params}"id":1}}"#);
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Parses the response at the start of `received`. Returns `None` if it is incomplete, unless
/// `is_end` says that the connection is closed.
pub(crate) fn parse_response(received: &[u8], is_end: bool) -> Result<Option<Response<'_>>, MalformedResponse> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(received).map_err(|_| MalformedResponse)? else {
        return if is_end { Err(MalformedResponse) } else { Ok(None) };
    };
    let (status, rest) = (head.code.ok_or(MalformedResponse)?, &received[length..]);
    if (100..200).contains(&status) {
        // An interim response; the final one follows.
        return parse_response(rest, is_end);
    }
    let value = |name: &str| {
        let header = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| String::from_utf8_lossy(header.value))
    };
    let has_token = |name: &str, word: &str| {
        value(name).is_some_and(|list| list.split(',').any(|item| item.trim().eq_ignore_ascii_case(word)))
    };
    let keep_alive =
        if head.version == Some(1) { !has_token("connection", "close") } else { has_token("connection", "keep-alive") };
    // Surplus bytes would be taken for the next response, so such a connection is not used again.
    let complete = |body, is_all: bool| Ok(Some(Response { status, body, keep_alive: keep_alive && is_all }));
    if matches!(status, 204 | 304) {
        return complete(Cow::Borrowed(&[]), rest.is_empty());
    }
    if has_token("transfer-encoding", "chunked") {
        return match decode_chunked(rest)? {
            Some((body, is_all)) => complete(Cow::Owned(body), is_all),
            None if is_end => Err(MalformedResponse),
            None => Ok(None),
        };
    }
    if let Some(length) = value("content-length") {
        let length = length
            .trim()
            .parse::<usize>()
            .ok()
            .filter(|length| *length <= MAX_RESPONSE_SIZE)
            .ok_or(MalformedResponse)?;
        return match rest.get(..length) {
            Some(body) => complete(Cow::Borrowed(body), body.len() == rest.len()),
            None if is_end => Err(MalformedResponse),
            None => Ok(None),
        };
    }
    // Without a length, the end of the connection is the end of the body.
    if is_end { complete(Cow::Borrowed(rest), false) } else { Ok(None) }
}

/// Decodes a chunked body. Returns the body, and whether nothing follows it; `None` if it is
/// incomplete.
fn decode_chunked(mut rest: &[u8]) -> Result<Option<(Vec<u8>, bool)>, MalformedResponse> {
    let mut body = Vec::new();
    loop {
        let (head, size) = match httparse::parse_chunk_size(rest).map_err(|_| MalformedResponse)? {
            httparse::Status::Complete(found) => found,
            httparse::Status::Partial => return Ok(None),
        };
        let size = usize::try_from(size).ok().filter(|size| *size <= MAX_RESPONSE_SIZE).ok_or(MalformedResponse)?;
        if size == 0 {
            let end = trailers_end(&rest[head..]);
            return Ok(end.map(|end| (body, head + end == rest.len())));
        }
        let Some(chunk) = rest[head..].get(..size + 2) else { return Ok(None) };
        body.extend_from_slice(&chunk[..size]);
        rest = &rest[head + size + 2..];
    }
}

/// Returns the end of the empty line after a chunked body and its optional trailers.
fn trailers_end(rest: &[u8]) -> Option<usize> {
    if rest.starts_with(b"\r\n") {
        return Some(2);
    }
    rest.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

impl Response<'_> {
    /// Returns the outcome of the call, for any of callbox's dialects and for any JSON-RPC server.
    pub(crate) fn outcome(&self) -> Outcome {
        #[derive(Deserialize)]
        struct Envelope {
            error: Option<ErrorObject>,
            #[serde(alias = "response")]
            result: Option<IgnoredAny>,
        }
        #[derive(Deserialize)]
        struct ErrorObject {
            code: i64,
        }
        match serde_json::from_slice(&self.body) {
            Ok(Envelope { error: Some(ErrorObject { code }), .. }) => Outcome::Error(code),
            // A result of `null` deserialises as `None`. With the status 200 it is a result; other
            // bodies without a result are pages of an HTTP server.
            Ok(Envelope { error: None, result }) if result.is_some() || self.status == 200 => Outcome::Result,
            _ => Outcome::Status(self.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(received: &str, is_end: bool) -> Result<Option<(u16, String, bool)>, MalformedResponse> {
        let response = parse_response(received.as_bytes(), is_end)?;
        Ok(response.map(|Response { status, body, keep_alive }| {
            (status, String::from_utf8_lossy(&body).into_owned(), keep_alive)
        }))
    }

    #[test]
    fn a_response_is_parsed_in_each_framing_once_it_is_complete() {
        let rows = [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", true),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", 200, "{}", true),
            ("HTTP/1.1 503 Busy\r\nconnection: Close\r\ncontent-length: 0\r\n\r\n", 503, "", false),
            ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}", 200, "{}", false),
            ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}", 200, "{}", true),
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, "", true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n", 200, "{}", true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\na: b\r\n\r\n", 200, "{}", true),
        ];
        for (text, status, body, keep_alive) in rows {
            for cut in 0..text.len() {
                assert_eq!(read(&text[..cut], false), Ok(None), "{cut} of {text:?}");
                assert_eq!(read(&text[..cut], true), Err(MalformedResponse), "{cut} of {text:?}");
            }
            assert_eq!(read(text, false), Ok(Some((status, body.to_owned(), keep_alive))), "{text:?}");
        }
        for (text, _, _, keep_alive) in rows.iter().filter(|row| row.3) {
            let more = read(&format!("{text}HTTP/1.1"), false).unwrap().unwrap();
            assert!(*keep_alive && !more.2, "surplus bytes after {text:?} end the connection");
        }
        let until_the_end = "HTTP/1.1 200 OK\r\n\r\n{}";
        assert_eq!(read(until_the_end, false), Ok(None));
        assert_eq!(read(until_the_end, true), Ok(Some((200, "{}".to_owned(), false))));
        for text in [
            "SSH-2.0-x\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        ] {
            assert_eq!(read(text, false), Err(MalformedResponse), "{text:?}");
        }
    }

    #[test]
    fn an_outcome_is_parsed_from_each_dialect() {
        for (status, body, outcome) in [
            (200, r#"{"jsonrpc":"2.0","result":"error","id":1}"#, Outcome::Result),
            (200, r#"{"jsonrpc":"2.0","result":null,"id":1}"#, Outcome::Result),
            (
                200,
                r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Server busy"},"id":1}"#,
                Outcome::Error(-32000),
            ),
            (
                503,
                r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Server busy"},"id":1}"#,
                Outcome::Error(-32000),
            ),
            (200, r#"{"error":null,"id":1,"response":"hello"}"#, Outcome::Result),
            (200, r#"{"error":{"code":7},"id":1,"response":null}"#, Outcome::Error(7)),
            (200, r#"{"jsonrpc":"2.0","result":null,"error":{"code":404,"message":"no"},"id":1}"#, Outcome::Error(404)),
            (404, r#"{"error":null}"#, Outcome::Status(404)),
            (502, "<html>", Outcome::Status(502)),
            (200, "<html>", Outcome::Status(200)),
            (200, "[]", Outcome::Status(200)),
        ] {
            assert_eq!(
                Response { status, body: body.as_bytes().into(), keep_alive: true }.outcome(),
                outcome,
                "{body}"
            );
        }
    }

    #[test]
    fn a_request_has_its_head_and_body() {
        let headers = [("x-api-token".to_owned(), "secret".to_owned())];
        let request = String::from_utf8(build_request("localhost:1", "/api", &headers, "a\"b", "[1]")).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, r#"{"jsonrpc":"2.0","method":"a\"b","params":[1],"id":1}"#);
        for line in [
            "POST /api HTTP/1.1",
            "host: localhost:1",
            "x-api-token: secret",
            &format!("content-length: {}", body.len()),
        ] {
            assert!(head.lines().any(|given| given == line), "{line}: {head}");
        }
    }
}
