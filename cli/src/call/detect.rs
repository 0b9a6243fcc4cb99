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
    let document = client.call::<Document>(DISCOVER, ()).await;
    let methods = document.map(|document| document.methods).unwrap_or_default();
    match methods.iter().find(|listed| listed.name == method) {
        Some(Method { subscription: Some(_), .. }) => Kind::Subscription,
        Some(_) => Kind::Plain,
        None => Kind::Unknown,
    }
}

/// Returns the first item of what may be a subscription, if it comes soon. An error is no item: the
/// connection may have been lost after a plain call was answered.
pub(super) async fn first_item(subscription: &mut Subscription<Box<RawValue>>) -> Option<RawItem> {
    let first = tokio::time::timeout(FIRST_ITEM_TIMEOUT, subscription.next()).await;
    first.ok().flatten().filter(Result::is_ok)
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
