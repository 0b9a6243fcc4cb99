//! The background task of a WebSocket, which alone owns the connection.

use std::future::poll_fn;
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep};
use tokio_websockets::Payload;

use crate::client_error::Cause;
use crate::stream::Backoff;
use crate::transport::TransportError;

use super::connect::{Opened, Target};
use super::connection_event::{ConnectionEvent, ConnectionHandler};
use super::link::{Broken, Link};
use super::session::Session;
use super::socket::{Command, Control, Queues};

/// Time after which a connection counts as good, even if nothing has arrived.
const GOOD_AFTER: Duration = Duration::from_secs(10);

/// Number of messages after which others have their turn. A subscriber on the same thread must be
/// able to take its items before there are too many of them.
const RECEIVED_AT_ONCE: usize = 64;

/// The background task.
pub(super) struct Task {
    target: Target,
    queues: Queues,
    session: Session,
    backoff: Backoff,
    /// The pauses before subscriptions are started once more for which the server had no room.
    rejections: Backoff,
    /// The pause that goes on.
    pause: Option<Pin<Box<Sleep>>>,
    /// Called when the connection is lost, and when it is open again.
    watcher: Option<ConnectionHandler>,
    /// Whether all clients are gone. There may be subscriptions still.
    no_commands: bool,
    /// Whether the last connection was ended because of what the server has sent.
    was_malformed: bool,
}

/// What the task does next.
enum Event {
    Received(Payload),
    Command(Command),
    Control(Control),
    Broken(Broken),
    /// Clients and subscriptions are gone.
    Unused,
}

impl Task {
    pub(super) fn new(target: Target, queues: Queues, watcher: Option<ConnectionHandler>) -> Self {
        let (session, backoff, rejections) = (Session::default(), Backoff::new(), Backoff::new());
        Self {
            target,
            queues,
            session,
            backoff,
            rejections,
            pause: None,
            watcher,
            no_commands: false,
            was_malformed: false,
        }
    }

    /// Serves the connection, and opens it again when it is lost, until nobody uses it any more.
    pub(super) async fn run(mut self, Opened { frames, reads_meta }: Opened) {
        let mut link = Link::new(frames);
        self.session.connected(reads_meta);
        loop {
            let began = Instant::now();
            let Some(broken) = self.serve(&mut link).await else { return link.close().await };
            if began.elapsed() >= GOOD_AFTER {
                self.backoff.reset();
                self.was_malformed = false;
            }
            drop(link);
            self.disconnected(broken);
            let Some(opened) = self.reconnect().await else { return };
            link = opened;
            self.tell(&ConnectionEvent::Reopened);
        }
    }

    /// Serves the connection. Returns why it has to be opened again, or nothing if nobody uses it
    /// any more.
    async fn serve(&mut self, link: &mut Link) -> Option<Broken> {
        // Taken in turn, so that neither side can keep the other one waiting.
        let mut link_first = false;
        let mut received_at_once = 0;
        loop {
            link_first = !link_first;
            match poll_fn(|cx| self.poll_event(link, link_first, cx)).await {
                Event::Received(payload) => {
                    // The library has checked that a text is UTF-8.
                    let received = match str::from_utf8(&payload) {
                        Ok(text) => self.session.receive(text),
                        Err(error) => Err(Cause::new(error)),
                    };
                    match received {
                        Ok(()) => self.backoff.reset(),
                        Err(cause) => return Some(Broken::Malformed(cause)),
                    }
                    received_at_once += 1;
                    if received_at_once == RECEIVED_AT_ONCE {
                        received_at_once = 0;
                        yield_now().await;
                    }
                }
                Event::Command(command) => {
                    // A subscription is opened before its call is queued, but in the other queue.
                    while let Ok(control) = self.queues.controls.try_recv() {
                        self.session.change(control);
                    }
                    self.session.add(command);
                }
                Event::Control(control) => self.session.change(control),
                Event::Broken(broken) => return Some(broken),
                Event::Unused => return None,
            }
        }
    }

    fn poll_event(&mut self, link: &mut Link, link_first: bool, cx: &mut Context<'_>) -> Poll<Event> {
        self.poll_rejected(cx);
        // The queues once more, since what the link has written may have made room in the session.
        for turn in [link_first, !link_first, false] {
            let polled = if turn { self.poll_link(link, cx) } else { self.poll_queues(cx) };
            if polled.is_ready() {
                return polled;
            }
        }
        Poll::Pending
    }

    /// Starts subscriptions once more for which the server had no room, after a pause.
    fn poll_rejected(&mut self, cx: &mut Context<'_>) {
        while self.session.has_rejected() {
            let rejections = &mut self.rejections;
            let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(rejections.next_pause())));
            if pause.as_mut().poll(cx).is_pending() {
                return;
            }
            self.pause = None;
            self.session.restart_rejected();
        }
    }

    fn poll_link(&mut self, link: &mut Link, cx: &mut Context<'_>) -> Poll<Event> {
        link.poll(cx, || self.session.next_message()).map(|received| match received {
            Ok(payload) => Event::Received(payload),
            Err(broken) => Event::Broken(broken),
        })
    }

    fn poll_queues(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        match self.queues.controls.poll_recv(cx) {
            Poll::Ready(Some(control)) => return Poll::Ready(Event::Control(control)),
            Poll::Ready(None) => return Poll::Ready(Event::Unused),
            Poll::Pending => {}
        }
        if self.no_commands || !self.session.has_room() {
            return Poll::Pending;
        }
        match self.queues.commands.poll_recv(cx) {
            Poll::Ready(Some(command)) => Poll::Ready(Event::Command(command)),
            Poll::Ready(None) => {
                self.no_commands = true;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn disconnected(&mut self, broken: Broken) {
        self.pause = None;
        self.rejections.reset();
        let url = &self.target.url;
        match broken {
            Broken::Lost(cause) => {
                log_debug!(%url, %cause, "the connection to a WebSocket was lost, and is opened again");
                self.session.disconnected(|| TransportError::lost(cause.to_string()));
                self.tell(&ConnectionEvent::Lost(cause));
            }
            Broken::Malformed(cause) => {
                log_error!(
                    %url,
                    %cause,
                    "a server has sent a message over a WebSocket that cannot be used, so the connection is opened \
                     again: check that the URL is that of a JSON-RPC server"
                );
                let error = || TransportError::bad_response(cause.to_string());
                // The server sends it once more to the subscriptions that continue where they were.
                if mem::replace(&mut self.was_malformed, true) {
                    self.session.end_subscriptions(&error().into());
                }
                self.session.disconnected(error);
                self.tell(&ConnectionEvent::Lost(cause));
            }
        }
    }

    fn tell(&self, event: &ConnectionEvent) {
        if let Some(watcher) = &self.watcher {
            watcher.handle(event);
        }
    }

    /// Opens the connection again. Returns nothing if nobody uses it any more.
    async fn reconnect(&mut self) -> Option<Link> {
        loop {
            let pause = self.backoff.next_pause();
            let attempt = async {
                sleep(pause).await;
                self.target.open().await
            };
            let mut attempt = pin!(attempt);
            let (controls, session) = (&mut self.queues.controls, &mut self.session);
            let opened = poll_fn(|cx| {
                while let Poll::Ready(control) = controls.poll_recv(cx) {
                    match control {
                        Some(control) => session.change(control),
                        None => return Poll::Ready(None),
                    }
                }
                attempt.as_mut().poll(cx).map(Some)
            });
            match opened.await? {
                Ok(Opened { frames, reads_meta }) => {
                    // It may be another server than before.
                    self.session.connected(reads_meta);
                    return Some(Link::new(frames));
                }
                Err(cause) => log_debug!(url = %self.target.url, %cause, "a WebSocket could not be opened again"),
            }
        }
    }
}
