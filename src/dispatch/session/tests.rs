//! A session without a connection.

use std::io::Write;
use std::time::Duration;

use callbox_client::{Subscription, SubscriptionNames};
use futures::stream;
use futures::task::noop_waker_ref;

use crate::jsonrpc::Limits;
use crate::route::{StartedSubscription, StateEnd};
use crate::router::Router;
use crate::service::{Access, Cursor, RequestInfo};
use crate::sync::Mutex;

use super::open_subscription::OpenSubscription;
use super::ready_queue::Wakeup;
use super::*;

/// Keeps all messages.
#[derive(Default)]
pub(super) struct Kept(pub(super) Vec<Vec<u8>>);

impl Outbox for Kept {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has_room(&self) -> bool {
        true
    }

    fn push(&mut self, message: &[u8], _: Option<Cursor>) {
        self.0.push(message.to_vec());
    }
}

/// Returns a client of whom nothing is known but its token.
pub(super) fn client(token: Option<&str>) -> SessionClient {
    SessionClient {
        token: token.map(|token| SessionToken(token.to_owned())),
        peer: None,
        request: Arc::new(RequestInfo::in_process(None, None)),
        log: None,
        logs_messages: false,
        timeout: None,
        chain: None,
        after: None,
    }
}

fn session() -> Session {
    let (_, stopping) = watch::channel(false);
    let dispatch = Dispatch {
        router: Arc::new(Router::new(256)),
        auth: None,
        refused: Arc::default(),
        limits: Limits { members: 100, depth: 127, id: 4096 },
        response_limit: 1000,
        cut: stopping.clone(),
    };
    Session::new(Arc::new(dispatch), client(None), SessionLimits { envelopes: 64, subscriptions: 1 }, stopping)
}

#[test]
fn while_large_replies_wait_for_room_no_further_call_is_started() {
    let mut session = session();
    let cx = &mut Context::from_waker(noop_waker_ref());
    for (id_length, fewest, most) in [(4000, 8, 20), (1, 64, 64)] {
        let mut started = 0;
        while session.has_room() {
            let id = "x".repeat(id_length);
            session.start(format!(r#"{{"jsonrpc":"2.0","method":"nothing","id":"{id}"}}"#), cx);
            started += 1;
        }
        assert!((fewest..=most).contains(&started), "{started} of {id_length} bytes");
        let mut kept = Kept::default();
        session.send_ended(&mut kept);
        assert_eq!(kept.0.len(), started, "each is answered");
        assert!(session.has_room(), "and there is room again");
    }
}

/// A log that the test can read.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct ToLog;

impl Write for ToLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stream_that_holds_its_thread_for_10_ms_is_warned_of() {
    let (_state, state_end) = StateEnd::new();
    let started = StartedSubscription {
        method: "grind",
        access: Access::Public,
        names: SubscriptionNames::DEFAULT,
        items: Subscription::new(stream::pending::<u64>()).into(),
        state_end,
        counters: Arc::default(),
    };
    let subscription = OpenSubscription::new(1, started, 1, None, Wakeup::new(1, Arc::default()));
    let subscriber = tracing_subscriber::fmt().with_writer(|| ToLog).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, || {
        let warning = |micros| {
            subscription.warn_if_long(Duration::from_micros(micros));
            String::from_utf8(std::mem::take(&mut *LOG.lock())).unwrap()
        };
        assert_eq!(warning(9_999), "", "that is borne");
        let line = warning(10_000);
        for part in ["WARN", "method=\"grind\"", "held_ms=10", "await what takes long"] {
            assert!(line.contains(part), "{part}: {line}");
        }
    });
}
