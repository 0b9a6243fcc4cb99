//! Scans the head of a request for where the request ends, and for an upgrade to another protocol.

use std::ops::Range;

use memchr::memchr_iter;

use super::BodyFraming;

/// A scanner for the end of a head, which is fed until the head is complete.
#[derive(Debug, Default)]
pub(in crate::http) struct HeadScanner {
    /// Length of the empty lines before the request line, which are skipped.
    begin: usize,
    /// Number of bytes that have already been searched for the end of the head.
    searched: usize,
}

/// The header fields that decide where a request ends.
#[derive(Debug, Default)]
struct HeadFields {
    length: u64,
    chunked: bool,
    /// Whether `Connection` has the option `upgrade`.
    upgrade: bool,
    /// Whether `Upgrade` is `websocket`.
    websocket: bool,
    /// The byte ranges of both, in each place where they occur. Few requests have any.
    upgrade_offers: Vec<Range<usize>>,
}

impl HeadScanner {
    /// Returns the length of the head at the front of these bytes and what follows it, or `None` if
    /// the head is not complete.
    ///
    /// An upgrade other than to a WebSocket is blanked out. For `Connection: upgrade`, actix would
    /// close the connection after the response; for `Upgrade: websocket`, with any method, it would
    /// take everything that follows for the body. A server may ignore an upgrade that a client
    /// offers (RFC 9110, 7.8).
    pub(super) fn advance(&mut self, bytes: &mut [u8]) -> Option<(usize, BodyFraming)> {
        let empty = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        self.begin += bytes[self.begin..].iter().take_while(empty).count();
        // A head nearly always arrives at once, and is parsed on the first attempt. If it arrives
        // in many pieces, the bytes before `searched` are not searched again for each piece.
        let is_complete = self.searched == 0 || self.has_end(bytes);
        let Some((end, fields)) = is_complete.then(|| HeadFields::read(bytes, self.begin)).flatten() else {
            // The last two bytes are searched again: an empty line may have begun there, with the
            // end of a line and a carriage return.
            self.searched = bytes.len().saturating_sub(2);
            return None;
        };
        let is_get = bytes[self.begin..].starts_with(b"GET ");
        // A WebSocket handshake has no body. A request with a chunked one is not taken for a
        // handshake, as that body would escape the limits.
        let is_websocket = fields.websocket && fields.upgrade && is_get && !fields.chunked;
        let follows = if fields.chunked {
            BodyFraming::Chunked
        } else if is_websocket || fields.length == 0 && bytes[self.begin..].starts_with(b"CONNECT ") {
            BodyFraming::OtherProtocol
        } else {
            BodyFraming::Length(fields.length)
        };
        if !is_websocket {
            for offer in fields.upgrade_offers {
                bytes[offer].fill(b' ');
            }
        }
        Some((end, follows))
    }

    /// Whether these bytes may be the beginning of a request line. If not, the request is rejected
    /// at once.
    pub(super) fn may_begin(&self, bytes: &[u8]) -> bool {
        bytes.get(self.begin).is_none_or(u8::is_ascii_graphic)
    }

    /// Whether the empty line that ends the head is among the bytes that have not been searched.
    fn has_end(&self, bytes: &[u8]) -> bool {
        let from = self.searched.max(self.begin);
        let mut newlines = memchr_iter(b'\n', bytes.get(from..).unwrap_or_default());
        newlines.any(|newline| empty_line(&bytes[from + newline + 1..]).is_some())
    }
}

/// Returns the length of the empty line that these bytes begin with. As in actix, a line may end
/// without a carriage return.
fn empty_line(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

impl HeadFields {
    /// Reads the head that starts at `begin`. Returns where the empty line after it ends, and its
    /// fields; `None` if there is no empty line.
    fn read(bytes: &[u8], begin: usize) -> Option<(usize, Self)> {
        let (mut fields, mut line) = (Self::default(), begin);
        for newline in memchr_iter(b'\n', bytes.get(begin..)?) {
            let newline = begin + newline;
            fields.read_line(bytes, line..newline);
            line = newline + 1;
            if let Some(length) = empty_line(&bytes[line..]) {
                return Some((line + length, fields));
            }
        }
        None
    }

    fn read_line(&mut self, head: &[u8], line: Range<usize>) {
        // Most lines are other headers, which the first letter and the position of the colon show.
        // A space before the colon is no case to handle, as actix rejects such a request.
        let text = &head[line.clone()];
        let value = |name: usize| trim(head, line.start + name + 1..line.end);
        match text.first().map(u8::to_ascii_lowercase) {
            Some(b'c') => {
                if is_named(text, b"content-length") {
                    // actix rejects the request if the value is not a number.
                    self.length = number(&head[value(b"content-length".len())]).unwrap_or(0);
                } else if is_named(text, b"connection") {
                    self.read_connection(head, value(b"connection".len()));
                }
            }
            Some(b't') if is_named(text, b"transfer-encoding") => {
                self.chunked = head[value(b"transfer-encoding".len())].eq_ignore_ascii_case(b"chunked");
            }
            Some(b'u') if is_named(text, b"upgrade") => {
                let value = value(b"upgrade".len());
                if head[value.clone()].eq_ignore_ascii_case(b"websocket") {
                    self.websocket = true;
                    self.upgrade_offers.push(value);
                }
            }
            _ => {}
        }
    }

    fn read_connection(&mut self, head: &[u8], value: Range<usize>) {
        let mut start = value.start;
        for option in head[value].split(|byte| *byte == b',') {
            let range = trim(head, start..start + option.len());
            start += option.len() + 1;
            if head[range.clone()].eq_ignore_ascii_case(b"upgrade") {
                self.upgrade = true;
                self.upgrade_offers.push(range);
            }
        }
    }
}

/// Whether a header line has this name.
#[inline]
fn is_named<const N: usize>(line: &[u8], name: &[u8; N]) -> bool {
    line.get(N) == Some(&b':') && line[..N].eq_ignore_ascii_case(name)
}

/// Parses decimal digits. Returns `None` for any other byte, and for a number that does not fit.
fn number(digits: &[u8]) -> Option<u64> {
    let add = |number: u64, digit: &u8| {
        let digit = digit.wrapping_sub(b'0');
        number.checked_mul(10)?.checked_add(digit.into()).filter(|_| digit < 10)
    };
    digits.iter().try_fold(0, add).filter(|_| !digits.is_empty())
}

/// Returns the range without the spaces at its ends.
fn trim(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let text = bytes[range.clone()].trim_ascii_start();
    let start = range.end - text.len();
    start..start + text.trim_ascii_end().len()
}
