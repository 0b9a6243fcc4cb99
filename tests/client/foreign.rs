//! The client against a server of another library, jsonrpsee.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use callbox::client::{Client, ClientError};
use callbox::{RpcError, service};
use jsonrpsee::server::{RpcModule, Server, ServerHandle};
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::{Value, json};

#[derive(Debug, RpcError)]
enum DivideError {
    #[rpc(code = 7, message = "Not by zero")]
    ByZero(#[rpc(data)] i64),
}

/// What the server offers, as a service of ours would: for its client only.
struct Calculator;

#[service(name = "calculator", namespace = "calc")]
impl Calculator {
    #[public_method]
    fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    #[public_method]
    fn divide(&self, a: i64, b: i64) -> Result<i64, DivideError> {
        a.checked_div(b).ok_or(DivideError::ByZero(a))
    }
}

async fn start() -> (String, Arc<AtomicU64>, ServerHandle) {
    let server = Server::builder().build("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let seen = Arc::new(AtomicU64::new(0));
    let mut module = RpcModule::new(Arc::clone(&seen));
    let add = |params: jsonrpsee::types::Params<'_>| -> Result<i64, ErrorObjectOwned> {
        #[derive(serde::Deserialize)]
        struct Add {
            a: i64,
            b: i64,
        }
        if let Ok((a, b)) = params.parse::<(i64, i64)>() {
            return Ok(a + b);
        }
        params.parse::<Add>().map(|Add { a, b }| a + b)
    };
    module
        .register_method("calc.add", move |params, seen, _| {
            seen.fetch_add(1, Ordering::SeqCst);
            add(params)
        })
        .unwrap();
    module
        .register_method("calc.divide", |_, _, _| Err::<i64, _>(ErrorObjectOwned::owned(7, "Not by zero", Some(6))))
        .unwrap();
    module
        .register_method("fail", |_, _, _| {
            Err::<i64, _>(ErrorObjectOwned::owned(-32000, "it ran, and failed", None::<()>))
        })
        .unwrap();
    module
        .register_async_method("wait", |_, _, _| async { std::future::pending::<Result<u8, ErrorObjectOwned>>().await })
        .unwrap();
    (url, seen, server.start(module))
}

#[tokio::test]
async fn calls_errors_and_batches_go_well_with_a_server_of_another_make() {
    let (url, seen, _running) = start().await;
    let client = Client::new(&url).unwrap();
    assert_eq!(client.call::<i64>("calc.add", [40, 2]).await.unwrap(), 42);
    assert_eq!(client.call::<i64>("calc.add", json!({ "a": 1, "b": 2 })).await.unwrap(), 3);
    let unknown = client.call::<Value>("nothing", ()).await.unwrap_err();
    assert!(matches!(&unknown, ClientError::Server(error) if error.code() == -32601), "{unknown}");
    let invalid = client.call::<Value>("calc.add", ["x"]).await.unwrap_err();
    assert!(matches!(&invalid, ClientError::Server(error) if error.code() == -32602), "{invalid}");
    let failed = client.call::<Value>("fail", ()).await.unwrap_err();
    assert!(matches!(&failed, ClientError::Server(error) if error.code() == -32000), "not a refusal: {failed}");
    let late = client.with_deadline(Duration::from_millis(30)).call::<u8>("wait", ()).await.unwrap_err();
    assert!(matches!(late, ClientError::Deadline(None)), "{late}");

    let before = seen.load(Ordering::SeqCst);
    client.notify("calc.add", [1, 1]).await.unwrap();
    let batch =
        client.batch().add("calc.add", [1, 2]).notify("calc.add", [3, 4]).add("nothing", ()).add("calc.add", [5, 6]);
    let answers = batch.send().await;
    assert_eq!(answers[0].as_ref().unwrap().get(), "3");
    assert!(answers[1].is_err());
    assert_eq!(answers[2].as_ref().unwrap().get(), "11");
    assert!(client.batch().notify("calc.add", [1, 1]).send().await.is_empty());
    // jsonrpsee takes notifications and does not run them.
    assert_eq!(seen.load(Ordering::SeqCst) - before, 2);
}

#[tokio::test]
async fn a_typed_client_speaks_to_any_server_that_has_the_methods() {
    let (url, _, _running) = start().await;
    let client = CalculatorClient::from(Client::new(&url).unwrap());
    assert_eq!(client.add(40, 2).await.unwrap(), 42);
    let failed = client.divide(6, 0).await.unwrap_err();
    assert!(matches!(failed, ClientError::Method(DivideError::ByZero(6))), "{failed}");
    let (sum, failed) =
        client.batch().add(Calculator_Add { a: 1, b: 2 }).add(Calculator_Divide { a: 6, b: 0 }).send().await;
    assert_eq!(sum.unwrap(), 3);
    assert!(matches!(failed, Err(ClientError::Method(DivideError::ByZero(6)))));
}
