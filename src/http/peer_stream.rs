//! The stream of one connection, below actix: gives it one request at a time, and tells the watch
//! what the client does.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::rt::net::TcpStream;
use actix_web::web::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection_state::{ConnectionState, RequestPhase};
use super::connections::ConnectionGuard;
use super::framing::Framing;

/// The longest head, in bytes: as much as actix would read of one. A longer one is passed on as it
/// is, for actix to answer 431.
const MAX_HEAD: usize = 128 * 1024;

/// How much may be read of what a client sends ahead of its answers, in bytes. The rest stays with
/// the system.
const MAX_READ_AHEAD: usize = 16 * 1024;

/// How much of an answer a client has to take before it is waited for anew, in bytes.
const PROGRESS_BYTES: usize = 32 * 1024;

/// What carries the bytes.
#[derive(Debug)]
pub(super) enum SocketStream {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

/// A connection that was admitted.
#[derive(Debug)]
pub(super) struct PeerStream {
    socket: SocketStream,
    connection: Rc<ConnectionState>,
    framing: Framing,
    /// What was read and may not be passed on yet: a head that is not complete, or what was sent
    /// ahead.
    buffered: BytesMut,
    /// How much at the front of that may be passed on.
    ready_len: usize,
    /// There was no room for all that was to be written.
    is_blocked: bool,
    /// How much was written since then or since the last sign of progress.
    written_since_blocked: usize,
    /// actix has answered a request of which it could not read the head.
    head_rejected: bool,
    _place: ConnectionGuard,
}

impl PeerStream {
    pub(super) fn new(socket: SocketStream, guard: ConnectionGuard) -> Self {
        let connection = Rc::new(ConnectionState::new(guard.activity()));
        // The handshake of TLS has its own limit.
        connection.activity.set_waiting();
        Self {
            socket,
            connection,
            framing: Framing::default(),
            buffered: BytesMut::new(),
            ready_len: 0,
            is_blocked: false,
            written_since_blocked: 0,
            head_rejected: false,
            _place: guard,
        }
    }

    pub(super) fn connection_state(&self) -> Rc<ConnectionState> {
        Rc::clone(&self.connection)
    }

    /// Whether a further request may be passed on: the one before has been answered, and the client
    /// has written_since_blocked the answer.
    fn accepts_request(&self) -> bool {
        self.connection.phase() == RequestPhase::BetweenRequests && !self.is_blocked
    }

    /// Returns how many of these bytes may be passed on now.
    fn advance(&mut self, bytes: &mut [u8]) -> usize {
        if self.framing.is_complete() && self.connection.phase() == RequestPhase::BetweenRequests {
            self.framing = Framing::default();
        }
        let is_head = self.framing.is_in_head();
        if is_head {
            if !self.accepts_request() {
                return 0;
            }
            if self.connection.activity.is_idle() {
                self.connection.activity.set_waiting();
            }
        }
        let mut passed = self.framing.advance(bytes);
        if is_head && passed == 0 && bytes.len() >= MAX_HEAD {
            self.framing = Framing::Malformed;
            passed = bytes.len();
        }
        if is_head && passed > 0 {
            self.connection.head_forwarded();
        }
        if self.framing.is_complete() && passed > 0 {
            self.connection.request_forwarded();
        }
        passed
    }

    /// Passes on what is buffered, as far as it may be; returns whether that was anything.
    fn forward_buffered(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        if self.buffered.is_empty() {
            return false;
        }
        if self.ready_len == 0 {
            let mut buffered = std::mem::take(&mut self.buffered);
            self.ready_len = self.advance(&mut buffered);
            self.buffered = buffered;
        }
        let passed = self.ready_len.min(buf.remaining());
        buf.put_slice(&self.buffered.split_to(passed));
        self.ready_len -= passed;
        if self.buffered.is_empty() {
            // An idle connection has no use for the memory.
            self.buffered = BytesMut::new();
        }
        passed > 0
    }

    /// As [`AsyncRead::poll_read`]; nothing at all stands for the end of the connection.
    fn poll_forward(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let begin = buf.filled().len();
        loop {
            if self.forward_buffered(buf) {
                return Poll::Ready(Ok(()));
            }
            if self.framing.is_excessive() {
                self.connection.set_excessive_framing();
                // Whoever reads the body is told; after the answer there is nobody.
                return if self.connection.phase() == RequestPhase::BetweenRequests {
                    Poll::Ready(Ok(()))
                } else {
                    Poll::Pending
                };
            }
            if self.buffered.len() >= MAX_READ_AHEAD && !self.accepts_request() {
                return Poll::Pending;
            }
            ready!(self.socket.poll_read(cx, buf))?;
            let read = buf.filled().len() - begin;
            if read == 0 {
                // What a client has sent ahead is answered before its end is noticed, what it has
                // not completed is not.
                if self.buffered.is_empty() || self.accepts_request() {
                    return Poll::Ready(Ok(()));
                }
                return Poll::Pending;
            }
            if self.connection.activity.is_timed_out() {
                // A request at the last moment is still welcome.
                if self.is_blocked
                    || self.connection.activity.is_waiting_for_client() && !self.connection.activity.is_idle()
                {
                    buf.set_filled(begin);
                    return Poll::Ready(Ok(()));
                }
                self.connection.activity.clear_timeout();
            }
            // Nearly always there is one request, and all of it.
            let passed = if self.buffered.is_empty() { self.advance(&mut buf.filled_mut()[begin..]) } else { 0 };
            if passed < read {
                self.buffered.extend_from_slice(&buf.filled()[begin + passed..]);
                buf.set_filled(begin + passed);
            }
            if passed > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Notes what came of an attempt to write.
    fn note_blocked<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() && !self.is_blocked {
            (self.is_blocked, self.written_since_blocked) = (true, 0);
            self.connection.activity.set_write_blocked();
        }
        written
    }

    /// Whether the client has not written_since_blocked its answers for too long.
    fn check_timeout(&self) -> io::Result<()> {
        if self.is_blocked && self.connection.activity.is_timed_out() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take its answers"));
        }
        Ok(())
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.connection.register_waker(cx.waker());
        let passed = this.poll_forward(cx, buf);
        this.connection.set_unread(!this.buffered.is_empty() || this.framing.is_excessive());
        if passed.is_pending() && this.connection.activity.is_timed_out() {
            if this.connection.activity.is_waiting_for_client() {
                return Poll::Ready(Ok(()));
            }
            // The request came after the watch had looked and before it gave its verdict.
            this.connection.activity.clear_timeout();
        }
        passed
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check_timeout()?;
        this.head_rejected |= this.connection.phase() == RequestPhase::Forwarded;
        let written = this.socket.poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written
            && this.is_blocked
        {
            this.written_since_blocked += count;
            if this.written_since_blocked >= PROGRESS_BYTES {
                this.written_since_blocked = 0;
                this.connection.activity.set_write_blocked();
            }
        }
        this.note_blocked(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check_timeout()?;
        // actix flushes at the end of each poll of the connection.
        if this.connection.take_missed_poll() {
            cx.waker().wake_by_ref();
        }
        let flushed = this.socket.poll_flush(cx);
        ready!(this.note_blocked(flushed))?;
        if this.is_blocked {
            this.is_blocked = false;
            this.connection.activity.clear_write_blocked();
            this.connection.resume_reading();
        }
        if this.head_rejected || this.framing.is_malformed() && this.connection.phase() == RequestPhase::BetweenRequests
        {
            // It has its answer, and actix would write an error into the log for each.
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "what came is not HTTP")));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check_timeout()?;
        let shut = this.socket.poll_shutdown(cx);
        this.note_blocked(shut)
    }
}

/// Calls the same method of the stream that there is.
macro_rules! socket {
    ($socket:expr, $method:ident $(, $argument:expr)*) => {
        match $socket {
            SocketStream::Plain(stream) => Pin::new(stream).$method($($argument),*),
            #[cfg(feature = "tls")]
            SocketStream::Tls(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl SocketStream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        socket!(self, poll_read, cx, buf)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        socket!(self, poll_write, cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        socket!(self, poll_flush, cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        socket!(self, poll_shutdown, cx)
    }
}
