//! The auth actor: asked by message, it answers who is calling.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Arbiter, Context, Handler, Message, Recipient, ResponseFuture};
use futures::FutureExt;
use tokio::sync::Semaphore;

use super::{Authenticate, Caller};

/// So many questions may be open at once; further ones count as unanswered.
const OPEN_QUESTIONS: usize = 4096;

/// The actor that holds the authenticator, on a thread of its own.
struct AuthActor<A> {
    authenticator: Arc<A>,
}

impl<A: Authenticate> Actor for AuthActor<A> {
    type Context = Context<Self>;
}

/// Whose is this token?
struct Whose(Box<str>);

impl Message for Whose {
    type Result = Result<Caller, Unsure>;
}

/// It could not be told whose a token is.
#[derive(Debug)]
pub(crate) struct Unsure;

impl<A: Authenticate> Handler<Whose> for AuthActor<A> {
    type Result = ResponseFuture<Result<Caller, Unsure>>;

    fn handle(&mut self, Whose(token): Whose, _: &mut Self::Context) -> Self::Result {
        let authenticator = Arc::clone(&self.authenticator);
        Box::pin(async move {
            // Within the future, so that a panic before the first await does not end the actor either.
            let asked = AssertUnwindSafe(async { authenticator.authenticate(&token).await }).catch_unwind().await;
            match asked {
                Ok(Ok(caller)) => Ok(caller.unwrap_or_default()),
                Ok(Err(error)) => {
                    tracing::error!(%error, "the authenticator failed");
                    Err(Unsure)
                }
                // Not the panic's text, which may quote the token.
                Err(_) => {
                    tracing::error!("the authenticator panicked");
                    Err(Unsure)
                }
            }
        })
    }
}

/// The front's side of the auth actor.
pub(crate) struct Auth {
    actor: Recipient<Whose>,
    thread: Arbiter,
    open: Semaphore,
    patience: Duration,
}

impl Auth {
    /// Starts the actor.
    ///
    /// # Panics
    /// Outside of an actix system.
    pub(crate) fn start<A: Authenticate>(authenticator: A) -> Self {
        let thread = Arbiter::new();
        let actor = AuthActor { authenticator: Arc::new(authenticator) };
        let actor = AuthActor::start_in_arbiter(&thread.handle(), move |_| actor).recipient();
        Self { actor, thread, open: Semaphore::new(OPEN_QUESTIONS), patience: Duration::from_secs(5) }
    }

    /// Who sent this token: anonymous if it is nobody's.
    ///
    /// # Errors
    /// If the actor is gone, has too many questions open, or takes too long. Such a caller is never let through.
    pub(crate) async fn whose(&self, token: &str) -> Result<Caller, Unsure> {
        let Ok(_open) = self.open.try_acquire() else {
            tracing::error!(open = OPEN_QUESTIONS, "too many open questions to the authenticator");
            return Err(Unsure);
        };
        let answer = tokio::time::timeout(self.patience, self.actor.send(Whose(token.into()))).await;
        match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::error!(%error, "the auth actor is gone");
                Err(Unsure)
            }
            Err(_) => {
                tracing::error!(after = ?self.patience, "the authenticator did not answer in time");
                Err(Unsure)
            }
        }
    }
}

impl Drop for Auth {
    fn drop(&mut self) {
        self.thread.stop();
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("patience", &self.patience).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use actix::System;
    use futures::future::join_all;

    use crate::BoxError;

    use super::*;

    struct Slow;

    impl Authenticate for Slow {
        async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
            tokio::time::sleep(Duration::from_millis(50)).await;
            match token {
                "panic" => panic!("on purpose"),
                "away" => Err("the database is away".into()),
                name => Ok(Some(Caller::named(name))),
            }
        }
    }

    #[test]
    fn questions_are_answered_side_by_side() {
        System::new().block_on(async {
            let (auth, start) = (Auth::start(Slow), Instant::now());
            let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
            let callers = join_all(names.iter().map(|name| auth.whose(name))).await;
            for (caller, name) in callers.iter().zip(&names) {
                assert_eq!(caller.as_ref().unwrap().name(), Some(name.as_str()));
            }
            assert!(start.elapsed() < Duration::from_secs(4), "100 × 50 ms one after another would be 5 s");
        });
    }

    #[test]
    fn an_authenticator_that_fails_or_panics_lets_nobody_through_and_lives_on() {
        System::new().block_on(async {
            let auth = Auth::start(Slow);
            assert!(auth.whose("panic").await.is_err());
            assert!(auth.whose("away").await.is_err());
            assert_eq!(auth.whose("ann").await.unwrap().name(), Some("ann"));
        });
    }

    #[test]
    fn an_authenticator_that_does_not_answer_lets_nobody_through() {
        System::new().block_on(async {
            let mut auth = Auth::start(Slow);
            auth.patience = Duration::from_millis(1);
            assert!(auth.whose("ann").await.is_err());
        });
    }
}
