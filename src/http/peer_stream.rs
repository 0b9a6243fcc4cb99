//! The stream of one connection, below actix. It gives actix one request at a time, and records for
//! the watch what the client does.

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

/// Maximum length of a head, in bytes: actix's own limit. A longer head is forwarded incomplete,
/// and actix answers it with 431.
const MAX_HEAD: usize = 128 * 1024;

/// Maximum number of bytes to read of what a client sends before it has its responses. The rest
/// stays in the operating system's buffer.
const MAX_READ_AHEAD: usize = 16 * 1024;

/// Number of bytes of a response that a client has to read before its stall timeout starts again.
const PROGRESS_BYTES: usize = 32 * 1024;

/// The socket of a connection, with or without TLS.
#[derive(Debug)]
pub(super) enum SocketStream {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

/// The stream of an admitted connection.
#[derive(Debug)]
pub(super) struct PeerStream {
    socket: SocketStream,
    connection: Rc<ConnectionState>,
    framing: Framing,
    /// Bytes that were read and may not be forwarded yet: an incomplete head, or what the client
    /// has sent ahead.
    buffered: BytesMut,
    /// Number of bytes at the front of `buffered` that may be forwarded.
    ready_len: usize,
    /// Whether the socket had no room for the last write.
    is_blocked: bool,
    /// Number of bytes written since then, or since the last sign of progress.
    written_since_blocked: usize,
    /// Whether actix has answered a request whose head it could not parse.
    head_rejected: bool,
    _guard: ConnectionGuard,
}

impl PeerStream {
    pub(super) fn new(socket: SocketStream, guard: ConnectionGuard) -> Self {
        let connection = Rc::new(ConnectionState::new(guard.activity()));
        // The stall timeout starts now and not before: the TLS handshake has a timeout of its own.
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
            _guard: guard,
        }
    }

    pub(super) fn connection_state(&self) -> Rc<ConnectionState> {
        Rc::clone(&self.connection)
    }

    /// Whether the next request may be forwarded: the one before has been answered, and the client
    /// has read the response.
    fn accepts_request(&self) -> bool {
        self.connection.phase() == RequestPhase::BetweenRequests && !self.is_blocked
    }

    /// Returns how many of these bytes may be forwarded now.
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
        let mut forwarded = self.framing.advance(bytes);
        // A head that is too long is forwarded as it is, for actix to reject it.
        if is_head && forwarded == 0 && bytes.len() >= MAX_HEAD {
            self.framing = Framing::Malformed;
            forwarded = bytes.len();
        }
        if is_head && forwarded > 0 {
            self.connection.head_forwarded();
        }
        if self.framing.is_complete() && forwarded > 0 {
            self.connection.request_forwarded();
        }
        forwarded
    }

    /// Forwards what is buffered, as far as allowed. Returns whether anything was forwarded.
    fn forward_buffered(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        if self.buffered.is_empty() {
            return false;
        }
        if self.ready_len == 0 {
            let mut buffered = std::mem::take(&mut self.buffered);
            self.ready_len = self.advance(&mut buffered);
            self.buffered = buffered;
        }
        let forwarded = self.ready_len.min(buf.remaining());
        buf.put_slice(&self.buffered.split_to(forwarded));
        self.ready_len -= forwarded;
        if self.buffered.is_empty() {
            // Frees the memory: an idle connection has no use for it.
            self.buffered = BytesMut::new();
        }
        forwarded > 0
    }

    /// Reads from the socket and forwards what may be forwarded, as [`AsyncRead::poll_read`] does.
    /// `Ready` without any bytes means the end of the connection.
    fn poll_forward(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let begin = buf.filled().len();
        // Otherwise actix would wait a second for what the client still sends.
        if self.connection.is_over() {
            return Poll::Ready(Ok(()));
        }
        loop {
            // What was buffered comes first, to keep the order of the bytes.
            if self.forward_buffered(buf) {
                return Poll::Ready(Ok(()));
            }
            if self.framing.is_excessive() {
                self.connection.set_excessive_framing();
                // The handler that reads the body gets the error. After the response there is no
                // handler, so the connection ends.
                return if self.connection.phase() == RequestPhase::BetweenRequests {
                    Poll::Ready(Ok(()))
                } else {
                    Poll::Pending
                };
            }
            // Leaves further bytes to the system's buffer, so that TCP slows the client down. The
            // end of the response resumes reading.
            if self.buffered.len() >= MAX_READ_AHEAD && !self.accepts_request() {
                return Poll::Pending;
            }
            ready!(self.socket.poll_read(cx, buf))?;
            let read = buf.filled().len() - begin;
            if read == 0 {
                // Complete requests that a client has sent ahead are answered before the end of its
                // stream is reported to actix; an incomplete one is not.
                if self.buffered.is_empty() || self.accepts_request() {
                    return Poll::Ready(Ok(()));
                }
                return Poll::Pending;
            }
            if self.connection.activity.is_timed_out() {
                // The watch has timed this connection out. If it was idle and a request arrives at
                // the last moment, that request is still answered; a stalled connection ends.
                if self.is_blocked
                    || self.connection.activity.is_waiting_for_client() && !self.connection.activity.is_idle()
                {
                    buf.set_filled(begin);
                    return Poll::Ready(Ok(()));
                }
                self.connection.activity.clear_timeout();
            }
            // Fast path: nearly always `buf` holds exactly one complete request, which needs no
            // copy.
            let forwarded = if self.buffered.is_empty() { self.advance(&mut buf.filled_mut()[begin..]) } else { 0 };
            if forwarded < read {
                self.buffered.extend_from_slice(&buf.filled()[begin + forwarded..]);
                buf.set_filled(begin + forwarded);
            }
            if forwarded > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Records a write that found no room, from which on the client's stall timeout runs.
    fn note_blocked<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() && !self.is_blocked {
            (self.is_blocked, self.written_since_blocked) = (true, 0);
            self.connection.activity.set_write_blocked();
        }
        written
    }

    /// Returns an error if the client has not read its responses for too long.
    fn check_timeout(&self) -> io::Result<()> {
        if self.is_blocked && self.connection.activity.is_timed_out() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its responses"));
        }
        Ok(())
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.connection.register_waker(cx.waker());
        let forwarded = this.poll_forward(cx, buf);
        if forwarded.is_ready() {
            this.connection.forwarded();
        }
        this.connection.set_unread(!this.buffered.is_empty() || this.framing.is_excessive());
        if forwarded.is_pending() && this.connection.activity.is_timed_out() {
            if this.connection.activity.is_waiting_for_client() {
                return Poll::Ready(Ok(()));
            }
            // A race: the request arrived after the watch had read the activity and before it set
            // the timeout.
            this.connection.activity.clear_timeout();
        }
        forwarded
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.connection.count_write();
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
        this.connection.count_write();
        this.check_timeout()?;
        // actix flushes at the end of each poll of the connection, so this is where a poll that did
        // not reach the response future shows.
        if this.connection.take_missed_poll() || this.connection.take_unseen() {
            cx.waker().wake_by_ref();
        }
        let flushed = this.socket.poll_flush(cx);
        ready!(this.note_blocked(flushed))?;
        // Everything is written, so the client has caught up. The next request may be forwarded.
        if this.is_blocked {
            this.is_blocked = false;
            this.connection.activity.clear_write_blocked();
            this.connection.resume_reading();
        }
        if this.head_rejected || this.framing.is_malformed() && this.connection.phase() == RequestPhase::BetweenRequests
        {
            // The client has its error response by now. Ending the connection here keeps actix from
            // logging an error for each of these.
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "the request is not valid HTTP")));
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

/// Calls the same method of whichever stream the socket has.
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
