//! What one would write without callbox: an actix actor, and an actix-web route that sends to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use actix::{Actor, ActorFutureExt, Addr, AtomicResponse, Context, Handler, MailboxError, MessageResult, WrapFuture};
use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, web};
use callbox::{ActorMessage, Message, Reply};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::load::Outcome;
use crate::service::{
    Bench, Bench_Add, Bench_Block, Bench_Note, Bench_Ping, Bench_Read, Bench_Risky, Bench_SlowRead, Bench_SlowWrite,
    Bench_Timed, Bench_TimedBriefly, Bench_Work,
};

/// The actor: the same state and the same methods.
pub(crate) struct PlainActor {
    bench: Bench,
}

impl PlainActor {
    pub(crate) fn new(bench: Bench) -> Self {
        Self { bench }
    }
}

impl Actor for PlainActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // With the default of 16, senders would wait for each other.
        ctx.set_mailbox_capacity(4096);
    }
}

/// Defines handlers that run the method of the same name.
macro_rules! handle {
    ($($message:ident => |$bench:ident, $m:ident| $run:expr;)*) => {$(
        impl Handler<ActorMessage<$message>> for PlainActor {
            type Result = MessageResult<ActorMessage<$message>>;

            fn handle(&mut self, ActorMessage($m): ActorMessage<$message>, _: &mut Context<Self>) -> Self::Result {
                let $bench = &mut self.bench;
                MessageResult(Ok($run))
            }
        }
    )*};
}

handle! {
    Bench_Ping => |bench, _m| bench.ping();
    Bench_Add => |bench, _m| bench.add();
    Bench_Work => |bench, m| bench.work(m.micros);
    Bench_Timed => |bench, m| bench.timed(m.micros, m.sent);
    Bench_TimedBriefly => |bench, m| bench.timed_briefly(m.micros, m.sent);
    Bench_Read => |bench, m| bench.read(m.micros);
    Bench_Risky => |bench, m| bench.risky(m.panics);
    Bench_Block => |bench, m| bench.block(m.millis);
    Bench_Note => |bench, m| bench.note(m.client);
}

/// Defines handlers that wait with exclusive access to the state: meanwhile the actor handles
/// nothing else.
macro_rules! handle_alone {
    ($($message:ident)*) => {$(
        impl Handler<ActorMessage<$message>> for PlainActor {
            type Result = AtomicResponse<Self, Reply<$message>>;

            fn handle(&mut self, ActorMessage(m): ActorMessage<$message>, _: &mut Context<Self>) -> Self::Result {
                let wait = tokio::time::sleep(Duration::from_millis(m.millis)).into_actor(self);
                AtomicResponse::new(Box::pin(wait.map(|(), plain, _| {
                    plain.bench.add();
                    Ok(())
                })))
            }
        }
    )*};
}

handle_alone! { Bench_SlowRead Bench_SlowWrite }

/// For callers without a time limit, which do not pay for a timer.
pub(crate) const NO_TIMEOUT: Duration = Duration::MAX;

/// Sends a message, and waits at most `timeout`.
pub(crate) async fn send<M>(addr: &Addr<PlainActor>, message: M, timeout: Duration) -> Outcome
where
    M: Message,
    PlainActor: Handler<ActorMessage<M>>,
{
    let sent = addr.send(ActorMessage(message));
    match if timeout == NO_TIMEOUT { sent.await } else { sent.timeout(timeout).await } {
        Ok(_) => Outcome::Answered,
        Err(MailboxError::Timeout) => Outcome::Expired,
        Err(MailboxError::Closed) => Outcome::Unavailable,
    }
}

/// Starts an HTTP server on a free port that sends each call to the actor.
pub(crate) fn serve(addr: Addr<PlainActor>) -> (Server, SocketAddr) {
    let app = move || App::new().app_data(web::Data::new(addr.clone())).route("/api", web::post().to(rpc));
    let server = HttpServer::new(app).workers(2).disable_signals().bind((Ipv4Addr::LOCALHOST, 0));
    let server = server.expect("there is a free port");
    let address = server.addrs()[0];
    (server.run(), address)
}

#[derive(Deserialize)]
struct Request {
    method: String,
    #[serde(default)]
    params: Value,
    id: Value,
}

/// Handles the methods that experiments call over HTTP.
async fn rpc(addr: web::Data<Addr<PlainActor>>, request: web::Json<Request>) -> HttpResponse {
    let Request { method, params, id } = request.into_inner();
    let number = |name: &str| params.get(name).and_then(Value::as_u64).unwrap_or_default();
    let sent = match method.as_str() {
        "ping" => addr.send(ActorMessage(Bench_Ping {})).await.map(|reply| json!(reply.ok())),
        "work" => addr.send(ActorMessage(Bench_Work { micros: number("micros") })).await.map(|_| Value::Null),
        "block" => addr.send(ActorMessage(Bench_Block { millis: number("millis") })).await.map(|_| Value::Null),
        "note" => addr
            .send(ActorMessage(Bench_Note { client: u32::try_from(number("client")).unwrap_or_default() }))
            .await
            .map(|_| Value::Null),
        _ => Err(MailboxError::Closed),
    };
    match sent {
        Ok(result) => HttpResponse::Ok().json(json!({ "jsonrpc": "2.0", "result": result, "id": id })),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}
