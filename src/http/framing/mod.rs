//! Where a request ends in the bytes of a connection, found before actix reads them.
//!
//! actix reads on while it serves a request, and keeps what it has read. Here it gets one request
//! at a time. So what a peer sends ahead stays where it is counted, and it is known whether a
//! connection is idle or has begun a further request.
//!
//! What is found decides *when* bytes are passed on, not what they mean: all are passed on, in
//! their order. A request that can be read in two ways therefore delays its own sender and nobody
//! else.

mod chunks;
mod head;

use chunks::ChunkScanner;
use head::HeadScanner;

/// How far the current request of a connection has been passed on.
#[derive(Debug)]
pub(super) enum Framing {
    /// Its head is not complete.
    Head(HeadScanner),
    /// This many bytes of its body are missing.
    Body { left: u64 },
    /// Its body comes in chunks.
    Chunked(ChunkScanner),
    /// All of it was passed on.
    Complete,
    /// It ends with the connection, as another protocol follows.
    Endless,
    /// actix will refuse it, and close the connection.
    Malformed,
}

/// What a complete head says about what follows it.
#[derive(Debug, PartialEq)]
pub(super) enum BodyFraming {
    Length(u64),
    Chunked,
    OtherProtocol,
}

impl Default for Framing {
    fn default() -> Self {
        Self::Head(HeadScanner::default())
    }
}

impl Framing {
    /// Returns how many of these bytes belong to the request and may be passed on. A head is passed
    /// on once it is complete.
    ///
    /// Until then, each call must have the bytes of the one before at its front.
    pub(super) fn advance(&mut self, bytes: &mut [u8]) -> usize {
        match self {
            Self::Head(head) => {
                let Some((end, follows)) = head.advance(bytes) else {
                    if head.may_begin(bytes) {
                        return 0;
                    }
                    // A client that speaks TLS, say, would wait for a long time.
                    *self = Self::Malformed;
                    return bytes.len();
                };
                *self = match follows {
                    BodyFraming::Length(0) => Self::Complete,
                    BodyFraming::Length(left) => Self::Body { left },
                    BodyFraming::Chunked => Self::Chunked(ChunkScanner::default()),
                    BodyFraming::OtherProtocol => Self::Endless,
                };
                end + self.advance(&mut bytes[end..])
            }
            Self::Body { left } => {
                let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                if *left == 0 {
                    *self = Self::Complete;
                }
                taken
            }
            Self::Chunked(chunks) => {
                let taken = chunks.advance(bytes);
                if chunks.is_complete() {
                    *self = Self::Complete;
                } else if chunks.is_malformed() {
                    *self = Self::Malformed;
                    return bytes.len();
                }
                taken
            }
            Self::Complete => 0,
            Self::Endless | Self::Malformed => bytes.len(),
        }
    }

    /// Whether the framing of the body is larger than any honest one.
    pub(super) fn is_excessive(&self) -> bool {
        matches!(self, Self::Chunked(chunks) if chunks.is_excessive())
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    pub(super) fn is_malformed(&self) -> bool {
        matches!(self, Self::Malformed)
    }

    pub(super) fn is_in_head(&self) -> bool {
        matches!(self, Self::Head(_))
    }
}

#[cfg(test)]
mod tests;
