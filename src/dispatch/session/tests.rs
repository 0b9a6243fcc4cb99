//! A session without a connection.

use futures::task::noop_waker_ref;

use crate::jsonrpc::Limits;
use crate::router::Router;
use crate::service::{Cursor, RequestInfo};

use super::*;

/// Keeps all messages.
#[derive(Default)]
struct Kept(Vec<Vec<u8>>);

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
    let client = SessionClient {
        token: None,
        peer: None,
        request: Arc::new(RequestInfo::in_process(None, None)),
        log: None,
        logs_messages: false,
        timeout: None,
        chain: None,
        after: None,
    };
    Session::new(Arc::new(dispatch), client, SessionLimits { envelopes: 64, subscriptions: 1 }, stopping)
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
