//! Calls by functions: over HTTP and within the process they are the same.

use std::time::Duration;

use callbox::client::{Client, ClientError};
use serde_json::{Map, json};

use super::service::{Add, Line, NoteError, Notes, NotesClient, server};

/// The same service by both ways.
fn both(server: &callbox::testing::TestServer) -> [NotesClient; 2] {
    let client = Client::new(server.url("/api")).unwrap();
    [NotesClient::from(client), NotesClient::from(server.service::<Notes>())]
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn a_function_gives_the_result_or_the_error_of_the_method() {
    for client in both(&server()) {
        assert_eq!(is_send(client.line(7)).await.unwrap_err().to_string(), "the method failed: NoLine { at: 7 }");
        assert!(client.add("one".to_owned()).await.unwrap() >= 1);
        assert_eq!(client.line(0).await.unwrap(), "one");
        let error = client.line(7).await.unwrap_err();
        assert!(matches!(error, ClientError::Method(NoteError::NoLine { at: 7 })), "{error}");
    }
}
