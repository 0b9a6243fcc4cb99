//! How far a subscription has got, and from where it continues.

use crate::call_meta::with_meta;
use crate::client_error::{Cause, ClientError};
use crate::request::{self, BodyShape, RequestObject};
use crate::response;
use crate::subscription::Lag;

use super::feed::{FeedEnd, FeedItem, FeedStart};
use super::frame::Notice;

/// How far a subscription has got, across all connections that it has had.
#[derive(Debug, Default)]
pub(crate) struct Position {
    /// The position of the last item that has arrived, or a later one.
    cursor: Option<String>,
    /// What was missed before the next item that arrives.
    lag: Option<Lag>,
}

impl Position {
    /// Takes a message of the subscription. Returns the item in it, and the end after that.
    pub(crate) fn receive(&mut self, notice: Notice<'_>) -> (Option<FeedItem>, Option<FeedEnd>) {
        let lag = notice.lag();
        if let Some(cursor) = &notice.cursor {
            self.cursor = Some(cursor.clone());
        }
        let item = notice.result.map(|json| FeedItem {
            json: json.to_owned(),
            lag: Lag::sum(self.lag.take(), lag),
            cursor: notice.cursor,
        });
        let end = match notice.error {
            Some(error) => Some(FeedEnd::Failed(response::error_of(error))),
            // There is no item any more to say with that some may have been missed.
            None if notice.done && self.lag.is_some() => {
                let cause = Cause::new("the subscription has ended, and items before the end may have been missed");
                Some(FeedEnd::Failed(ClientError::Lost(cause)))
            }
            None => notice.done.then_some(FeedEnd::Done),
        };
        (item, end)
    }

    /// Notes that so many messages were missed before the next one.
    #[cfg(feature = "nats")]
    pub(crate) fn missed(&mut self, messages: u64) {
        if messages > 0 {
            self.lag = Lag::sum(self.lag, Some(Lag::Items(messages)));
        }
    }

    /// Returns the position to continue from, if there is one.
    pub(crate) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// Returns the call that starts the subscription again, as a body. If there is no position from
    /// which it could continue, or no place for it in the parameters, nobody knows what is missed
    /// before the next item.
    pub(crate) fn restart(&mut self, start: &FeedStart) -> Option<Vec<u8>> {
        let continued = self.cursor().and_then(|cursor| with_meta(start.params.as_deref(), "after", &cursor));
        if continued.is_none() {
            self.lag = Some(Lag::Unknown);
        }
        let params = continued.or_else(|| start.params.clone());
        let request = RequestObject { params, ..RequestObject::new(&*start.method, Some(start.call)) };
        // It was written before, when it was sent for the first time.
        request::body(&[&request], BodyShape::Single).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::value::RawValue;

    use super::super::frame::Frame;
    use super::*;
    use crate::subscription::SubscriptionNames;

    fn start(params: Option<&str>) -> FeedStart {
        FeedStart {
            call: 7,
            method: "prices".to_owned(),
            params: params.map(|json| RawValue::from_string(json.to_owned()).unwrap()),
            names: SubscriptionNames::DEFAULT,
            deadline: Duration::from_secs(1),
            is_subscription: true,
        }
    }

    fn receive(position: &mut Position, members: &str) -> (Option<(String, Option<Lag>)>, bool) {
        let text = format!(r#"{{"method":"prices","params":{{"subscription":"s1",{members}}}}}"#);
        let Ok(Frame::Notice(notice)) = Frame::parse(&text) else { panic!("{text}") };
        let (item, end) = position.receive(notice);
        (item.map(|item| (item.json.get().to_owned(), item.lag)), end.is_some())
    }

    fn restart(position: &mut Position, params: Option<&str>) -> String {
        String::from_utf8(position.restart(&start(params)).unwrap()).unwrap()
    }

    #[test]
    fn it_continues_after_the_last_position_whether_an_item_or_a_message_alone_had_it() {
        let mut position = Position::default();
        assert_eq!(receive(&mut position, r#""result":1,"cursor":"k-1""#), (Some(("1".to_owned(), None)), false));
        assert_eq!(receive(&mut position, r#""cursor":"k-5""#), (None, false));
        let expected = r#"{"jsonrpc":"2.0","method":"prices","params":{"_meta":{"after":"k-5"},"a":1},"id":7}"#;
        assert_eq!(restart(&mut position, Some(r#"{"a":1}"#)), expected);
        let next = receive(&mut position, r#""result":2,"lagged":4,"cursor":"k-10""#);
        assert_eq!(next, (Some(("2".to_owned(), Some(Lag::Items(4)))), false), "the server knows what was missed");
    }

    #[test]
    fn without_a_position_or_a_place_for_it_nobody_knows_what_is_missed_before_the_next_item() {
        let mut position = Position::default();
        assert_eq!(restart(&mut position, Some("{}")), r#"{"jsonrpc":"2.0","method":"prices","params":{},"id":7}"#);
        assert_eq!(restart(&mut position, None), r#"{"jsonrpc":"2.0","method":"prices","id":7}"#);
        assert_eq!(receive(&mut position, r#""cursor":"k-3""#), (None, false), "it has no item to say it with");
        let first = receive(&mut position, r#""result":1,"lagged":2,"cursor":"k-4""#);
        assert_eq!(first.0.unwrap().1, Some(Lag::Unknown));
        assert_eq!(receive(&mut position, r#""result":1,"cursor":"k-5""#).0.unwrap().1, None, "it is said once");

        let positional = restart(&mut position, Some("[1]"));
        assert_eq!(positional, r#"{"jsonrpc":"2.0","method":"prices","params":[1],"id":7}"#);
        assert_eq!(receive(&mut position, r#""result":1"#).0.unwrap().1, Some(Lag::Unknown));
    }

    #[test]
    fn an_end_before_which_items_may_have_been_missed_is_an_error() {
        let mut position = Position::default();
        restart(&mut position, Some("{}"));
        let text = r#"{"method":"prices","params":{"subscription":"s1","done":true}}"#;
        let Ok(Frame::Notice(notice)) = Frame::parse(text) else { panic!("{text}") };
        let (item, end) = position.receive(notice);
        assert!(item.is_none() && matches!(&end, Some(FeedEnd::Failed(ClientError::Lost(_)))), "{end:?}");
    }

    #[test]
    fn an_end_may_come_with_an_item() {
        let mut position = Position::default();
        assert_eq!(receive(&mut position, r#""result":1,"done":true"#), (Some(("1".to_owned(), None)), true));
        assert_eq!(receive(&mut position, r#""error":{"code":1,"message":"no"}"#), (None, true));
    }
}
