//! Tests that call the service over HTTP, as its clients do.

use callbox::RpcError;
use my_service::service::{MyService_Count, MyService_SayHello, MyService_SayPrivateHello};

#[test]
fn each_greeting_is_counted() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    let hello = server.call(MyService_SayHello { name: "world".into() })?;
    assert_eq!(hello, "hello world");
    assert_eq!(server.call(MyService_Count {})?, 1);
    Ok(())
}

#[test]
fn a_private_method_needs_the_token() -> Result<(), RpcError> {
    let server = callbox::testing::start(my_service::app());
    let hello = || MyService_SayPrivateHello { name: "you".into() };
    assert!(server.call(hello()).is_err());
    assert!(server.with_token("wrong").call(hello()).is_err());
    assert_eq!(server.with_token("hello_world").call(hello())?, "hello you, this is private");
    Ok(())
}
