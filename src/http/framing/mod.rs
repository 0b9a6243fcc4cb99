//! Finds where a request ends in the bytes of a connection, before actix reads them.
//!
//! actix continues to read while it serves a request, and buffers what it has read. Here it gets
//! one request at a time. So what a peer sends ahead stays where it is counted, and the stream
//! knows whether a connection is idle or has begun another request.
//!
//! The result decides *when* bytes are forwarded, not what they mean: all of them are forwarded, in
//! order. A request that can be parsed in two ways therefore delays its own sender and nobody else.

mod chunks;
mod head;

use chunks::ChunkScanner;
use head::HeadScanner;

/// How much of the current request of a connection has been forwarded.
#[derive(Debug)]
pub(super) enum Framing {
    /// The head is not complete.
    Head(HeadScanner),
    /// This many bytes of the body are missing.
    Body { left: u64 },
    /// The body is chunked, and its end has not been found.
    Chunked(ChunkScanner),
    /// All of the request was forwarded.
    Complete,
    /// The request ends with the connection, as another protocol follows.
    Endless,
    /// The request is malformed. actix rejects it and closes the connection.
    Malformed,
}

/// What follows a complete head.
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
    /// Returns how many of these bytes belong to the request and may be forwarded. A head is
    /// forwarded once it is complete.
    ///
    /// Until then, the bytes of each call must begin with those of the call before.
    pub(super) fn advance(&mut self, bytes: &mut [u8]) -> usize {
        match self {
            Self::Head(head) => {
                let Some((end, follows)) = head.advance(bytes) else {
                    if head.may_begin(bytes) {
                        return 0;
                    }
                    // These bytes never become a head, for example a TLS handshake. Without this,
                    // the client would wait for a response until it times out.
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

    /// Whether the chunk framing of the body is larger than any legitimate client needs.
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
