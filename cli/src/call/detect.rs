//! Whether the result of a call is the id of a subscription.

use std::time::Duration;

use callbox::client::{Client, ClientError};
use callbox::{Item, Subscription};
use futures::StreamExt;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::describe::DISCOVER;

/// Time to wait for the first item of what may be a subscription, of a server that does not
/// describe its methods.
const FIRST_ITEM_TIMEOUT: Duration = Duration::from_millis(300);

/// Maximum time to ask the server: if the connection has just been lost, there is no answer.
const DISCOVER_TIMEOUT: Duration = Duration::from_secs(5);

/// An item, as the server sent it.
pub(super) type RawItem = Result<Item<Box<RawValue>>, ClientError>;

/// What the OpenRPC document says of a method.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Subscription,
    /// There is no document, or the method is not in it.
    Unknown,
}

/// Returns the kind of a method that has returned this result.
///
/// The ids of subscriptions are strings for callbox, and numbers for some other servers. For any
/// other result the server is not asked.
pub(super) async fn kind(client: &Client, method: &str, result: &RawValue) -> Kind {
    #[derive(Deserialize)]
    struct Document {
        methods: Vec<Method>,
    }
    #[derive(Deserialize)]
    struct Method {
        name: String,
        #[serde(rename = "x-subscription")]
        subscription: Option<IgnoredAny>,
    }
    if !may_be_id(result) {
        return Kind::Plain;
    }
    let document = client.with_deadline(DISCOVER_TIMEOUT).call::<Document>(DISCOVER, ()).await;
    let methods = document.map(|document| document.methods).unwrap_or_default();
    match methods.iter().find(|listed| listed.name == method) {
        Some(Method { subscription: Some(_), .. }) => Kind::Subscription,
        Some(_) => Kind::Plain,
        None => Kind::Unknown,
    }
}

/// Returns the first item of what may be a subscription, or its end, if that comes soon. A lost
/// connection says nothing: a plain call may have been answered before.
pub(super) async fn first_event(subscription: &mut Subscription<Box<RawValue>>) -> Option<Option<RawItem>> {
    let first = tokio::time::timeout(FIRST_ITEM_TIMEOUT, subscription.next()).await.ok()?;
    let is_lost = matches!(&first, Some(Err(error)) if error.rpc_error().is_none());
    (!is_lost).then_some(first)
}

fn may_be_id(result: &RawValue) -> bool {
    result.get().starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_string_or_a_number_may_be_an_id() {
        for (result, expected) in [
            (r#""7""#, true),
            ("7", true),
            ("-1", true),
            ("null", false),
            ("true", false),
            ("[1]", false),
            ("{}", false),
        ] {
            let result = RawValue::from_string(result.to_owned()).unwrap();
            assert_eq!(may_be_id(&result), expected, "{result}");
        }
    }
}
