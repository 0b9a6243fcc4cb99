//! A stream of bytes that knows when there was a sign of life.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// What carries the bytes: TCP, or TLS on top of it.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

/// A stream that notes when its peer was last known to be there. A large message may take minutes
/// on a slow network, so each byte counts, and not only a whole message.
pub(super) struct Watched {
    stream: Box<dyn ByteStream>,
    alive_at: Instant,
    /// Whether the last write had no room.
    is_full: bool,
}

impl Watched {
    pub(super) fn new(stream: impl ByteStream + 'static) -> Self {
        Self { stream: Box::new(stream), alive_at: Instant::now(), is_full: false }
    }

    /// Returns when the peer has last sent or taken something.
    pub(super) fn alive_at(&self) -> Instant {
        self.alive_at
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.alive_at = Instant::now();
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note_write(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Watched {
    /// A write by itself is no sign of life, since the system takes some bytes for a peer that is
    /// gone. Only a peer that takes bytes makes room for others.
    fn note_write(&mut self, written: &Poll<io::Result<usize>>) {
        let was_full = std::mem::replace(&mut self.is_full, written.is_pending());
        if was_full && matches!(written, Poll::Ready(Ok(_))) {
            self.alive_at = Instant::now();
        }
    }
}
