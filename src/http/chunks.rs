//! A body in chunks, as far as it says where it ends.

use memchr::memchr;

/// How far a chunked body has come. It takes the same steps as actix's own decoder, which comes
/// after it.
#[derive(Debug)]
pub(super) struct Chunks {
    step: Step,
    /// The size of a chunk while it is read, then what is missing of the chunk.
    left: u64,
    /// Bytes of chunks so far.
    data: u64,
    /// Bytes of everything else: sizes, extensions, ends of lines, trailers.
    framing: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    /// The first digit of a size.
    Size,
    Digits,
    /// Spaces after the digits.
    Spaces,
    /// What follows a semicolon, up to the end of the line.
    Extension,
    SizeNewline,
    Data,
    DataReturn,
    DataNewline,
    /// The beginning of a line of the trailer, or of the empty one that ends it.
    Trailer,
    TrailerLine,
    TrailerNewline,
    EndNewline,
    Complete,
    Malformed,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { step: Step::Size, left: 0, data: 0, framing: 0 }
    }
}

impl Chunks {
    /// The framing that any body may have, in bytes: as much as the size lines and trailers of
    /// reasonable clients need.
    const FRAMING: u64 = 16 * 1024;

    /// The framing that each byte of a body may have besides. A chunk of one byte needs five: its
    /// digit and two ends of lines.
    const FRAMING_FOR_A_BYTE: u64 = 8;

    pub(super) fn is_complete(&self) -> bool {
        self.step == Step::Complete
    }

    pub(super) fn is_malformed(&self) -> bool {
        self.step == Step::Malformed
    }

    /// Whether there is more framing than a body of so many bytes can need, in however small chunks
    /// it comes.
    pub(super) fn is_excessive(&self) -> bool {
        self.framing > Self::FRAMING + Self::FRAMING_FOR_A_BYTE * self.data
    }

    /// Returns how many of these bytes belong to the body.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && !matches!(self.step, Step::Complete | Step::Malformed) {
            let rest = &bytes[at..];
            at += match self.step {
                Step::Data => {
                    let taken = rest.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                    self.left -= taken as u64;
                    self.data += taken as u64;
                    if self.left == 0 {
                        self.step = Step::DataReturn;
                    }
                    taken
                }
                // The long parts, of which little more than the end matters.
                step @ (Step::Extension | Step::TrailerLine) => {
                    let end = memchr(b'\r', rest);
                    let line = &rest[..end.unwrap_or(rest.len())];
                    if step == Step::Extension && line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
                        self.step = Step::Malformed;
                    } else if end.is_some() {
                        self.step = if step == Step::Extension { Step::SizeNewline } else { Step::TrailerNewline };
                    }
                    self.frame(end.map_or(rest.len(), |end| end + 1))
                }
                _ => {
                    self.step = self.next(rest[0]);
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

    fn next(&mut self, byte: u8) -> Step {
        match (self.step, byte) {
            (Step::Size | Step::Digits, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                if self.step == Step::Size {
                    self.left = 0;
                }
                let digit = u64::from((byte as char).to_digit(16).unwrap_or_default());
                match self.left.checked_mul(16) {
                    Some(left) => {
                        self.left = left + digit;
                        Step::Digits
                    }
                    None => Step::Malformed,
                }
            }
            (Step::Digits | Step::Spaces, b' ' | b'\t') => Step::Spaces,
            (Step::Digits | Step::Spaces, b';') => Step::Extension,
            (Step::Digits | Step::Spaces, b'\r') => Step::SizeNewline,
            (Step::SizeNewline, b'\n') if self.left == 0 => Step::Trailer,
            (Step::SizeNewline, b'\n') => Step::Data,
            (Step::DataReturn, b'\r') => Step::DataNewline,
            (Step::DataNewline, b'\n') => Step::Size,
            (Step::Trailer, b'\r') => Step::EndNewline,
            (Step::Trailer, _) => Step::TrailerLine,
            (Step::TrailerNewline, b'\n') => Step::Trailer,
            (Step::EndNewline, b'\n') => Step::Complete,
            _ => Step::Malformed,
        }
    }
}
