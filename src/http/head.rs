//! The head of a request, as far as it says where the request ends and whether its connection is to change its protocol.

use std::ops::Range;

use memchr::memchr_iter;

use super::framing::Follows;

/// A head that is not complete.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// The length of the empty lines before the request line, which do not count.
    begin: usize,
    /// The length of what has been searched for the end.
    searched: usize,
}

/// What the header lines say.
#[derive(Debug, Default)]
struct Said {
    length: u64,
    chunked: bool,
    /// Where `Connection` has the option `upgrade`.
    upgrade: Option<Range<usize>>,
    /// Where `Upgrade` has `websocket`.
    websocket: Option<Range<usize>>,
}

impl Head {
    /// Returns the length of the head that is at the front of these bytes, if it is complete, and what follows it.
    ///
    /// An upgrade that is not to a WebSocket is blanked out: for `Connection: upgrade` actix would close the connection after the
    /// answer, and for `Upgrade: websocket`, whatever the method, take all that comes for the body. A server may ignore what a
    /// client offers (RFC 9110, 7.8).
    pub(super) fn complete(&mut self, bytes: &mut [u8]) -> Option<(usize, Follows)> {
        let Some(end) = self.end(bytes) else {
            // An empty line may have begun: the end of a line, and a carriage return.
            self.searched = bytes.len().saturating_sub(2);
            return None;
        };
        let head = &mut bytes[self.begin..end];
        let mut said = Said::default();
        let mut line = 0;
        for newline in memchr_iter(b'\n', head) {
            said.read(head, line..newline);
            line = newline + 1;
        }
        let is_websocket = said.websocket.is_some() && said.upgrade.is_some() && head.starts_with(b"GET ");
        if !is_websocket {
            for offer in [said.websocket, said.upgrade].into_iter().flatten() {
                head[offer].fill(b' ');
            }
        }
        let follows = if said.chunked {
            Follows::Chunks
        } else if is_websocket || head.starts_with(b"CONNECT ") {
            Follows::AnotherProtocol
        } else {
            Follows::Body(said.length)
        };
        Some((end, follows))
    }

    /// Where the empty line after the header lines ends. As actix has it, a line may end without a carriage return.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        self.begin += bytes[self.begin..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let from = self.searched.max(self.begin);
        memchr_iter(b'\n', bytes.get(from..)?).find_map(|newline| match &bytes[from + newline + 1..] {
            [b'\n', ..] => Some(from + newline + 2),
            [b'\r', b'\n', ..] => Some(from + newline + 3),
            _ => None,
        })
    }
}

impl Said {
    fn read(&mut self, head: &[u8], line: Range<usize>) {
        // Most lines are about something else.
        if !matches!(head[line.start] | 0x20, b'c' | b'u' | b't') {
            return;
        }
        let Some(colon) = memchr::memchr(b':', &head[line.clone()]) else { return };
        let colon = line.start + colon;
        let name = &head[line.start..colon];
        let value = trim(head, colon + 1..line.end);
        if name.eq_ignore_ascii_case(b"content-length") {
            // With another value actix refuses the request.
            self.length = str::from_utf8(&head[value]).ok().and_then(|value| value.parse().ok()).unwrap_or(0);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = head[value].eq_ignore_ascii_case(b"chunked");
        } else if name.eq_ignore_ascii_case(b"connection") {
            let mut start = value.start;
            for option in head[value].split(|byte| *byte == b',') {
                let range = trim(head, start..start + option.len());
                start += option.len() + 1;
                if head[range.clone()].eq_ignore_ascii_case(b"upgrade") {
                    self.upgrade = Some(range);
                }
            }
        } else if name.eq_ignore_ascii_case(b"upgrade") && head[value.clone()].eq_ignore_ascii_case(b"websocket") {
            self.websocket = Some(value);
        }
    }
}

/// The same range without the spaces at its ends.
fn trim(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let text = &bytes[range.clone()];
    let before = text.len() - text.trim_ascii_start().len();
    range.start + before..range.start + before + text.trim_ascii().len()
}
