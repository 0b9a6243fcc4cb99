use proptest::prelude::*;

use super::*;

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

proptest! {
    #[test]
    fn however_requests_are_cut_in_pieces_each_is_passed_on_by_itself(
        which in prop::collection::vec(prop::sample::select(vec![CALL, GET, BARE, CHUNKED, "\r\n\nGET / HTTP/1.0\r\n\r\n"]), 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let all = which.concat().into_bytes();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(all.len())).chain([0, all.len()]).collect();
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|cut| &all[cut[0]..cut[1]]).collect();
        prop_assert_eq!(requests(&pieces), which.iter().map(|request| request.as_bytes().to_vec()).collect::<Vec<_>>());
    }

    #[test]
    fn no_bytes_are_lost_changed_or_counted_twice(pieces in prop::collection::vec(".{0,9}|\r\n|\n|0|[0-9a-f]{1,3}", 0..40)) {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
        let all = head + &pieces.concat();
        let mut framing = Framing::default();
        let mut bytes = all.clone().into_bytes();
        let passed = framing.advance(&mut bytes);
        prop_assert!(passed <= bytes.len());
        prop_assert_eq!(bytes, all.into_bytes());
        prop_assert!(passed > 0);
    }
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
