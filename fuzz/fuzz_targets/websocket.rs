//! Frames of a WebSocket: the reader finds the same events however the bytes are cut, and those
//! that actix's codec finds, which also reads what the server writes.

#![no_main]

use actix_codec::Decoder;
use actix_http::ws::{Codec, Frame, Item};
use bytes::BytesMut;
use callbox::__fuzzing::{FuzzEvent, read_frames, text_frames};
use libfuzzer_sys::fuzz_target;

/// More than the size of any input, in bytes.
const NO_LIMIT: usize = 1 << 20;

// The first byte is the size of the pieces, the second one a limit.
fuzz_target!(|input: &[u8]| {
    let [size, limit, bytes @ ..] = input else { return };
    for limit in [NO_LIMIT, usize::from(*limit)] {
        let at_once = read_frames([bytes], limit);
        assert_eq!(read_frames(bytes.chunks(usize::from(*size).max(1)), limit), at_once);
        assert_eq!(read_frames(bytes.chunks(1), limit), at_once);
        let (events, mistake) = at_once;
        let (expected, is_valid) = by_codec(bytes);
        // The reader finds mistakes earlier than the codec, and more of them.
        assert!(expected.starts_with(&events), "{events:?} {expected:?}");
        assert!(mistake.is_some() || is_valid && events == expected, "{events:?} {expected:?}");
        for event in events {
            let FuzzEvent::Text(text) = event else { continue };
            assert!(text.len() <= limit);
            let mut frames = BytesMut::from(&*text_frames(&text));
            let mut codec = Codec::new().client_mode().max_size(NO_LIMIT);
            for _ in 0..2 {
                assert_eq!(codec.decode(&mut frames).ok(), Some(Some(Frame::Text(text.clone().into()))));
            }
            assert!(frames.is_empty());
        }
    }
});

/// Returns the events that the codec finds, and whether it finds no mistake after them.
fn by_codec(bytes: &[u8]) -> (Vec<FuzzEvent>, bool) {
    let (mut codec, mut rest) = (Codec::new().max_size(NO_LIMIT), BytesMut::from(bytes));
    let (mut events, mut message) = (Vec::new(), Vec::new());
    loop {
        let event = match codec.decode(&mut rest) {
            Ok(None) => return (events, true),
            Ok(Some(Frame::Continuation(Item::FirstText(fragment) | Item::Continue(fragment)))) => {
                message.extend_from_slice(&fragment);
                continue;
            }
            Ok(Some(Frame::Text(last) | Frame::Continuation(Item::Last(last)))) => {
                message.extend_from_slice(&last);
                let Ok(text) = String::from_utf8(std::mem::take(&mut message)) else { return (events, false) };
                FuzzEvent::Text(text)
            }
            Ok(Some(Frame::Ping(payload))) => FuzzEvent::Ping(payload.to_vec()),
            Ok(Some(Frame::Pong(_))) => FuzzEvent::Pong,
            Ok(Some(Frame::Close(reason))) => {
                events.push(FuzzEvent::Close(reason.map(|reason| reason.code.into())));
                return (events, true);
            }
            Ok(Some(Frame::Binary(_) | Frame::Continuation(Item::FirstBinary(_)))) | Err(_) => {
                return (events, false);
            }
        };
        events.push(event);
    }
}
