use actix_codec::Decoder;
use actix_http::h1::{Codec, Message, MessageType};
use actix_web::web::BytesMut;
use arbtest::arbitrary::{Result, Unstructured};

use super::*;
use crate::property_tests::{CASES, check, list, text};

const CALL: &str = "POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const BARE: &str = "GET / HTTP/1.1\nHost: a\ncontent-length: 2\n\nok";
const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n1 \r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n";

/// What is passed on, request by request, of bytes that come in these pieces.
fn requests(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let (mut framing, mut requests, mut held) = (Framing::default(), vec![Vec::new()], Vec::new());
    for piece in pieces {
        held.extend_from_slice(piece);
        loop {
            let passed = framing.advance(&mut held);
            let begun: Vec<u8> = held.drain(..passed).collect();
            requests.last_mut().unwrap().extend(begun);
            if framing.is_complete() {
                framing = Framing::default();
                requests.push(Vec::new());
            } else if passed == 0 || held.is_empty() {
                break;
            }
        }
    }
    requests.pop_if(|last| last.is_empty());
    requests
}

#[test]
fn a_request_ends_where_it_says() {
    for request in [CALL, GET, BARE, CHUNKED] {
        assert_eq!(requests(&[request.as_bytes()]), [request.as_bytes()]);
        for short in 1..request.len() {
            let mut framing = Framing::default();
            let mut begun = request.as_bytes()[..short].to_vec();
            framing.advance(&mut begun);
            assert!(!framing.is_complete(), "{request:?} up to {short}");
        }
    }
}

#[test]
fn however_requests_are_cut_in_pieces_each_is_passed_on_by_itself() {
    check(CASES, |u| {
        let which = [CALL, GET, BARE, CHUNKED, "\r\n\nGET / HTTP/1.0\r\n\r\n"];
        let which = list(u, 1, 5, |u| u.choose(&which).copied())?;
        let all = which.concat().into_bytes();
        let mut cuts = list(u, 0, 19, |u| u.choose_index(all.len()))?;
        cuts.extend([0, all.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|cut| &all[cut[0]..cut[1]]).collect();
        assert_eq!(requests(&pieces), which.iter().map(|request| request.as_bytes()).collect::<Vec<_>>(), "{cuts:?}");
        Ok(())
    });
}

#[test]
fn no_bytes_are_lost_changed_or_counted_twice() {
    check(CASES, |u| {
        let pieces = list(u, 0, 39, |u| match u.int_in_range(0..=4u8)? {
            0 => text(u, 9),
            1 => Ok(format!("{:x}", u.int_in_range(0..=0xfffu16)?)),
            kind => Ok(["\r\n", "\n", "0"][usize::from(kind) - 2].to_owned()),
        })?;
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
        let all = head + &pieces.concat();
        let mut framing = Framing::default();
        let mut bytes = all.clone().into_bytes();
        let passed = framing.advance(&mut bytes);
        assert!((1..=bytes.len()).contains(&passed), "{passed} bytes of {all:?}");
        assert_eq!(bytes, all.into_bytes());
        Ok(())
    });
}

#[test]
fn an_upgrade_that_is_no_websockets_is_blanked_out_and_leaves_the_rest() {
    let cases = [
        ("POST", "Connection: upgrade\r\n", "Connection:        \r\n", true),
        ("POST", "connection:keep-alive , UPGRADE\r\n", "connection:keep-alive ,        \r\n", true),
        ("POST", "Connection: Upgrade, HTTP2-Settings\r\n", "Connection:        , HTTP2-Settings\r\n", true),
        ("POST", "Upgrade: websocket\r\n", "Upgrade:          \r\n", true),
        ("GET", "Upgrade: websocket\r\n", "Upgrade:          \r\n", true),
        ("GET", "Upgrade: h2c\r\nConnection: upgrade\r\n", "Upgrade: h2c\r\nConnection:        \r\n", true),
        (
            "GET",
            "Connection: Upgrade\r\nUpgrade: WebSocket\r\n",
            "Connection: Upgrade\r\nUpgrade: WebSocket\r\n",
            false,
        ),
        (
            "GET",
            "Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n",
            "Connection:        \r\nUpgrade:          \r\nTransfer-Encoding: chunked\r\n",
            false,
        ),
        (
            "POST",
            "X-Connection: upgrade\r\nConnection: upgraded\r\n",
            "X-Connection: upgrade\r\nConnection: upgraded\r\n",
            true,
        ),
    ];
    for (method, sent, passed, ends) in cases {
        let request = |lines: &str| format!("{method} / HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: 2\r\n\r\nok");
        let mut framing = Framing::default();
        let mut bytes = request(sent).into_bytes();
        assert_eq!(framing.advance(&mut bytes), bytes.len());
        assert_eq!(String::from_utf8(bytes).unwrap(), request(passed));
        assert_eq!(framing.is_complete(), ends, "{sent}");
    }
}

#[test]
fn framing_is_excessive_when_no_honest_body_needs_so_much() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let excessive = |body: String| {
        let mut framing = Framing::default();
        framing.advance(&mut (head.to_owned() + &body).into_bytes());
        framing.is_excessive()
    };
    assert!(!excessive("1\r\nx\r\n".repeat(100_000)), "chunks of one byte");
    assert!(!excessive("5;some=thing\r\nhello\r\n".repeat(1000)));
    assert!(excessive("1;".to_owned() + &"a=b;".repeat(5000)));
    assert!(excessive("1\r\nx\r\n0\r\n".to_owned() + &"A: b\r\n".repeat(5000)));
    assert!(excessive("00000000".repeat(3000)));
}

/// Where a request ends.
#[derive(Debug, PartialEq)]
enum End {
    After(usize),
    /// It is not there.
    Later,
    /// The whole connection belongs to it.
    Never,
    /// Its head cannot be read, or its body.
    MalformedHead,
    MalformedBody,
}

/// What actix makes of the bytes.
fn by_actix(bytes: &[u8]) -> End {
    let (mut codec, mut rest, mut in_body) = (Codec::default(), BytesMut::from(bytes), false);
    loop {
        match codec.decode(&mut rest) {
            Ok(Some(Message::Item(_))) => match codec.message_type() {
                MessageType::None => return End::After(bytes.len() - rest.len()),
                MessageType::Stream => return End::Never,
                MessageType::Payload => in_body = true,
            },
            Ok(Some(Message::Chunk(Some(_)))) => {}
            Ok(Some(Message::Chunk(None))) => return End::After(bytes.len() - rest.len()),
            Ok(None) => return End::Later,
            Err(_) if in_body => return End::MalformedBody,
            Err(_) => return End::MalformedHead,
        }
    }
}

fn any_head(u: &mut Unstructured<'_>) -> Result<String> {
    let lines = [
        "Content-Length: 5\r\n",
        "content-length:12 \r\n",
        "Content-Length: 0\n",
        "Transfer-Encoding: chunked\r\n",
        "transfer-encoding:\tCHUNKED\n",
        "Connection: upgrade\r\n",
        "Connection: keep-alive, Upgrade\r\n",
        "Upgrade: websocket\r\n",
        "upgrade:WebSocket\n",
        "Upgrade: h2c\r\n",
        "Cookie: a=b\r\n",
        "X: :\r\n",
        "T:\r\n",
    ];
    let first = ["POST /api HTTP/1.1\r\n", "GET / HTTP/1.1\r\n", "CONNECT a:1 HTTP/1.1\n", "\r\nGET / HTTP/1.1\r\n"];
    let (first, end) = (u.choose(&first)?, u.choose(&["\r\n", "\n"])?);
    let lines = list(u, 0, 3, |u| u.choose(&lines).copied())?;
    Ok(format!("{first}Host: a\r\n{}{end}", lines.concat()))
}

fn any_body(u: &mut Unstructured<'_>) -> Result<String> {
    let pieces = [
        "5\r\nhello\r\n",
        "1;a=b\r\nx\r\n",
        "00 \r\n",
        "0\r\n",
        "\r\n",
        "A: b\r\n",
        "hello",
        "c\r\nhello, world\r\n",
        "1 ;\tb\r\nx\r\n",
        ";",
        "\n",
        "\r",
        "\u{1}",
        "g",
        "f",
        "2 2\r\nab\r\n",
        "0\r\nA: b\r\n\r\n",
        "0\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
    ];
    Ok(list(u, 0, 7, |u| u.choose(&pieces).copied())?.concat())
}

#[actix_web::test]
async fn a_request_ends_where_actix_has_it_end() {
    check(4000, |u| {
        let mut bytes = (any_head(u)? + &any_body(u)?).into_bytes();
        let mut framing = Framing::default();
        let passed = framing.advance(&mut bytes);
        // What it has blanked out, actix does not see either.
        let expected = by_actix(&bytes);
        let found = match framing {
            Framing::Complete => End::After(passed),
            Framing::Endless => End::Never,
            Framing::Malformed => End::MalformedBody,
            Framing::Head(_) | Framing::Body { .. } | Framing::Chunked(_) => End::Later,
        };
        // Of a head that actix does not take nothing follows.
        if expected != End::MalformedHead {
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(&bytes));
        }
        Ok(())
    });
}
