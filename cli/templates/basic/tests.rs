//! The service, called over HTTP as others call it.

use callbox::RpcError;
use my_service::service::{Count, SayHello, SayPrivateHello};

#[test]
fn everybody_is_greeted_and_counted() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    let hello = server.call(SayHello { name: "world".into() })?;
    assert_eq!(hello, "hello world");
    assert_eq!(server.call(Count {})?, 1);
    Ok(())
}

#[test]
fn a_private_method_needs_the_token() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    let hello = || SayPrivateHello { name: "you".into() };
    assert!(server.call(hello()).is_err());
    assert!(server.with_token("wrong").call(hello()).is_err());
    assert_eq!(server.with_token("hello_world").call(hello())?, "hello you, this is private");
    Ok(())
}
