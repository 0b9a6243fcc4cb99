//! Hand-written actix-web: alone, and with a plain actix actor behind it.

use std::io;
use std::net::Ipv4Addr;

use actix::{Actor, Addr, Arbiter, Context, Handler, Message, MessageResult};
use actix_web::dev::Server;
use actix_web::web::{Bytes, Data, PayloadConfig, post};
use actix_web::{App, HttpResponse, HttpServer, error, web};
use parking_lot::Mutex;

use super::methods::{self, Text, Total, text, total};
use super::print_address;
use super::wire::{Body, Request, handle, params, parse, write_reply};

/// Maximum size of a body, in bytes: the same as for callbox.
const MAX_BODY: usize = 1024 * 1024;

fn json(body: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body)
}

fn run(workers: usize, configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static) -> io::Result<Server> {
    let app = move || App::new().app_data(PayloadConfig::new(MAX_BODY)).configure(configure.clone());
    let server = HttpServer::new(app).workers(workers).disable_signals().bind((Ipv4Addr::LOCALHOST, 0))?;
    print_address(server.addrs()[0]);
    Ok(server.run())
}

/// Runs the ceiling: a handler that does only what is necessary.
pub(super) fn bare(workers: usize) {
    let state = Data::new(Mutex::new(0u64));
    let configure = move |config: &mut web::ServiceConfig| {
        config.app_data(state.clone()).route("/api", post().to(bare_rpc));
    };
    actix::System::new().block_on(async { run(workers, configure)?.await }).expect("the server runs");
}

async fn bare_rpc(body: Bytes, state: Data<Mutex<u64>>) -> actix_web::Result<HttpResponse> {
    let count = || {
        let mut count = state.lock();
        *count += 1;
        *count
    };
    handle(&body, count).map(json).map_err(error::ErrorBadRequest)
}

#[derive(Default)]
struct PlainActor {
    count: u64,
}

impl Actor for PlainActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // With the default of 16, senders would wait for each other.
        ctx.set_mailbox_capacity(4096);
    }
}

/// Defines handlers that respond at once.
macro_rules! handlers {
    ($($message:ident ($($field:ty)?) -> $result:ty = |$actor:ident, $m:ident| $run:expr;)*) => {$(
        struct $message $(($field))?;

        impl Message for $message {
            type Result = $result;
        }

        impl Handler<$message> for PlainActor {
            type Result = MessageResult<$message>;

            fn handle(&mut self, $m: $message, _: &mut Context<Self>) -> Self::Result {
                let $actor = self;
                MessageResult($run)
            }
        }
    )*};
}

handlers! {
    Ping() -> bool = |_plain, _m| true;
    Count() -> u64 = |actor, _m| { actor.count += 1; actor.count };
    Add(methods::Add) -> i64 = |_plain, m| methods::add(m.0.a, m.0.b);
    Sum(Total) -> f64 = |_plain, m| total(&m.0.values);
    Write(Text) -> String = |_plain, m| text(m.0.length);
}

/// Runs a server that sends each call as a message to one actor on its own thread.
pub(super) fn addr_send(workers: usize) {
    actix::System::new()
        .block_on(async {
            let arbiter = Arbiter::new();
            let addr = Data::new(PlainActor::start_in_arbiter(&arbiter.handle(), |_| PlainActor::default()));
            let configure = move |config: &mut web::ServiceConfig| {
                config.app_data(addr.clone()).route("/api", post().to(sending_rpc));
            };
            run(workers, configure)?.await
        })
        .expect("the server runs");
}

async fn sending_rpc(body: Bytes, addr: Data<Addr<PlainActor>>) -> actix_web::Result<HttpResponse> {
    let mut out = Vec::with_capacity(128);
    match parse(&body).map_err(error::ErrorBadRequest)? {
        Body::Single(request) => send(&request, &addr, &mut out).await?,
        Body::Batch(requests) => {
            for (at, request) in requests.iter().enumerate() {
                out.push(if at == 0 { b'[' } else { b',' });
                send(request, &addr, &mut out).await?;
            }
            out.push(b']');
        }
    }
    Ok(json(out))
}

async fn send(request: &Request<'_>, addr: &Addr<PlainActor>, out: &mut Vec<u8>) -> actix_web::Result<()> {
    let gone = error::ErrorServiceUnavailable;
    let bad = error::ErrorBadRequest;
    match request.method {
        "ping" => write_reply(out, request.id, &addr.send(Ping).await.map_err(gone)?),
        "count" => write_reply(out, request.id, &addr.send(Count).await.map_err(gone)?),
        "add" => write_reply(out, request.id, &addr.send(Add(params(request).map_err(bad)?)).await.map_err(gone)?),
        "total" => write_reply(out, request.id, &addr.send(Sum(params(request).map_err(bad)?)).await.map_err(gone)?),
        "text" => write_reply(out, request.id, &addr.send(Write(params(request).map_err(bad)?)).await.map_err(gone)?),
        _ => return Err(error::ErrorNotFound("no such method")),
    }
    .map_err(error::ErrorInternalServerError)
}
