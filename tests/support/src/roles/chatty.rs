//! A service whose methods write lines of their own, wherever they run.

use std::time::Duration;

use callbox::{InternalError, RpcError, Server, service};

pub(super) fn chatty() -> Server {
    Server::new(|| Chatty).service(|| Deep).tokens(super::Careless)
}

struct Chatty;

#[service(name = "test.chatty")]
impl Chatty {
    #[public_method]
    fn say(&self) {
        tracing::info!("a line of say");
    }

    #[public_method(inline = false)]
    fn say_at_home(&self) {
        tracing::info!("a line of say_at_home");
    }

    #[public_method]
    fn change(&mut self) {
        tracing::info!("a line of change");
    }

    #[public_method]
    async fn say_later(&self) {
        tokio::time::sleep(Duration::from_millis(2)).await;
        tracing::info!("a line of say_later");
    }

    #[public_method]
    async fn change_later(&mut self) {
        tokio::time::sleep(Duration::from_millis(2)).await;
        tracing::info!("a line of change_later");
    }

    #[public_method(compute)]
    fn compute() {
        tracing::info!("a line of compute");
    }

    #[private_api_method]
    fn whisper(&self) {
        tracing::info!("a line of whisper");
    }

    /// Leaves the line to another service.
    #[public_method]
    async fn ask_deep(&self, deep: &DeepClient) -> Result<(), RpcError> {
        Ok(deep.answer().await?)
    }

    #[public_method]
    fn panics(&self) {
        panic!("on\npurpose");
    }

    #[public_method]
    async fn panics_later(&self) {
        tokio::time::sleep(Duration::from_millis(2)).await;
        panic!("on\npurpose");
    }

    #[public_method(compute)]
    fn panics_computing() {
        panic!("on\npurpose");
    }

    #[public_method]
    fn fail(&self) -> Result<(), InternalError> {
        Err(InternalError::new("on\npurpose"))
    }

    #[public_method]
    fn refuse(&self) -> Result<(), RpcError> {
        Err(RpcError::new(7, "no"))
    }

    /// Quotes its caller in the error, which is in the log if the call is a notification.
    #[public_method]
    fn quote(&self, text: String) -> Result<(), RpcError> {
        Err(RpcError::new(8, text))
    }

    /// Quotes its caller in the cause, which is in the log alone.
    #[public_method]
    fn quote_inside(&self, text: String) -> Result<(), InternalError> {
        Err(InternalError::new(text))
    }

    #[public_method(deadline = "60m")]
    async fn endless(&self) {
        std::future::pending::<()>().await;
    }

    #[public_method(deadline = "20ms")]
    async fn never(&self) {
        std::future::pending::<()>().await;
    }
}

struct Deep;

#[service(name = "test.deep", namespace = "deep")]
impl Deep {
    #[public_method]
    fn answer(&self) {
        tracing::info!("a line of ask_deep");
    }
}
