use actix_web::http::header::HeaderValue;
use actix_web::test::TestRequest;

use super::*;

const PROXY: &str = "10.0.0.1";
const CLIENT: &str = "203.0.113.7";

type Lines = &'static [(&'static str, &'static [u8])];

fn client(trusted: &[&str], peer: &str, lines: Lines) -> String {
    let proxies = TrustedProxies::new(trusted).unwrap();
    let request = TestRequest::default().peer_addr(std::net::SocketAddr::new(peer.parse().unwrap(), 80));
    let request = lines.iter().fold(request, |request, (name, value)| {
        request.append_header((HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap()))
    });
    proxies.client_address(&request.to_http_request()).unwrap().to_string()
}

#[test]
fn the_client_is_the_last_address_that_is_no_trusted_proxy() {
    const LIST: &str = "x-forwarded-for";
    const STANDARD: &str = "forwarded";
    let table: &[(Lines, &str)] = &[
        (&[], PROXY),
        (&[(LIST, b"")], PROXY),
        (&[(LIST, b" , ")], PROXY),
        (&[(LIST, b"203.0.113.7")], CLIENT),
        (&[(STANDARD, b"for=203.0.113.7")], CLIENT),
        (&[(LIST, b"198.51.100.1, 203.0.113.7")], CLIENT),
        (&[(STANDARD, b"for=198.51.100.1, for=\"203.0.113.7:80\"")], CLIENT),
        // Through further trusted proxies.
        (&[(LIST, b"198.51.100.1, 203.0.113.7, 10.2.3.4, fd00::2")], CLIENT),
        (&[(STANDARD, b"for=203.0.113.7, for=10.2.3.4;by=10.0.0.1, for=\"[fd00::2]:99\"")], CLIENT),
        (&[(LIST, b"10.9.9.9, 10.2.3.4")], "10.9.9.9"),
        // Several lines are one list.
        (&[(LIST, b"198.51.100.1"), (LIST, b"203.0.113.7"), (LIST, b"10.2.3.4")], CLIENT),
        (&[(STANDARD, b"for=198.51.100.1"), (STANDARD, b"for=203.0.113.7")], CLIENT),
        (&[(LIST, b"203.0.113.7"), (LIST, b"")], CLIENT),
        // What cannot be read ends the search.
        (&[(LIST, b"203.0.113.7, unknown")], PROXY),
        (&[(LIST, b"203.0.113.7, unknown, 10.2.3.4")], "10.2.3.4"),
        (&[(LIST, b"203.0.113.7, \xff")], PROXY),
        (&[(LIST, b"203.0.113.7"), (LIST, b"\xff"), (LIST, b"10.2.3.4")], "10.2.3.4"),
        (&[(LIST, b"\xff, 203.0.113.7")], PROXY),
        (&[(STANDARD, b"for=203.0.113.7, for=_hidden, for=10.2.3.4")], "10.2.3.4"),
        (&[(STANDARD, b"for=203.0.113.7, by=10.0.0.1")], PROXY),
        (&[(STANDARD, b"for=\", for=203.0.113.7")], CLIENT),
        // Both headers count only if they agree.
        (&[(LIST, b"203.0.113.7"), (STANDARD, b"for=203.0.113.7")], CLIENT),
        (&[(LIST, b"203.0.113.7"), (STANDARD, b"for=198.51.100.1, for=203.0.113.7")], CLIENT),
        (&[(LIST, b"203.0.113.7"), (STANDARD, b"for=198.51.100.1")], PROXY),
        (&[(LIST, b"198.51.100.1"), (STANDARD, b"for=203.0.113.7")], PROXY),
        (&[(LIST, b"203.0.113.7"), (STANDARD, b"for=unknown")], PROXY),
        (&[(LIST, b"203.0.113.7"), (STANDARD, b"")], CLIENT),
        // No other header is one of a proxy.
        (&[("x-real-ip", b"203.0.113.7"), ("client-ip", b"203.0.113.7")], PROXY),
    ];
    for (lines, expected) in table {
        assert_eq!(client(&["10.0.0.0/8", "fd00::/8"], PROXY, lines), *expected, "{lines:?}");
    }
}

#[test]
fn the_headers_of_others_are_not_believed() {
    const SENT: Lines = &[("x-forwarded-for", b"203.0.113.7"), ("forwarded", b"for=203.0.113.7")];
    for (trusted, peer, expected) in [
        (&[][..], PROXY, PROXY),
        (&["10.0.0.2", "192.168.0.0/16"], PROXY, PROXY),
        (&["10.0.0.2", "10.0.0.1"], PROXY, CLIENT),
        (&["10.0.0.1"], "::ffff:10.0.0.1", CLIENT),
        (&["10.0.0.1"], "::1", "::1"),
        (&["::1"], "::1", CLIENT),
    ] {
        assert_eq!(client(trusted, peer, SENT), expected, "{trusted:?} {peer}");
    }
}

#[test]
fn a_mistake_in_the_list_says_what_to_write() {
    let error = TrustedProxies::new(&["10.0.0.1", "10.0.0.1/8"]).unwrap_err().to_string();
    assert!(error.contains("`10.0.0.1/8` is not a valid trusted proxy: write an address such as"), "{error}");
}
