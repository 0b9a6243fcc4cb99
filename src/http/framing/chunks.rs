//! Finds the end of a chunked body.

use memchr::memchr;

/// A scanner for the end of a chunked body. It goes through the same states as actix's own decoder,
/// which reads the bytes afterwards.
#[derive(Debug)]
pub(in crate::http) struct ChunkScanner {
    state: ChunkState,
    /// The size of the chunk while its digits are read, then the number of its bytes that are
    /// missing.
    left: u64,
    /// Number of bytes of chunk data so far.
    data: u64,
    /// Number of bytes of everything else so far: sizes, extensions, line ends, trailers.
    framing: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ChunkState {
    /// Expects the first digit of a size.
    Size,
    Digits,
    /// In the spaces after the digits.
    Spaces,
    /// In an extension, which is everything from a semicolon to the end of the line.
    Extension,
    SizeNewline,
    Data,
    DataReturn,
    DataNewline,
    /// At the start of a trailer line, or of the empty line that ends the trailer.
    Trailer,
    TrailerLine,
    TrailerNewline,
    EndNewline,
    Complete,
    Malformed,
}

impl Default for ChunkScanner {
    fn default() -> Self {
        Self { state: ChunkState::Size, left: 0, data: 0, framing: 0 }
    }
}

impl ChunkScanner {
    /// Number of framing bytes that any body may have: enough for the size lines and trailers of
    /// reasonable clients.
    const BASE_FRAMING: u64 = 16 * 1024;

    /// Number of further framing bytes for each byte of data. A chunk of one byte needs five: its
    /// digit and two line ends.
    const FRAMING_PER_BYTE: u64 = 8;

    pub(super) fn is_complete(&self) -> bool {
        self.state == ChunkState::Complete
    }

    pub(super) fn is_malformed(&self) -> bool {
        self.state == ChunkState::Malformed
    }

    /// Whether there is more framing than a body of this length needs even in chunks of one byte.
    pub(super) fn is_excessive(&self) -> bool {
        self.framing > Self::BASE_FRAMING + Self::FRAMING_PER_BYTE * self.data
    }

    /// Returns how many of these bytes belong to the body.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && !matches!(self.state, ChunkState::Complete | ChunkState::Malformed) {
            let rest = &bytes[at..];
            at += match self.state {
                ChunkState::Data => {
                    let taken = rest.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                    self.left -= taken as u64;
                    self.data += taken as u64;
                    if self.left == 0 {
                        self.state = ChunkState::DataReturn;
                    }
                    taken
                }
                // These parts may be long, and only their end matters, so search for it instead of
                // stepping through each byte.
                state @ (ChunkState::Extension | ChunkState::TrailerLine) => {
                    let end = memchr(b'\r', rest);
                    let line = &rest[..end.unwrap_or(rest.len())];
                    if state == ChunkState::Extension
                        && line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t')
                    {
                        self.state = ChunkState::Malformed;
                    } else if end.is_some() {
                        self.state = if state == ChunkState::Extension {
                            ChunkState::SizeNewline
                        } else {
                            ChunkState::TrailerNewline
                        };
                    }
                    self.frame(end.map_or(rest.len(), |end| end + 1))
                }
                _ => {
                    self.state = self.next(rest[0]);
                    self.frame(1)
                }
            };
        }
        at
    }

    fn frame(&mut self, bytes: usize) -> usize {
        self.framing += bytes as u64;
        bytes
    }

    fn next(&mut self, byte: u8) -> ChunkState {
        match (self.state, byte) {
            (ChunkState::Size | ChunkState::Digits, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                if self.state == ChunkState::Size {
                    self.left = 0;
                }
                let digit = u64::from((byte as char).to_digit(16).unwrap_or_default());
                match self.left.checked_mul(16) {
                    Some(left) => {
                        self.left = left + digit;
                        ChunkState::Digits
                    }
                    None => ChunkState::Malformed,
                }
            }
            (ChunkState::Digits | ChunkState::Spaces, b' ' | b'\t') => ChunkState::Spaces,
            (ChunkState::Digits | ChunkState::Spaces, b';') => ChunkState::Extension,
            (ChunkState::Digits | ChunkState::Spaces, b'\r') => ChunkState::SizeNewline,
            (ChunkState::SizeNewline, b'\n') if self.left == 0 => ChunkState::Trailer,
            (ChunkState::SizeNewline, b'\n') => ChunkState::Data,
            (ChunkState::DataReturn, b'\r') => ChunkState::DataNewline,
            (ChunkState::DataNewline, b'\n') => ChunkState::Size,
            (ChunkState::Trailer, b'\r') => ChunkState::EndNewline,
            (ChunkState::Trailer, _) => ChunkState::TrailerLine,
            (ChunkState::TrailerNewline, b'\n') => ChunkState::Trailer,
            (ChunkState::EndNewline, b'\n') => ChunkState::Complete,
            _ => ChunkState::Malformed,
        }
    }
}
