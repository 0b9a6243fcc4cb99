//! The tests of the service, over HTTP on a free port.

use callbox::testing;

use super::app;
use super::service::{Primes_Count, Primes_Ping, Primes_PrimesUpTo, Primes_Reset};

#[test]
fn primes_are_counted() {
    let server = testing::start(app());
    for (limit, primes) in [(0, 0), (2, 1), (100, 25), (7919, 1000)] {
        assert_eq!(server.call(Primes_PrimesUpTo { limit }), Ok(primes), "up to {limit}");
    }
    let error = server.call(Primes_PrimesUpTo { limit: u32::MAX }).unwrap_err();
    assert_eq!((error.code(), error.message()), (422, "The limit is 4294967295, and 100000000 at most"));
}

#[test]
fn pings_are_counted_until_somebody_with_a_token_resets_the_count() {
    let server = testing::start(app());
    assert_eq!(server.call(Primes_Ping {}), Ok("pong".to_owned()));
    assert_eq!(server.call(Primes_Count {}), Ok(1));

    assert!(server.call(Primes_Reset {}).is_err(), "without a token");
    assert_eq!(server.with_token("hello_world").call(Primes_Reset {}), Ok(()));
    assert_eq!(server.call(Primes_Count {}), Ok(0));
}
