//! The signal by which a program's own routes learn that the server stops.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use tokio::sync::watch;

/// A signal for handlers of your own routes that the server has begun to stop.
///
/// A stop waits for open requests until 10 s after the limit of
/// [`shutdown_timeout`](crate::Server::shutdown_timeout). A handler whose response does not end by
/// itself (a stream, a WebSocket) takes this as an extractor, and ends its response when the signal
/// comes.
///
/// In an `App` of your own, [`ServerHandle::stop`](crate::ServerHandle::stop) sends the signal:
/// call it when your server is asked to stop, and not after it has stopped.
///
/// ```
/// use actix_web::{HttpResponse, Responder, web};
/// use callbox::StopSignal;
/// use futures::{StreamExt, stream};
///
/// /// A clock that ticks until the client disconnects or the server stops.
/// async fn clock(stop: StopSignal) -> impl Responder {
///     let ticks = stream::unfold((), |()| async {
///         actix_web::rt::time::sleep(std::time::Duration::from_secs(1)).await;
///         Some((Ok::<_, actix_web::Error>(web::Bytes::from_static(b"tick\n")), ()))
///     });
///     let ticks = ticks.boxed_local().take_until(async move { stop.wait().await });
///     HttpResponse::Ok().streaming(ticks)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct StopSignal(watch::Receiver<bool>);

impl StopSignal {
    pub(crate) fn new(stopping: watch::Receiver<bool>) -> Self {
        Self(stopping)
    }

    /// Whether the server has begun to stop.
    pub fn is_stopping(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes when the server begins to stop, or at once if it has already begun.
    pub async fn wait(&self) {
        // An error means that the sender, and with it the server, is gone.
        let _ = self.0.clone().wait_for(|stopping| *stopping).await;
    }
}

impl FromRequest for StopSignal {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.app_data::<Self>().cloned().ok_or_else(|| {
            log_error!(
                "the handler of {} takes StopSignal, but its App has none: add the handler with .configure(…) of \
                 callbox::Server, or add the server's routes to the same App",
                request.match_pattern().unwrap_or_default(),
            );
            actix_web::error::ErrorInternalServerError("Internal error")
        }))
    }
}
