//! The head of a request, as far as it says where the request ends and whether its connection is to
//! change its protocol.

use std::ops::Range;

use memchr::memchr_iter;

use super::BodyFraming;

/// A head that is not complete.
#[derive(Debug, Default)]
pub(in crate::http) struct HeadScanner {
    /// The length of the empty lines before the request line, which do not count.
    begin: usize,
    /// The length of what has been searched for the end.
    searched: usize,
}

/// What the header lines say.
#[derive(Debug, Default)]
struct HeadFields {
    length: u64,
    chunked: bool,
    /// `Connection` has the option `upgrade`.
    upgrade: bool,
    /// `Upgrade` has `websocket`.
    websocket: bool,
    /// Where these two are, which few requests have, however often.
    upgrade_offers: Vec<Range<usize>>,
}

impl HeadScanner {
    /// Returns the length of the head that is at the front of these bytes, if it is complete, and
    /// what follows it.
    ///
    /// An upgrade that is not to a WebSocket is blanked out: for `Connection: upgrade` actix would
    /// close the connection after the answer, and for `Upgrade: websocket`, whatever the method,
    /// take all that comes for the body. A server may ignore what a client upgrade_offers (RFC 9110, 7.8).
    pub(super) fn advance(&mut self, bytes: &mut [u8]) -> Option<(usize, BodyFraming)> {
        let empty = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        self.begin += bytes[self.begin..].iter().take_while(empty).count();
        // A head nearly always comes at once, and is read at the first look. Of one that comes in
        // many pieces no byte is looked at for each piece anew.
        let is_complete = self.searched == 0 || self.has_end(bytes);
        let Some((end, fields)) = is_complete.then(|| HeadFields::read(bytes, self.begin)).flatten() else {
            // An empty line may have begun: the end of a line, and a carriage return.
            self.searched = bytes.len().saturating_sub(2);
            return None;
        };
        let is_get = bytes[self.begin..].starts_with(b"GET ");
        // A handshake has no body, which would go unwatched.
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

    /// Whether a request line may begin as these bytes do. What begins otherwise is refused at once.
    pub(super) fn may_begin(&self, bytes: &[u8]) -> bool {
        bytes.get(self.begin).is_none_or(u8::is_ascii_graphic)
    }

    /// Whether the empty line after the header lines is in what has not been searched.
    fn has_end(&self, bytes: &[u8]) -> bool {
        let from = self.searched.max(self.begin);
        let mut newlines = memchr_iter(b'\n', bytes.get(from..).unwrap_or_default());
        newlines.any(|newline| empty_line(&bytes[from + newline + 1..]).is_some())
    }
}

/// The length of the empty line that these bytes begin with. As actix has it, a line may end without
/// a carriage return.
fn empty_line(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

impl HeadFields {
    /// Reads the head that begins here, up to the empty line, and returns where that ends.
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
        // Most lines are about something else, which their first letter and the place of the colon
        // tell. No space may be before that: actix refuses such a request.
        let text = &head[line.clone()];
        let value = |name: usize| trim(head, line.start + name + 1..line.end);
        match text.first().map(u8::to_ascii_lowercase) {
            Some(b'c') => {
                if is_named(text, b"content-length") {
                    // With another value actix refuses the request.
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

/// The number that these digits are; `None` if there is anything else, or more than fits.
fn number(digits: &[u8]) -> Option<u64> {
    let add = |number: u64, digit: &u8| {
        let digit = digit.wrapping_sub(b'0');
        number.checked_mul(10)?.checked_add(digit.into()).filter(|_| digit < 10)
    };
    digits.iter().try_fold(0, add).filter(|_| !digits.is_empty())
}

/// The same range without the spaces at its ends.
fn trim(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let text = bytes[range.clone()].trim_ascii_start();
    let start = range.end - text.len();
    start..start + text.trim_ascii_end().len()
}
