//! Server-sent events, as they arrive: bytes in, the data of events out.

use std::mem;

use crate::client_error::Cause;

/// Reads a stream of events, which may be cut into chunks anywhere.
///
/// Only the data of events is kept. Their types do not matter, since JSON-RPC says in the data what
/// a message is, and neither do their ids, since the same cursor is in the data.
#[derive(Debug)]
pub(super) struct EventParser {
    /// Maximum size of a line, and of the data of an event, in bytes.
    limit: usize,
    /// The line that has not ended.
    line: Vec<u8>,
    /// The data of the event that has not ended, with a line end after each of its lines.
    data: Vec<u8>,
    /// Whether the last byte was a carriage return, after which a line feed ends no further line.
    after_return: bool,
    /// Whether a line has ended. Before the first one there may be a byte order mark.
    has_begun: bool,
}

/// The mark that a text of UTF-8 may begin with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl EventParser {
    /// Makes a parser for events of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, line: Vec::new(), data: Vec::new(), after_return: false, has_begun: false }
    }

    /// Reads a chunk, and appends the data of each event that ends in it.
    ///
    /// # Errors
    /// If an event is too long or is not UTF-8. The stream cannot be read any further then; the
    /// events before it were appended.
    pub(super) fn read(&mut self, mut chunk: &[u8], events: &mut impl Extend<String>) -> Result<(), Cause> {
        while let Some(first) = chunk.first() {
            if mem::take(&mut self.after_return) && *first == b'\n' {
                chunk = &chunk[1..];
                continue;
            }
            let Some(end) = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                return self.append(chunk);
            };
            self.append(&chunk[..end])?;
            self.after_return = chunk[end] == b'\r';
            chunk = &chunk[end + 1..];
            if let Some(data) = self.end_line()? {
                events.extend([data]);
            }
        }
        Ok(())
    }

    /// Appends to the line.
    fn append(&mut self, bytes: &[u8]) -> Result<(), Cause> {
        // The name of the field takes some bytes beside the data.
        const NAME: usize = BYTE_ORDER_MARK.len() + b"data: ".len();
        if self.line.len() + bytes.len() > self.limit.saturating_add(NAME) {
            return Err(self.too_long());
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// Handles the line, which is complete. Returns the data of the event that it ends.
    fn end_line(&mut self) -> Result<Option<String>, Cause> {
        let mut line = &*self.line;
        if !mem::replace(&mut self.has_begun, true) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            self.line.clear();
            return self.end_event();
        }
        // Without a colon the whole line is the name, and the value is empty. A comment has an
        // empty name.
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        if name == b"data" {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            if self.data.len() + value.len() > self.limit {
                return Err(self.too_long());
            }
            self.data.extend_from_slice(value);
            self.data.push(b'\n');
        }
        self.line.clear();
        Ok(None)
    }

    /// Returns the data of the event, unless it has none.
    fn end_event(&mut self) -> Result<Option<String>, Cause> {
        if self.data.pop().is_none() {
            return Ok(None);
        }
        String::from_utf8(mem::take(&mut self.data)).map(Some).map_err(|error| Cause::new(error.utf8_error()))
    }

    fn too_long(&self) -> Cause {
        let limit = self.limit;
        Cause::new(format!("an event is longer than {limit} bytes: raise ClientBuilder::response_limit"))
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};

    use super::*;

    const LIMIT: usize = 64;

    /// Reads a stream in these chunks. Returns the events, and whether it can be read further.
    fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, bool) {
        let (mut parser, mut events) = (EventParser::new(LIMIT), Vec::new());
        let is_readable = chunks.into_iter().all(|chunk| parser.read(chunk, &mut events).is_ok());
        (events, is_readable)
    }

    /// Streams, and the data of their events.
    const STREAMS: &[(&str, &[&str])] = &[
        ("data: {}\n\n", &["{}"]),
        ("data:{}\n\n", &["{}"]),
        ("data:  two spaces\n\n", &[" two spaces"]),
        ("\u{feff}data: 1\n\ndata: 2\n\n", &["1", "2"]),
        ("\u{feff}\u{feff}data: 1\n\n", &[]),
        ("data: 1\n\n\u{feff}data: 2\n\n", &["1"]),
        ("id: a-2\r\ndata: [1]\r\n\r\ndata: 2\r\n\r\n", &["[1]", "2"]),
        ("data: 1\r\rdata: 2\r\r", &["1", "2"]),
        ("data: 1\r\n\ndata: 2\n\r\n", &["1", "2"]),
        (":\n\n:\n\ndata: 1\n\n: a comment\r\n\r\n", &["1"]),
        (": before\ndata: 1\n: within\ndata: 2\n\n", &["1\n2"]),
        ("data: {\ndata: \"a\":1\ndata\ndata:}\n\n", &["{\n\"a\":1\n\n}"]),
        ("data\n\n", &[""]),
        ("data:\n\ndata\ndata\n\n", &["", "\n"]),
        ("event: price\nid: 1\nretry: 5\n\n", &[]),
        ("event: price\ndata: 1\nretry: 5\nother: data\n Data: 2\ndata : 3\ndata2: 4\n\n", &["1"]),
        ("\n\n\r\n\rdata: 1\n\n\n\n", &["1"]),
        ("data: ü€😀\n\n", &["ü€😀"]),
        ("data: a:b: c\n\n", &["a:b: c"]),
        ("data: the end is missing\n", &[]),
        ("data: the end is missing", &[]),
        ("", &[]),
    ];

    #[test]
    fn each_event_has_its_data() {
        for (stream, events) in STREAMS {
            let read = read([stream.as_bytes()]);
            assert_eq!(
                (&*read.0, read.1),
                (&*events.iter().map(|&event| event.to_owned()).collect::<Vec<_>>(), true),
                "{stream:?}"
            );
        }
    }

    #[test]
    fn chunks_may_end_anywhere() {
        for (stream, events) in STREAMS {
            let bytes = stream.as_bytes();
            for at in 0..=bytes.len() {
                let (one, two) = bytes.split_at(at);
                assert_eq!(
                    read([one, two]),
                    (events.iter().map(|&event| event.to_owned()).collect(), true),
                    "{stream:?} at {at}"
                );
            }
            let single = bytes.chunks(1);
            assert_eq!(read(single).0, *events, "{stream:?} byte by byte");
        }
    }

    /// Random numbers below a limit.
    struct Random(RandomState, u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.1 += 1;
            (self.0.hash_one(self.1) % limit as u64) as usize
        }
    }

    #[test]
    fn any_bytes_in_any_chunks_read_as_they_do_in_one() {
        let mut random = Random(RandomState::new(), 0);
        let parts: &[&[u8]] = &[
            b"data",
            b":",
            b" ",
            b"\n",
            b"\r",
            b"\r\n",
            b"\n\n",
            b"\xef\xbb\xbf",
            b"id",
            b"\xff",
            b"\xc3\xbc",
            b"1",
            b"0123456789",
        ];
        for _ in 0..5000 {
            let stream: Vec<u8> =
                (0..random.below(40)).flat_map(|_| parts[random.below(parts.len())]).copied().collect();
            let (mut rest, mut chunks) = (&*stream, Vec::new());
            while !rest.is_empty() {
                let (chunk, after) = rest.split_at(random.below(rest.len()) + 1);
                chunks.push(chunk);
                rest = after;
            }
            assert_eq!(
                read(chunks.iter().copied()),
                read([&*stream]),
                "{:?} in {chunks:?}",
                stream.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn lines_and_events_have_a_limit_and_a_connection_that_is_kept_open_has_none() {
        let data = |bytes: usize| format!("data: {}\n\n", "x".repeat(bytes));
        for (stream, fits) in [
            (data(LIMIT), true),
            (data(LIMIT + 1), false),
            (format!("data: {}", "x".repeat(10 * LIMIT)), false),
            (format!(": {}\n", "x".repeat(10 * LIMIT)), false),
            (format!("{}\n", "x".repeat(10 * LIMIT)), false),
            ("data: 1\n".repeat(LIMIT / 2) + "\n", true),
            ("data: 1\n".repeat(LIMIT / 2 + 1), false),
            ("data\n".repeat(LIMIT), true),
            ("data\n".repeat(LIMIT + 2), false),
            (data(LIMIT).repeat(10) + &":\n\n".repeat(10 * LIMIT), true),
        ] {
            let (events, is_readable) = read([stream.as_bytes()]);
            assert_eq!(is_readable, fits, "{stream:?}: {events:?}");
            assert_eq!(read(stream.as_bytes().chunks(1)), (events, is_readable), "{stream:?} byte by byte");
        }
    }

    #[test]
    fn what_comes_before_a_mistake_is_read() {
        for mistake in [&b"data: \xff\n\n"[..], &[b'x'; 200]] {
            let stream = [b"data: 1\n\n", mistake, b"data: 2\n\n"].concat();
            assert_eq!(read([&*stream]), (vec!["1".to_owned()], false), "{mistake:?}");
        }
    }
}
