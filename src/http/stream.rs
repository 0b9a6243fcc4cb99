//! The stream of one connection, below actix: gives it one request at a time, and tells the watch
//! what the client does.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::rt::net::TcpStream;
use actix_web::web::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connections::Place;
use super::framing::Framing;
use super::turn::{Stage, Turn};

/// The longest head, in bytes: as much as actix would read of one. A longer one is passed on as it
/// is, for actix to answer 431.
const MAX_HEAD: usize = 128 * 1024;

/// How much may be read of what a client sends ahead of its answers, in bytes. The rest stays with
/// the system.
const MAX_AHEAD: usize = 16 * 1024;

/// How much of an answer a client has to take before it is waited for anew, in bytes.
const PROGRESS: usize = 32 * 1024;

/// What carries the bytes.
#[derive(Debug)]
pub(super) enum Wire {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<tokio_rustls::server::TlsStream<TcpStream>>),
}

/// A connection that was admitted.
#[derive(Debug)]
pub(super) struct PeerStream {
    wire: Wire,
    turn: Rc<Turn>,
    framing: Framing,
    /// What was read and may not be passed on yet: a head that is not complete, or what was sent
    /// ahead.
    held: BytesMut,
    /// How much at the front of that may be passed on.
    free: usize,
    /// There was no room for all that was to be written.
    is_blocked: bool,
    /// How much was written since then or since the last sign of progress.
    taken: usize,
    /// actix has answered a request of which it could not read the head.
    refused: bool,
    _place: Place,
}

impl PeerStream {
    pub(super) fn new(wire: Wire, place: Place) -> Self {
        let turn = Rc::new(Turn::new(place.pulse()));
        // The handshake of TLS has its own limit.
        turn.pulse.clients_turn();
        Self {
            wire,
            turn,
            framing: Framing::default(),
            held: BytesMut::new(),
            free: 0,
            is_blocked: false,
            taken: 0,
            refused: false,
            _place: place,
        }
    }

    pub(super) fn turn(&self) -> Rc<Turn> {
        Rc::clone(&self.turn)
    }

    /// Whether a further request may be passed on: the one before has been answered, and the client
    /// has taken the answer.
    fn is_free(&self) -> bool {
        self.turn.stage() == Stage::Between && !self.is_blocked
    }

    /// Returns how many of these bytes may be passed on now.
    fn advance(&mut self, bytes: &mut [u8]) -> usize {
        if self.framing.is_complete() && self.turn.stage() == Stage::Between {
            self.framing = Framing::default();
        }
        let is_head = self.framing.is_in_head();
        if is_head {
            if !self.is_free() {
                return 0;
            }
            if self.turn.pulse.is_idle() {
                self.turn.pulse.clients_turn();
            }
        }
        let mut passed = self.framing.advance(bytes);
        if is_head && passed == 0 && bytes.len() >= MAX_HEAD {
            self.framing = Framing::Malformed;
            passed = bytes.len();
        }
        if is_head && passed > 0 {
            self.turn.passed();
        }
        if self.framing.is_complete() && passed > 0 {
            self.turn.completed();
        }
        passed
    }

    /// Passes on what is held, as far as it may be; returns whether that was anything.
    fn pass_held(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        if self.held.is_empty() {
            return false;
        }
        if self.free == 0 {
            let mut held = std::mem::take(&mut self.held);
            self.free = self.advance(&mut held);
            self.held = held;
        }
        let passed = self.free.min(buf.remaining());
        buf.put_slice(&self.held.split_to(passed));
        self.free -= passed;
        if self.held.is_empty() {
            // An idle connection has no use for the memory.
            self.held = BytesMut::new();
        }
        passed > 0
    }

    /// As [`AsyncRead::poll_read`]; nothing at all stands for the end of the connection.
    fn poll_pass(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let begin = buf.filled().len();
        loop {
            if self.pass_held(buf) {
                return Poll::Ready(Ok(()));
            }
            if self.framing.is_excessive() {
                self.turn.set_excessive();
                // Whoever reads the body is told; after the answer there is nobody.
                return if self.turn.stage() == Stage::Between { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            if self.held.len() >= MAX_AHEAD && !self.is_free() {
                return Poll::Pending;
            }
            ready!(self.wire.poll_read(cx, buf))?;
            let read = buf.filled().len() - begin;
            if read == 0 {
                // What a client has sent ahead is answered before its end is noticed, what it has
                // not completed is not.
                if self.held.is_empty() || self.is_free() {
                    return Poll::Ready(Ok(()));
                }
                return Poll::Pending;
            }
            if self.turn.pulse.is_over() {
                // A request at the last moment is still welcome.
                if self.is_blocked || self.turn.pulse.waits() && !self.turn.pulse.is_idle() {
                    buf.set_filled(begin);
                    return Poll::Ready(Ok(()));
                }
                self.turn.pulse.go_on();
            }
            // Nearly always there is one request, and all of it.
            let passed = if self.held.is_empty() { self.advance(&mut buf.filled_mut()[begin..]) } else { 0 };
            if passed < read {
                self.held.extend_from_slice(&buf.filled()[begin + passed..]);
                buf.set_filled(begin + passed);
            }
            if passed > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Notes what came of an attempt to write.
    fn note<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() && !self.is_blocked {
            (self.is_blocked, self.taken) = (true, 0);
            self.turn.pulse.blocked();
        }
        written
    }

    /// Whether the client has not taken its answers for too long.
    fn check(&self) -> io::Result<()> {
        if self.is_blocked && self.turn.pulse.is_over() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take its answers"));
        }
        Ok(())
    }
}

impl AsyncRead for PeerStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.turn.wake_with(cx.waker());
        let passed = this.poll_pass(cx, buf);
        this.turn.set_more(!this.held.is_empty() || this.framing.is_excessive());
        if passed.is_pending() && this.turn.pulse.is_over() {
            if this.turn.pulse.waits() {
                return Poll::Ready(Ok(()));
            }
            // The request came after the watch had looked and before it gave its verdict.
            this.turn.pulse.go_on();
        }
        passed
    }
}

impl AsyncWrite for PeerStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check()?;
        this.refused |= this.turn.stage() == Stage::Passed;
        let written = this.wire.poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = written
            && this.is_blocked
        {
            this.taken += count;
            if this.taken >= PROGRESS {
                this.taken = 0;
                this.turn.pulse.blocked();
            }
        }
        this.note(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check()?;
        // actix flushes at the end of each poll of the connection.
        if this.turn.poll_missed() {
            cx.waker().wake_by_ref();
        }
        let flushed = this.wire.poll_flush(cx);
        ready!(this.note(flushed))?;
        if this.is_blocked {
            this.is_blocked = false;
            this.turn.pulse.unblocked();
            this.turn.read_on();
        }
        if this.refused || this.framing.is_malformed() && this.turn.stage() == Stage::Between {
            // It has its answer, and actix would write an error into the log for each.
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "what came is not HTTP")));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check()?;
        let shut = this.wire.poll_shutdown(cx);
        this.note(shut)
    }
}

/// Calls the same method of the stream that there is.
macro_rules! wire {
    ($wire:expr, $method:ident $(, $argument:expr)*) => {
        match $wire {
            Wire::Plain(stream) => Pin::new(stream).$method($($argument),*),
            #[cfg(feature = "tls")]
            Wire::Tls(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl Wire {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        wire!(self, poll_read, cx, buf)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        wire!(self, poll_write, cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        wire!(self, poll_flush, cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        wire!(self, poll_shutdown, cx)
    }
}
