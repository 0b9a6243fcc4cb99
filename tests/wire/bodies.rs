//! The cases of the wire's rules for whole servers, without HTTP and over a socket.

use callbox::{Server, service, testing};
use callbox_test_cases::wire::{WireCase, cases};

/// The methods that the cases call.
pub(crate) struct Examples;

#[service(name = "test.examples")]
impl Examples {
    #[public_method]
    fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    #[public_method]
    fn subtract(&self, minuend: i64, subtrahend: i64) -> i64 {
        minuend - subtrahend
    }

    #[public_method]
    fn sum(&self, a: i64, b: i64, c: i64) -> i64 {
        a + b + c
    }

    #[public_method]
    fn get_data(&self) -> (String, u8) {
        ("hello".to_owned(), 5)
    }

    #[public_method]
    fn update(&mut self, a: i64, b: i64, c: i64, d: i64, e: i64) {
        let _ = (a, b, c, d, e);
    }

    #[public_method]
    fn notify_hello(&mut self, n: i64) {
        let _ = n;
    }

    #[public_method]
    fn notify_sum(&mut self, a: i64, b: i64, c: i64) {
        let _ = (a, b, c);
    }
}

/// Returns the body with so many blanks in its first parameters that they count as large.
fn with_large_params(body: &[u8]) -> Option<Vec<u8>> {
    let bracket = [&b"\"params\":["[..], b"\"params\":{"].into_iter().filter_map(|name| {
        let at = body.windows(name.len()).position(|window| window == name)?;
        Some(at + name.len())
    });
    let (head, tail) = body.split_at(bracket.min()?);
    Some([head, &b" ".repeat(2000), tail].concat())
}

#[test]
fn each_case_has_its_response_if_its_parameters_are_large() {
    let direct = testing::in_process(|| Examples);
    let cases = cases().into_iter().filter_map(|case| Some((with_large_params(&case.body)?, case)));
    let mut count = 0;
    for (body, case) in cases {
        // The blanks move the mistake, so the column in the response would be another one.
        if !case.response.as_ref().is_some_and(|response| response.contains("column")) {
            case.check(direct.post(&body).as_deref(), "");
        }
        count += 1;
    }
    assert!(count > 100, "{count} cases have parameters");
}

#[test]
fn each_case_has_its_response_without_http_and_over_a_socket() {
    let (direct, server) = (testing::in_process(|| Examples), testing::start(Server::new(|| Examples)));
    for case in cases() {
        let WireCase { name, body, response } = &case;
        case.check(direct.post(body).as_deref(), ", without HTTP");
        let page = server.post(body);
        let (status, kind) = if response.is_some() { (200, Some("application/json")) } else { (204, None) };
        assert_eq!((page.status, page.header("content-type")), (status, kind), "{name}: {page:?}");
        case.check(response.is_some().then_some(page.body.as_str()), ", over a socket");
        assert!(response.is_some() || page.body.is_empty(), "{name}: {page:?}");
    }
}
