use std::panic::{AssertUnwindSafe, catch_unwind};

use actix_web::web::{Bytes, BytesMut};

use super::super::client_frames;
use super::super::frame_reader::{Event, FrameReader};
use super::*;

/// Sizes of payloads at which the form of the length changes, and others.
const SIZES: [usize; 9] = [0, 1, 124, 125, 126, 127, 65_535, 65_536, 200_000];

/// Writes a text frame by way of an open frame.
fn open_and_close(out: &mut Vec<u8>, payload: &str) {
    let mut frame = TextFrame::open(out);
    frame.payload().extend_from_slice(payload.as_bytes());
    frame.close();
}

/// Turns the frames of a server into those of a client: masks them with zeros.
fn masked(frames: &[u8]) -> Bytes {
    let (mut masked, mut rest) = (Vec::new(), frames);
    while let [first, second, ..] = rest {
        let (head, length) = match second {
            126 => (4, u16::from_be_bytes(rest[2..4].try_into().unwrap()).into()),
            127 => (10, u64::from_be_bytes(rest[2..10].try_into().unwrap()) as usize),
            short => (2, usize::from(*short)),
        };
        masked.extend([*first, 0x80 | second]);
        masked.extend([&rest[2..head], &[0; 4], &rest[head..head + length]].concat());
        rest = &rest[head + length..];
    }
    masked.into()
}

/// Reads frames of a server.
fn read(frames: &[u8]) -> Vec<Event> {
    let (mut reader, mut input, mut events) = (FrameReader::new(usize::MAX), masked(frames), Vec::new());
    while let Some(event) = reader.read(&mut input).unwrap() {
        events.push(event);
    }
    events
}

#[test]
fn a_text_frame_has_the_shortest_head() {
    let heads: [(usize, &[u8]); 6] = [
        (0, &[0x81, 0]),
        (125, &[0x81, 125]),
        (126, &[0x81, 126, 0, 126]),
        (0x1234, &[0x81, 126, 0x12, 0x34]),
        (65_535, &[0x81, 126, 0xff, 0xff]),
        (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ];
    for (size, head) in heads {
        let payload = "x".repeat(size);
        let expected = [b"before", head, payload.as_bytes()].concat();
        let (mut vec, mut bytes, mut open) = (b"before".to_vec(), BytesMut::from("before"), b"before".to_vec());
        text(&mut vec, &payload);
        text(&mut bytes, &payload);
        open_and_close(&mut open, &payload);
        assert!(vec == expected && bytes == expected && open == expected, "{size}");
    }
}

#[test]
fn frames_that_follow_each_other_are_read_as_they_were_written() {
    let mut out = Vec::new();
    let mut expected = Vec::new();
    for size in SIZES {
        let payload: String = (0..size).map(|index| char::from(b'a' + (index % 26) as u8)).collect();
        text(&mut out, &payload);
        ping(&mut out, b"now");
        open_and_close(&mut out, &payload);
        pong(&mut out, b"");
        let ping = Event::Ping(b"now".to_vec());
        expected.extend([Event::Text(payload.clone()), ping, Event::Text(payload), Event::Pong]);
    }
    close(&mut out, Some(CloseCode::GOING_AWAY), "the server stops");
    expected.push(Event::Close(Some(CloseCode::GOING_AWAY)));
    assert_eq!(read(&out), expected);
}

#[test]
fn a_frame_that_is_not_closed_leaves_the_output_as_it_was() {
    let mut out = b"before".to_vec();
    drop(TextFrame::open(&mut out));
    assert_eq!(out, b"before");
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let mut frame = TextFrame::open(&mut out);
        frame.payload().extend_from_slice(b"half of a reply");
        panic!("on purpose");
    }));
    assert!(panic.is_err());
    assert_eq!(out, b"before");
}

#[test]
fn control_frames_have_at_most_125_bytes() {
    let long = "é".repeat(100);
    let written = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        out
    };
    let cases: [(Vec<u8>, Vec<u8>); 7] = [
        (written(&|out| ping(out, b"p")), b"\x89\x01p".to_vec()),
        (written(&|out| pong(out, b"")), b"\x8a\x00".to_vec()),
        (written(&|out| ping(out, &[7; 126])), [&b"\x89\x7d"[..], &[7; 125]].concat()),
        (written(&|out| close(out, None, "unused")), b"\x88\x00".to_vec()),
        (written(&|out| close(out, Some(CloseCode::NORMAL), "")), b"\x88\x02\x03\xe8".to_vec()),
        (written(&|out| close(out, Some(CloseCode::PROTOCOL_ERROR), "no")), b"\x88\x04\x03\xeano".to_vec()),
        // A character is not cut.
        (
            written(&|out| close(out, Some(CloseCode::TOO_LARGE), &long)),
            [&b"\x88\x7c\x03\xf1"[..], &long.as_bytes()[..122]].concat(),
        ),
    ];
    for (written, expected) in cases {
        assert_eq!(written, expected);
    }
}

#[test]
fn the_reason_of_each_error_fits_into_a_close_frame() {
    let broken = [
        client_frames::frame(0xff, b""),
        client_frames::frame(0x83, b""),
        vec![0x81, 0],
        client_frames::frame(client_frames::PING, b""),
        client_frames::last(client_frames::PING, [0; 126]),
        client_frames::last(client_frames::BINARY, ""),
        client_frames::last(client_frames::CONTINUATION, ""),
        client_frames::last(client_frames::TEXT, b"\xff"),
        client_frames::last(client_frames::TEXT, "too large"),
        client_frames::close(1006, b""),
        client_frames::last(client_frames::CLOSE, b"\x03"),
    ];
    for bytes in broken {
        let error = FrameReader::new(1).read(&mut bytes.into()).unwrap_err();
        let mut out = Vec::new();
        close(&mut out, Some(error.code), error.reason);
        assert!(out.ends_with(error.reason.as_bytes()), "{error}");
        assert_eq!(read(&out), [Event::Close(Some(error.code))]);
    }
}
