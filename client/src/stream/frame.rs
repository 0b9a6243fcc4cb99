//! What a message of the server is.

use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

use crate::client_error::Cause;
use crate::progress::ProgressReport;
use crate::subscription::Lag;

/// A message of the server.
#[derive(Debug)]
pub(crate) enum Frame<'a> {
    /// The response to a call, or to a whole batch that was rejected.
    Response(ResponseId),
    /// The responses to a batch, each with its JSON.
    Batch(Vec<(ResponseId, &'a RawValue)>),
    /// A message of a subscription.
    Notice(Notice<'a>),
    /// How far a call is.
    Progress(ProgressNotice),
    /// Something that is not for this client.
    Other,
}

/// The id in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseId {
    Call(u64),
    /// The server could not read the request, or it was a batch that was rejected as a whole.
    Missing,
    /// That of a request to which nobody waits for the response.
    Ignored,
}

/// A message of a subscription. It has an item, a position, or the end.
#[derive(Debug, Deserialize)]
pub(crate) struct Notice<'a> {
    /// The id of the subscription as JSON, since other servers than callbox use numbers.
    #[serde(borrow)]
    pub(crate) subscription: &'a RawValue,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(crate) result: Option<&'a RawValue>,
    #[serde(default)]
    pub(crate) cursor: Option<String>,
    #[serde(default, deserialize_with = "lag")]
    lagged: Option<Lag>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(crate) error: Option<&'a RawValue>,
    #[serde(default)]
    pub(crate) done: bool,
}

impl Notice<'_> {
    /// Returns what was missed before the item.
    pub(crate) fn lag(&self) -> Option<Lag> {
        self.lagged
    }
}

/// How far a call is.
#[derive(Debug, Deserialize)]
pub(crate) struct ProgressNotice {
    /// The id of the call.
    pub(crate) token: u64,
    pub(crate) value: ProgressReport,
}

/// The members of a message by which its kind is known.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads the number of missed items; null means that it is not known.
fn lag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Lag>, D::Error> {
    Option::<u64>::deserialize(deserializer).map(|items| Some(items.map_or(Lag::Unknown, Lag::Items)))
}

impl<'a> Frame<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// If it is no message of JSON-RPC.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Cause> {
        let malformed = |error| Cause::new(format!("it is not a message of JSON-RPC: {error}"));
        if text.trim_start().starts_with('[') {
            let members: Vec<&RawValue> = serde_json::from_str(text).map_err(malformed)?;
            let id = |member: &'a RawValue| {
                let read: Members<'_> = serde_json::from_str(member.get()).map_err(malformed)?;
                Ok((response_id(read.id), member))
            };
            return members.into_iter().map(id).collect::<Result<_, _>>().map(Self::Batch);
        }
        let Members { method, id, params } = object(text).map_err(malformed)?;
        if method.is_none() {
            return Ok(Self::Response(response_id(id)));
        }
        let is_progress = method.is_some_and(|method| method.get() == r#""$/progress""#) && id.is_none();
        if let Some(params) = params.filter(|_| is_progress) {
            // A report of another form is that of another client's library.
            return Ok(serde_json::from_str(params.get()).map_or(Self::Other, Self::Progress));
        }
        // A request of the server to the client, or a notification that is no subscription's.
        let Some(params) = params.filter(|params| id.is_none() && names_subscription(params)) else {
            return Ok(Self::Other);
        };
        serde_json::from_str(params.get())
            .map(Self::Notice)
            .map_err(|error| Cause::new(format!("it is not a message of a subscription: {error}")))
    }
}

/// Reads the members of an object. A derived struct would also accept an array.
fn object(text: &str) -> Result<Members<'_>, serde_json::Error> {
    if text.trim_start().starts_with('{') {
        serde_json::from_str(text)
    } else {
        Err(serde::de::Error::custom("it is not an object"))
    }
}

/// Whether the parameters of a notification are those of a subscription.
fn names_subscription(params: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow, rename = "subscription")]
        _subscription: &'a RawValue,
    }
    params.get().starts_with('{') && serde_json::from_str::<Named<'_>>(params.get()).is_ok()
}

fn response_id(id: Option<&RawValue>) -> ResponseId {
    match id.map(RawValue::get) {
        None | Some("null") => ResponseId::Missing,
        Some(id) => id.parse().map_or(ResponseId::Ignored, ResponseId::Call),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_message_is_known_by_its_members() {
        let kind = |text: &str| match Frame::parse(text).unwrap() {
            Frame::Response(id) => format!("{id:?}"),
            Frame::Batch(members) => format!("{:?}", members.into_iter().map(|(id, _)| id).collect::<Vec<_>>()),
            Frame::Notice(notice) => format!(
                "{} {:?} {:?} {:?} {} {}",
                notice.subscription,
                notice.result.map(RawValue::get),
                notice.cursor,
                notice.lag(),
                notice.error.is_some(),
                notice.done
            ),
            Frame::Progress(ProgressNotice { token, value }) => format!("{token} {value:?}"),
            Frame::Other => "other".to_owned(),
        };
        for (text, expected) in [
            (r#"{"jsonrpc":"2.0","result":1,"id":7}"#, "Call(7)"),
            (r#" {"jsonrpc":"2.0","error":{"code":1,"message":""},"id":null}"#, "Missing"),
            (r#"{"result":1}"#, "Missing"),
            (r#"{"result":1,"id":"unsubscribe"}"#, "Ignored"),
            (r#"[{"id":1,"result":1},{"id":2,"error":{}}]"#, "[Call(1), Call(2)]"),
            (r#"{"method":"log","params":["text"]}"#, "other"),
            (r#"{"method":"log"}"#, "other"),
            (r#"{"method":"ping","params":{"subscription":"1"},"id":1}"#, "other"),
            (r#"{"method":"$/progress","params":{"token":1,"value":{}}}"#, "other"),
            (
                r#"{"method":"$/progress","params":{"token":1,"value":{"done":2}}}"#,
                r#"1 ProgressReport { done: 2, total: None, message: "" }"#,
            ),
            (
                r#"{"method":"p","params":{"subscription":"1","result":null,"cursor":"k-1","lagged":3}}"#,
                r#""1" Some("null") Some("k-1") Some(Items(3)) false false"#,
            ),
            (
                r#"{"method":"p","params":{"subscription":17,"result":[],"lagged":null}}"#,
                r#"17 Some("[]") None Some(Unknown) false false"#,
            ),
            (
                r#"{"method":"p","params":{"subscription":"1","cursor":"k-2"}}"#,
                r#""1" None Some("k-2") None false false"#,
            ),
            (r#"{"method":"p","params":{"subscription":"1","done":true}}"#, r#""1" None None None false true"#),
            (r#"{"method":"p","params":{"subscription":"1","error":{"code":1}}}"#, r#""1" None None None true false"#),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for text in [
            "",
            "x",
            "7",
            "null",
            r#""text""#,
            "{",
            "[1]",
            r#"[{"id":1}"#,
            r#"{"id":1} x"#,
            r#"{"id":1,"id":2}"#,
            r#"{"method":"p","params":{"subscription":"1","cursor":1}}"#,
            r#"{"method":"p","params":{"subscription":"1","lagged":-1}}"#,
        ] {
            assert!(Frame::parse(text).is_err(), "{text}");
        }
    }
}
