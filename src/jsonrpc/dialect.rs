//! Dialects: the shapes of a response.

use serde::{Deserialize, Serialize};

use super::{Id, RpcError, RpcRequest};

/// The shape of responses: JSON-RPC 2.0, or what two older clients expect.
///
/// With a result `R`, an error object `E` and an id `I`:
///
/// | dialect | success |
/// |---|---|
/// | `jsonrpc` | `{"jsonrpc":"2.0","result":R,"id":I}` |
/// | `pymicroservice` | `{"error":null,"id":I,"response":R}` |
/// | `gemstone` | `{"jsonrpc":"2.0","result":R,"error":null,"id":I}` |
///
/// | dialect | error |
/// |---|---|
/// | `jsonrpc` | `{"jsonrpc":"2.0","error":E,"id":I}` |
/// | `pymicroservice` | `{"error":E,"id":I,"response":null}` |
/// | `gemstone` | `{"jsonrpc":"2.0","result":null,"error":E,"id":I}` |
///
/// | dialect | a notification | a batch of notifications | `"id": null` |
/// |---|---|---|---|
/// | `jsonrpc` | no body | no body | a call, answered with `"id":null` |
/// | `pymicroservice` | `{"error":null,"id":null,"response":"received"}` | `[]` | a notification |
/// | `gemstone` | `{"jsonrpc":"2.0","result":"received","error":null}` | `[]` | a notification |
///
/// Requests have the shape of JSON-RPC 2.0 in all of them. In settings, a dialect is written as its
/// name in the table:
///
/// ```
/// use callbox::Dialect;
///
/// assert_eq!("gemstone".parse(), Ok(Dialect::Gemstone));
/// assert_eq!(Dialect::default().to_string(), "jsonrpc");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// JSON-RPC 2.0 to the letter. The default.
    #[default]
    Jsonrpc,
    /// What the first README of the Python framework `pymicroservice` shows.
    Pymicroservice,
    /// What `pymicroservice` 0.1.0 and `gemstone` 0.12 send and expect, as released on PyPI.
    Gemstone,
}

impl Dialect {
    /// Returns the id of the response, or `None` if the request is a notification in this dialect.
    pub(crate) fn reply_id<'a>(self, request: &RpcRequest<'a>) -> Option<Id<'a>> {
        request.id.filter(|id| self == Self::Jsonrpc || !id.is_null())
    }

    /// Appends what precedes a result.
    pub(super) fn open(self, out: &mut Vec<u8>, id: Id<'_>) {
        match self {
            Self::Jsonrpc | Self::Gemstone => append(out, [br#"{"jsonrpc":"2.0","result":"#]),
            Self::Pymicroservice => {
                append(out, [br#"{"error":null,"id":"#, id.as_json().as_bytes(), br#","response":"#]);
            }
        }
    }

    /// Appends what follows a result.
    pub(super) fn close(self, out: &mut Vec<u8>, id: Id<'_>) {
        let id = id.as_json().as_bytes();
        match self {
            Self::Jsonrpc => append(out, [br#","id":"#, id, b"}"]),
            Self::Pymicroservice => append(out, [b"}"]),
            Self::Gemstone => append(out, [br#","error":null,"id":"#, id, b"}"]),
        }
    }

    /// Appends the response to a call that failed.
    pub(crate) fn error(self, out: &mut Vec<u8>, id: Id<'_>, error: &RpcError) {
        let id = id.as_json().as_bytes();
        let error = &error.to_json()[..];
        match self {
            Self::Jsonrpc => append(out, [br#"{"jsonrpc":"2.0","error":"#, error, br#","id":"#, id, b"}"]),
            Self::Pymicroservice => append(out, [br#"{"error":"#, error, br#","id":"#, id, br#","response":null}"#]),
            Self::Gemstone => {
                append(out, [br#"{"jsonrpc":"2.0","result":null,"error":"#, error, br#","id":"#, id, b"}"]);
            }
        }
    }

    /// Returns the response to a single notification, if there is one.
    pub(crate) fn notification(self) -> Option<&'static [u8]> {
        match self {
            Self::Jsonrpc => None,
            Self::Pymicroservice => Some(br#"{"error":null,"id":null,"response":"received"}"#),
            Self::Gemstone => Some(br#"{"jsonrpc":"2.0","result":"received","error":null}"#),
        }
    }

    /// Returns the response to a batch of notifications, if there is one.
    pub(crate) fn empty_batch(self) -> Option<&'static [u8]> {
        match self {
            Self::Jsonrpc => None,
            Self::Pymicroservice | Self::Gemstone => Some(b"[]"),
        }
    }
}

fn append<const N: usize>(out: &mut Vec<u8>, parts: [&[u8]; N]) {
    out.reserve(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.extend_from_slice(part);
    }
}

choice!(Dialect, "dialect" { "jsonrpc" = Jsonrpc, "pymicroservice" = Pymicroservice, "gemstone" = Gemstone });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_has_one_name_everywhere() {
        for &(_, dialect) in Dialect::ALL {
            let name = dialect.to_string();
            assert_eq!(name.parse(), Ok(dialect));
            assert_eq!(serde_json::to_value(dialect).unwrap(), name.as_str());
            assert_eq!(serde_json::from_value::<Dialect>(name.into()).unwrap(), dialect);
        }
        let unknown = "JSONRPC".parse::<Dialect>().unwrap_err();
        assert!(unknown.to_string().contains("`JSONRPC`"), "{unknown}");
    }

    #[test]
    fn each_dialect_has_its_shapes() {
        let error = RpcError::new(7, "no");
        let e = r#"{"code":7,"message":"no"}"#;
        for (dialect, success, failure, notification, empty_batch) in [
            (
                Dialect::Jsonrpc,
                r#"{"jsonrpc":"2.0","result":[1],"id":"x"}"#.to_owned(),
                format!(r#"{{"jsonrpc":"2.0","error":{e},"id":"x"}}"#),
                None,
                None,
            ),
            (
                Dialect::Pymicroservice,
                r#"{"error":null,"id":"x","response":[1]}"#.to_owned(),
                format!(r#"{{"error":{e},"id":"x","response":null}}"#),
                Some(r#"{"error":null,"id":null,"response":"received"}"#),
                Some("[]"),
            ),
            (
                Dialect::Gemstone,
                r#"{"jsonrpc":"2.0","result":[1],"error":null,"id":"x"}"#.to_owned(),
                format!(r#"{{"jsonrpc":"2.0","result":null,"error":{e},"id":"x"}}"#),
                Some(r#"{"jsonrpc":"2.0","result":"received","error":null}"#),
                Some("[]"),
            ),
        ] {
            let id = Id::from_json(r#""x""#, 9).unwrap();
            let mut out = Vec::new();
            dialect.open(&mut out, id);
            out.extend_from_slice(b"[1]");
            dialect.close(&mut out, id);
            dialect.error(&mut out, id, &error);
            assert_eq!(String::from_utf8(out).unwrap(), success + &failure);
            assert_eq!(dialect.notification(), notification.map(str::as_bytes));
            assert_eq!(dialect.empty_batch(), empty_batch.map(str::as_bytes));
        }
    }

    #[test]
    fn a_null_id_is_a_notification_in_the_older_dialects_only() {
        let request = |id| RpcRequest { method: "m".into(), params: None, id, unchecked: None };
        for &(_, dialect) in Dialect::ALL {
            assert_eq!(dialect.reply_id(&request(None)), None);
            let zero = Id::from_json("0", 9).ok();
            assert_eq!(dialect.reply_id(&request(zero)), zero);
            let null = dialect.reply_id(&request(Some(Id::NULL)));
            assert_eq!(null.is_some(), dialect == Dialect::Jsonrpc, "{dialect}");
        }
    }
}
