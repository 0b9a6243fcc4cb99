use arbtest::arbitrary::{Result, Unstructured};

use crate::property_tests::{CASES, check, list, text};

use super::super::client_frames::{
    BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, close, fragment, frame, head, last, long_head,
};
use super::*;

/// The limit of messages in these tests, in bytes.
const LIMIT: usize = 70_000;

/// What was read: events, and then the code of an error, if there was one.
type Outcome = (Vec<Event>, Option<u16>);

/// Reads bytes that arrive in these pieces.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (FrameReader, Outcome) {
    let (mut reader, mut events, mut error) = (FrameReader::new(LIMIT), Vec::new(), None);
    for piece in pieces {
        let mut input = Bytes::copy_from_slice(piece);
        loop {
            match reader.read(&mut input) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(found) => assert_eq!(error.replace(found.code.get()), None, "an error ends the reader"),
            }
        }
        assert!(input.is_empty());
    }
    (reader, (events, error))
}

/// Whether the reader holds no memory.
fn is_empty(reader: &FrameReader) -> bool {
    reader.message.is_none() && reader.control.capacity() == 0
}

fn text_event(text: &str) -> Event {
    Event::Text(text.to_owned())
}

fn close_event(code: u16) -> Event {
    let Ok(Some(Event::Close(code))) = FrameReader::new(0).read(&mut close(code, b"").into()) else {
        panic!("{code} is a valid code")
    };
    Event::Close(code)
}

/// Checks that these bytes have this outcome, at once and in whichever pieces they arrive.
fn assert_outcome(name: &str, bytes: &[u8], expected: &Outcome) {
    let outcome = |reader: (FrameReader, Outcome)| reader.1;
    assert_eq!(outcome(read([bytes])), *expected, "{name}");
    assert_eq!(outcome(read(bytes.chunks(1))), *expected, "{name}, byte by byte");
    // Each place of a short input, and those around the ends of frames of a long one.
    let positions = (0..=bytes.len()).filter(|position| bytes.len() < 1000 || position % 499 < 20);
    for position in positions {
        let (first, second) = bytes.split_at(position);
        assert_eq!(outcome(read([first, second])), *expected, "{name}, cut at {position}");
    }
}

#[test]
fn valid_frames_give_the_messages_of_the_client() {
    let long = "x".repeat(LIMIT);
    let middle = "é".repeat(150);
    let table = [
        ("nothing", vec![], vec![]),
        (
            "the example of RFC 6455",
            vec![b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec()],
            vec![text_event("Hello")],
        ),
        ("an empty text", vec![last(TEXT, "")], vec![text_event("")]),
        ("125 bytes", vec![last(TEXT, &long[..125])], vec![text_event(&long[..125])]),
        ("126 bytes", vec![last(TEXT, &long[..126])], vec![text_event(&long[..126])]),
        ("a length of 16 bits", vec![last(TEXT, &middle)], vec![text_event(&middle)]),
        ("65,535 bytes", vec![last(TEXT, &long[..65_535])], vec![text_event(&long[..65_535])]),
        ("65,536 bytes", vec![last(TEXT, &long[..65_536])], vec![text_event(&long[..65_536])]),
        ("as much as the limit", vec![last(TEXT, &long)], vec![text_event(&long)]),
        ("two texts", vec![last(TEXT, "a"), last(TEXT, "b")], vec![text_event("a"), text_event("b")]),
        (
            "fragments",
            vec![fragment(TEXT, "a"), fragment(CONTINUATION, "b"), last(CONTINUATION, "c"), last(TEXT, "d")],
            vec![text_event("abc"), text_event("d")],
        ),
        (
            "empty fragments",
            vec![fragment(TEXT, ""), fragment(CONTINUATION, ""), last(CONTINUATION, "")],
            vec![text_event("")],
        ),
        (
            "fragments of as much as the limit together",
            vec![fragment(TEXT, &long[..100]), last(CONTINUATION, &long[100..])],
            vec![text_event(&long)],
        ),
        (
            "a character that is cut by frames",
            vec![fragment(TEXT, b"\xf0\x9f"), fragment(CONTINUATION, b"\xa6"), last(CONTINUATION, b"\x80!")],
            vec![text_event("🦀!")],
        ),
        (
            "control frames between fragments",
            vec![
                fragment(TEXT, b"\xc3"),
                last(PING, "p"),
                last(PONG, "q"),
                fragment(CONTINUATION, b"\xa4"),
                last(PING, ""),
                last(CONTINUATION, "b"),
            ],
            vec![Event::Ping(b"p".to_vec()), Event::Pong, Event::Ping(vec![]), text_event("äb")],
        ),
        ("a close frame between fragments", vec![fragment(TEXT, "a"), close(1000, b"")], vec![close_event(1000)]),
        (
            "control frames of 125 bytes, which need not be text",
            vec![last(PING, [0xff; 125]), last(PONG, [0xff; 125])],
            vec![Event::Ping(vec![0xff; 125]), Event::Pong],
        ),
        ("a close frame without a code", vec![last(CLOSE, "")], vec![Event::Close(None)]),
        ("a close frame with a reason", vec![close(3000, "Tschüß".as_bytes())], vec![close_event(3000)]),
        ("a close frame of 125 bytes", vec![close(4999, &[b'x'; 123])], vec![close_event(4999)]),
        (
            "what follows a close frame is discarded",
            vec![close(1001, b""), last(TEXT, "a"), vec![0xff; 20]],
            vec![close_event(1001)],
        ),
        ("half a frame", vec![last(TEXT, "a"), last(TEXT, "abc")[..7].to_vec()], vec![text_event("a")]),
        ("a character that is not complete yet", vec![fragment(TEXT, b"\xf0\x9f\xa6")], vec![]),
    ];
    for (name, frames, events) in table {
        assert_outcome(name, &frames.concat(), &(events, None));
    }
}

#[test]
fn a_broken_rule_ends_the_connection_with_its_code() {
    let long = "x".repeat(LIMIT);
    let unmasked = |first: u8, payload: &[u8]| [&[first, payload.len() as u8], payload].concat();
    let cases = [
        ("the first reserved bit", 1002, vec![frame(FIN | 0x40 | TEXT, b"a")]),
        ("the second reserved bit", 1002, vec![frame(FIN | 0x20 | TEXT, b"a")]),
        ("the third reserved bit", 1002, vec![frame(FIN | 0x10 | PING, b"a")]),
        ("an unmasked text", 1002, vec![unmasked(FIN | TEXT, b"a")]),
        ("an unmasked ping without a payload", 1002, vec![unmasked(FIN | PING, b"")]),
        ("a continuation of nothing", 1002, vec![fragment(CONTINUATION, "a")]),
        ("a last fragment of nothing", 1002, vec![last(CONTINUATION, "a")]),
        ("a second last fragment", 1002, vec![fragment(TEXT, "a"), last(CONTINUATION, "b"), last(CONTINUATION, "c")]),
        ("a text within a message", 1002, vec![fragment(TEXT, "a"), last(TEXT, "b")]),
        ("the first fragment of another text within a message", 1002, vec![fragment(TEXT, "a"), fragment(TEXT, "b")]),
        ("a binary message within a message", 1002, vec![fragment(TEXT, "a"), last(BINARY, "b")]),
        ("a binary message", 1003, vec![last(BINARY, "a")]),
        ("an empty binary message", 1003, vec![last(BINARY, "")]),
        ("a fragment of a binary message", 1003, vec![fragment(BINARY, "a")]),
        ("a fragmented ping", 1002, vec![fragment(PING, "a")]),
        ("a fragmented pong without a payload", 1002, vec![fragment(PONG, "")]),
        ("a fragmented close frame", 1002, vec![fragment(CLOSE, "")]),
        ("a ping of 126 bytes", 1002, vec![last(PING, [0; 126])]),
        ("a pong of 126 bytes", 1002, vec![last(PONG, [0; 126])]),
        ("a close frame of 126 bytes", 1002, vec![close(1000, &[b'x'; 124])]),
        ("a ping of a long length", 1002, vec![long_head(FIN | PING, 1 << 40)]),
        ("a length of 64 bits", 1002, vec![long_head(FIN | TEXT, u64::MAX)]),
        ("a length that would fit into 16 bits", 1002, vec![long_head(FIN | TEXT, 0xffff)]),
        ("a length that would fit into 7 bits", 1002, vec![vec![FIN | TEXT, 0x80 | 126, 0, 125, 0, 0, 0, 0]]),
        ("a close frame of one byte", 1002, vec![last(CLOSE, b"\x03")]),
        ("a close frame whose reason is not UTF-8", 1007, vec![close(1000, b"\xff")]),
        ("a close frame whose reason is cut", 1007, vec![close(1000, b"\xc3")]),
        ("more than the limit", 1009, vec![last(TEXT, long.clone() + "x")]),
        ("a length over the limit", 1009, vec![head(FIN | TEXT, LIMIT as u64 + 1)]),
        ("the largest length", 1009, vec![long_head(FIN | TEXT, i64::MAX as u64)]),
        ("a fragment over the limit", 1009, vec![fragment(TEXT, &long), head(CONTINUATION, 1)]),
        ("a text that is not UTF-8", 1007, vec![last(TEXT, b"a\xff")]),
        ("a text that ends within a character", 1007, vec![last(TEXT, b"a\xe2\x82")]),
        (
            "a fragmented text that ends within a character",
            1007,
            vec![fragment(TEXT, b"\xe2"), last(CONTINUATION, b"\x82")],
        ),
        ("a surrogate", 1007, vec![last(TEXT, b"\xed\xa0\x80")]),
        ("a character in a longer form than it needs", 1007, vec![last(TEXT, b"\xc0\xaf")]),
        ("a character above the last one", 1007, vec![last(TEXT, b"\xf4\x90\x80\x80")]),
    ];
    for (name, code, frames) in cases {
        // What came before is not lost, and what follows is not read.
        let bytes = [last(TEXT, "before"), frames.concat(), last(TEXT, "after")].concat();
        let (events, error) = read([&*bytes]).1;
        assert_eq!(error, Some(code), "{name}");
        assert_eq!(events.first(), Some(&text_event("before")), "{name}");
        assert!(!events.contains(&text_event("after")), "{name}");
        assert_outcome(name, &bytes, &(events, error));
    }
}

#[test]
fn an_opcode_or_a_close_code_without_a_meaning_is_an_error() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        for first in [opcode, FIN | opcode] {
            assert_outcome("an opcode", &frame(first, b""), &(vec![], Some(1002)));
        }
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        assert_outcome(&format!("the code {code}"), &close(code, b""), &(vec![], Some(1002)));
    }
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        let Event::Close(Some(read)) = close_event(code) else { panic!("{code}") };
        assert_eq!(read.get(), code);
    }
}

#[test]
fn an_error_is_found_with_the_first_byte_that_decides_it() {
    // The frame, and how many of its bytes are needed.
    let cases = [
        ("reserved bits", frame(FIN | 0x40 | TEXT, b"a"), 2),
        ("a long ping", last(PING, [0; 126]), 2),
        ("a length of 64 bits", long_head(FIN | TEXT, u64::MAX), 10),
        ("a length in a longer form than it needs", vec![FIN | TEXT, 0x80 | 126, 0, 125], 4),
        ("a binary message", last(BINARY, "abc"), 6),
        ("a message over the limit", long_head(FIN | TEXT, 1 << 40), 14),
        ("a byte that is in no text", last(TEXT, b"ab\xffcdef"), 9),
        ("a surrogate, in its second byte", last(TEXT, b"ab\xed\xa0\x80"), 10),
        ("a character above the last one, in its second byte", fragment(TEXT, b"\xf4\x90"), 8),
        ("a character that is not continued", [fragment(TEXT, b"\xc3"), fragment(CONTINUATION, "ab")].concat(), 14),
    ];
    for (name, bytes, needed) in cases {
        let error = |length: usize| read([&bytes[..length]]).1.1;
        assert_eq!(error(needed - 1), None, "{name}");
        assert!(error(needed).is_some(), "{name}");
    }
}

#[test]
fn memory_is_held_only_while_something_is_incomplete() {
    let whole = [last(TEXT, "abc"), last(PING, "abc"), fragment(TEXT, "a"), last(CONTINUATION, "b")].concat();
    let (reader, _) = read(whole.chunks(1));
    assert!(is_empty(&reader));
    for (name, end) in [("an error", last(TEXT, "")), ("a close frame", close(1000, b""))] {
        let (reader, _) = read([&*fragment(TEXT, "abc"), &end]);
        assert!(is_empty(&reader), "{name}");
    }
    let (reader, _) = read([&*fragment(TEXT, "abc")]);
    assert!(!is_empty(&reader));
}

#[test]
fn the_input_is_released_once_it_is_read() {
    let input = Bytes::from([last(TEXT, "abc"), last(PING, "")].concat());
    let (mut reader, mut rest) = (FrameReader::new(LIMIT), input.clone());
    assert_eq!(reader.read(&mut rest), Ok(Some(text_event("abc"))));
    assert_eq!(rest.len(), 6, "one event at a time");
    assert_eq!(reader.read(&mut rest), Ok(Some(Event::Ping(vec![]))));
    assert!(rest.is_empty() && input.is_unique(), "not even an empty slice is kept");
}

/// Returns a valid message with the frames that carry it, control frames among them, and appends
/// what must be read.
fn any_message(u: &mut Unstructured<'_>, events: &mut Vec<Event>) -> Result<Vec<u8>> {
    let repeat = *u.choose(&[1, 1, 1, 50, 2000])?;
    let text = text(u, 20)?.repeat(repeat);
    let bytes = &text.as_bytes()[..text.floor_char_boundary(LIMIT)];
    let mut cuts = list(u, 0, 5, |u| u.int_in_range(0..=bytes.len()))?;
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    let (mut frames, count) = (Vec::new(), cuts.len() - 1);
    for (index, cut) in cuts.windows(2).enumerate() {
        let opcode = if index == 0 { TEXT } else { CONTINUATION };
        let fin = if index + 1 == count { FIN } else { 0 };
        frames.extend(frame(opcode | fin, &bytes[cut[0]..cut[1]]));
        if fin != 0 {
            events.push(Event::Text(String::from_utf8(bytes.to_vec()).unwrap()));
        }
        let control = list(u, 0, 2, |u| Ok((u.ratio(1, 2)?, list(u, 0, 125, Unstructured::arbitrary)?)))?;
        for (is_ping, payload) in control {
            frames.extend(last(if is_ping { PING } else { PONG }, &payload));
            events.push(if is_ping { Event::Ping(payload) } else { Event::Pong });
        }
    }
    Ok(frames)
}

#[test]
fn messages_are_read_as_they_were_sent_however_they_are_fragmented_and_cut() {
    check(CASES, |u| {
        let mut events = Vec::new();
        let bytes = list(u, 0, 4, |u| any_message(u, &mut events))?.concat();
        let mut cuts = list(u, 0, 19, |u| u.int_in_range(0..=bytes.len()))?;
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let (reader, outcome) = read(cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]));
        assert_eq!(outcome, (events, None));
        assert!(is_empty(&reader));
        Ok(())
    });
}

#[test]
fn random_bytes_have_the_same_outcome_however_they_are_cut() {
    check(CASES, |u| {
        // Heads that are mostly valid, as random ones would nearly all end at once.
        let pieces = list(u, 0, 9, |u| {
            let opcode = *u.choose(&[CONTINUATION, TEXT, TEXT, CONTINUATION, PING, PONG, CLOSE, BINARY, 3])?;
            let fin = *u.choose(&[0, FIN, FIN])?;
            let length = *u.choose(&[0, 1, 2, 3, 125, 126, 1000])?;
            Ok([head(opcode | fin, length), list(u, 0, length as usize, Unstructured::arbitrary)?].concat())
        })?;
        let bytes = pieces.concat();
        let at_once = read([&*bytes]).1;
        assert_eq!(read(bytes.chunks(1)).1, at_once);
        assert_eq!(read(bytes.chunks(1 + u.int_in_range(0..=20)?)).1, at_once);
        Ok(())
    });
}
