//! The rows of the wire's rules, as whole servers keep them: without HTTP, and over a socket.

use callbox::{Server, service, testing};

#[path = "../../src/jsonrpc/rows/mod.rs"]
pub(crate) mod table;

/// What the rows call.
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

/// The same with so many blanks in its first parameters that they are large.
fn with_large_params(body: &[u8]) -> Option<Vec<u8>> {
    let bracket = [&b"\"params\":["[..], b"\"params\":{"].into_iter().filter_map(|name| {
        let at = body.windows(name.len()).position(|window| window == name)?;
        Some(at + name.len())
    });
    let (head, tail) = body.split_at(bracket.min()?);
    Some([head, &b" ".repeat(2000), tail].concat())
}

#[test]
fn each_row_has_its_answer_if_its_parameters_are_large() {
    let direct = testing::in_process(|| Examples);
    let rows = table::all().into_iter().filter_map(|row| Some((with_large_params(&row.body)?, row)));
    let mut count = 0;
    for (body, row) in rows {
        // The blanks move the mistake.
        if !row.answer.as_ref().is_some_and(|answer| answer.contains("column")) {
            row.check(direct.post(&body).as_deref(), "");
        }
        count += 1;
    }
    assert!(count > 100, "{count} rows have parameters");
}

#[test]
fn each_row_has_its_answer_without_http_and_over_a_socket() {
    let (direct, server) = (testing::in_process(|| Examples), testing::start(Server::new(|| Examples)));
    for row in table::all() {
        let table::WireRow { name, body, answer } = &row;
        row.check(direct.post(body).as_deref(), ", without HTTP");
        let page = server.post(body);
        let (status, kind) = if answer.is_some() { (200, Some("application/json")) } else { (204, None) };
        assert_eq!((page.status, page.header("content-type")), (status, kind), "{name}: {page:?}");
        row.check(answer.is_some().then_some(page.body.as_str()), ", over a socket");
        assert!(answer.is_some() || page.body.is_empty(), "{name}: {page:?}");
    }
}
