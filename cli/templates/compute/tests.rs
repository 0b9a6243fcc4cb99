//! Tests that call the service over HTTP, as its clients do.

use std::thread;
use std::time::Duration;

use callbox::RpcError;
use my_service::service::{Primes_Count, Primes_Ping, Primes_PrimesUpTo, Primes_Reset};

#[test]
fn primes_are_counted_up_to_a_limit() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    for (limit, primes) in [(0, 0), (1, 0), (2, 1), (100, 25), (1_000_000, 78_498)] {
        assert_eq!(server.call(Primes_PrimesUpTo { limit })?, primes);
    }
    assert_eq!(server.call(Primes_PrimesUpTo { limit: u32::MAX }).err().map(|error| error.code()), Some(422));
    Ok(())
}

#[test]
fn a_ping_does_not_wait_for_a_computation() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    thread::scope(|scope| {
        let heavy = scope.spawn(|| server.call(Primes_PrimesUpTo { limit: 50_000_000 }));
        thread::sleep(Duration::from_millis(20));
        assert_eq!(server.call(Primes_Ping {})?, "pong");
        assert!(!heavy.is_finished(), "the ping came after the computation");
        assert!(heavy.join().is_ok_and(|primes| primes.is_ok()));
        Ok(())
    })
}

#[test]
fn resetting_needs_the_token() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    server.call(Primes_Ping {})?;
    assert!(server.call(Primes_Reset {}).is_err());
    assert_eq!(server.call(Primes_Count {})?, 1);
    server.with_token("hello_world").call(Primes_Reset {})?;
    assert_eq!(server.call(Primes_Count {})?, 0);
    Ok(())
}
