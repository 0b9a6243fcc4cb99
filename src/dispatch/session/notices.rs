//! The messages of a subscription: its items, its position, and its end.

use std::fmt;
use std::io::Write;

use callbox_client::Lag;

use crate::jsonrpc::RpcError;
use crate::service::Cursor;

/// The beginning of all messages of one subscription.
///
/// It is made for each message. With thousands of connections this takes less time than to read
/// what was kept of it, which no cache of the processor has any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoticeHead {
    /// The name of the method of the notifications.
    pub(super) event: &'static str,
    pub(super) id: u64,
}

impl NoticeHead {
    /// Writes the beginning of an item; its JSON must be appended next.
    pub(super) fn open_item(&self, out: &mut Vec<u8>) {
        self.open(out);
        out.extend_from_slice(br#","result":"#);
    }

    /// Writes the end of an item.
    pub(super) fn close_item(out: &mut Vec<u8>, lag: Option<Lag>, cursor: Option<Cursor>) {
        match lag {
            Some(Lag::Items(items)) => write(out, format_args!(r#","lagged":{items}"#)),
            Some(Lag::Unknown) => out.extend_from_slice(br#","lagged":null"#),
            None => {}
        }
        if let Some(cursor) = cursor {
            write(out, format_args!(r#","cursor":"{cursor}""#));
        }
        out.extend_from_slice(b"}}");
    }

    /// Writes a message with a position alone.
    pub(super) fn position(&self, out: &mut Vec<u8>, cursor: Cursor) {
        self.open(out);
        Self::close_item(out, None, Some(cursor));
    }

    /// Writes the last message.
    pub(super) fn end(&self, out: &mut Vec<u8>, error: Option<&RpcError>) {
        self.open(out);
        match error {
            Some(error) => {
                out.extend_from_slice(br#","error":"#);
                out.extend_from_slice(&error.to_json());
            }
            None => out.extend_from_slice(br#","done":true"#),
        }
        out.extend_from_slice(b"}}");
    }

    /// Writes the beginning, up to what differs between the messages of one subscription.
    fn open(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"jsonrpc":"2.0","method":"#);
        // A string always has a form in JSON, and a vector always has room.
        let _ = serde_json::to_writer(&mut *out, self.event);
        write(out, format_args!(r#","params":{{"subscription":"{}""#, self.id));
    }
}

fn write(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // A vector always has room.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_form_that_clients_of_subscriptions_read() {
        let head = NoticeHead { event: "ns.\"prices", id: 7 };
        let start = r#"{"jsonrpc":"2.0","method":"ns.\"prices","params":{"subscription":"7""#;
        let cursor = Cursor { epoch: 0x3f, number: 12 };
        let item = |lag, cursor| {
            let mut out = Vec::new();
            head.open_item(&mut out);
            out.extend_from_slice(b"[1]");
            NoticeHead::close_item(&mut out, lag, cursor);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(item(None, None), format!(r#"{start},"result":[1]}}}}"#));
        assert_eq!(
            item(Some(Lag::Items(3)), Some(cursor)),
            format!(r#"{start},"result":[1],"lagged":3,"cursor":"3f-12"}}}}"#)
        );
        assert_eq!(item(Some(Lag::Unknown), None), format!(r#"{start},"result":[1],"lagged":null}}}}"#));
        let written = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(&|out| head.position(out, cursor)), format!(r#"{start},"cursor":"3f-12"}}}}"#));
        assert_eq!(written(&|out| head.end(out, None)), format!(r#"{start},"done":true}}}}"#));
        let error = RpcError::unavailable();
        let expected = format!(r#"{start},"error":{{"code":-32003,"message":"Service unavailable"}}}}}}"#);
        assert_eq!(written(&|out| head.end(out, Some(&error))), expected);
    }
}
