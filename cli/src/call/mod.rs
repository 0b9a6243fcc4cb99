//! `callbox call`: makes one call and prints its result, or the items of a subscription.

mod callee;
mod detect;
mod items;
mod progress;

use std::io;
use std::pin::Pin;
use std::time::Duration;

use callbox::Subscription;
use callbox::client::{ClientError, NamedCall, Started};
use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::address::Address;
use crate::exit::{self, Exit, Failure};
use crate::server::{Server, failure};
use crate::signals::Signals;
use crate::terminal::print;
use crate::{arguments, json, runtime};
use callee::{Callee, LinkEvent};
use detect::{Kind, RawItem};
use items::ItemFlags;
use progress::Bar;

/// Maximum time to wait for the answer to a call that was cancelled.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

/// The code of the error of a call that was cancelled.
const CANCELLED: i32 = -32800;

/// The arguments of `callbox call`.
#[derive(Debug, clap::Args)]
#[command(after_help = help())]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// Name of the method; on NATS with that of its service, such as orders.get
    method: String,
    /// Parameters of the method
    #[arg(allow_negative_numbers = true)]
    params: Vec<String>,
    /// Sends a notification: the method runs, but the server sends no response
    #[arg(long)]
    notify: bool,
    /// Asks for no reports of the progress of the call, for servers that do not know `_meta`
    #[arg(long)]
    no_progress: bool,
    #[command(flatten)]
    items: ItemFlags,
}

fn help() -> String {
    format!(
        "{}\n\n{}\n\n\
         On a terminal, the result is indented and coloured; in a pipe, it is unchanged.\n\n\
         Over ws:// and wss://, and on NATS, a call that reports its progress has a bar on a \
         terminal, and Ctrl-c cancels it.\n\n\
         The items of a subscription are printed as lines of JSON, until it ends or Ctrl-c is \
         pressed. What was missed, and why it has ended, is said on standard error. If the \
         connection is lost, it is opened again. Over http:// they come as server-sent events.\n\n\
         With nats:// or tls://, any instance of the service answers. The address may contain a user \
         and a password, or a token, and several addresses have commas between.\n\n\
         Examples:\n  \
         callbox call http://127.0.0.1:5000/api say_hello name=world\n  \
         callbox call :5000 store key=a value=b\n  \
         CALLBOX_TOKEN=hello_world callbox call :5000 retrieve a\n  \
         jq '{{name: .user}}' user.json | callbox call :5000 say_hello - --deadline 500ms\n  \
         callbox call ws://127.0.0.1:5000/api prices symbol=PEAR --max-items 10\n  \
         callbox call nats://127.0.0.1:4222 orders.get id=7",
        arguments::HELP,
        exit::HELP
    )
}

/// Makes the call.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let params =
        arguments::params(&arguments.params, io::stdin()).map_err(|message| Failure::new(Exit::Usage, message))?;
    runtime()?.block_on(async {
        let mut signals = Signals::new()?;
        Connection::call(arguments, params.as_deref(), &mut signals).await
    })
}

/// A client, and what it is for.
struct Connection<'a> {
    arguments: &'a Arguments,
    url: &'a Address,
    callee: Callee,
    /// What happens to the connection.
    events: UnboundedReceiver<LinkEvent>,
    signals: &'a mut Signals,
}

impl<'a> Connection<'a> {
    /// Connects, makes the call, and closes the connection.
    async fn call(
        arguments: &'a Arguments,
        params: Option<&RawValue>,
        signals: &'a mut Signals,
    ) -> Result<(), Failure> {
        let url = &arguments.server.url;
        let (sender, events) = unbounded();
        let connected = signals.or(Callee::open(arguments, sender)).await;
        let callee = connected.map_err(|exit| Failure::new(exit, ""))??;
        let mut connection = Self { arguments, url, callee, events, signals };
        let called = connection.run(params).await;
        let Self { callee, signals, .. } = connection;
        // A signal now only ends the wait for the server.
        let _ = signals.or(callee.close()).await;
        called
    }

    async fn run(&mut self, params: Option<&RawValue>) -> Result<(), Failure> {
        let Arguments { notify, no_progress, items, .. } = self.arguments;
        let Callee { client, method, .. } = &self.callee;
        if *notify {
            let sent = self.signals.or(client.notify(method, params)).await;
            let sent = sent.map_err(|exit| Failure::new(exit, ""))?;
            return sent.map_err(|error| failure(self.url, &error));
        }
        let mut call = items.apply_to(client.prepare(method, params));
        let has_reports = self.url.is_websocket() || self.url.is_nats();
        let bar = if has_reports && !no_progress { Bar::on_terminal() } else { None };
        if let Some(bar) = bar.clone() {
            call = call.on_progress(move |report| bar.show(report));
        }
        let id = call.id();
        let mut response = Box::pin(respond(call, items.subscribe));
        let responded = self.signals.or(response.as_mut()).await;
        if let Some(bar) = bar {
            bar.clear();
        }
        match responded {
            Ok(Ok(response)) => self.print(response).await,
            Ok(Err(error)) => {
                drop(response);
                if self.callee.turn_to_foreign(self.arguments, &error).await {
                    return Box::pin(self.run(params)).await;
                }
                Err(self.explain(&error).await)
            }
            Err(exit) if self.url.is_nats() => {
                // Dropping the call cancels it, and closing the connection sends the word.
                drop(response);
                Err(Failure::new(exit, "the call was cancelled; it may have run"))
            }
            Err(exit) => self.cancel(id, response.as_mut(), exit).await,
        }
    }

    /// Prints the result of a plain call, or the items of a subscription.
    async fn print(&mut self, response: Response) -> Result<(), Failure> {
        let started = match response {
            Response::Started(started) => started,
            Response::Subscription(subscription) => return self.print_items(None, subscription).await,
        };
        let id = started.result().to_owned();
        let kind = match started.is_subscription() {
            // On NATS the reply says what it is.
            Some(true) if self.url.is_nats() => Kind::Subscription,
            Some(false) if self.url.is_nats() => Kind::Plain,
            _ => {
                let kind = self.signals.or(detect::kind(&self.callee.client, &self.callee.method, &id)).await;
                kind.map_err(|exit| Failure::new(exit, ""))?
            }
        };
        if kind == Kind::Plain || (kind == Kind::Unknown && !self.url.is_websocket()) {
            return print_result(started);
        }
        let mut subscription = started.into_subscription().map_err(|error| failure(self.url, &error))?;
        if kind == Kind::Subscription {
            return self.print_items(None, subscription).await;
        }
        match detect::first_event(&mut subscription).await {
            Some(first) => self.print_items(Some(first), subscription).await,
            None => Ok(print(&json::for_stdout(id.get()))?),
        }
    }

    async fn print_items(
        &mut self,
        first: Option<Option<RawItem>>,
        subscription: Subscription<Box<RawValue>>,
    ) -> Result<(), Failure> {
        let Self { arguments, url, events, signals, .. } = self;
        arguments.items.print(url, first, subscription, events, signals).await
    }

    /// Asks the server to stop a call, and waits shortly for its answer.
    async fn cancel(
        &mut self,
        id: Option<u64>,
        response: Pin<&mut impl Future<Output = Result<Response, ClientError>>>,
        exit: Exit,
    ) -> Result<(), Failure> {
        let ended = |message: &str| Err(Failure::new(exit, message));
        if !self.url.is_websocket() {
            return ended("the call was given up; it may have run");
        }
        let answer = async {
            // If it cannot be sent, there is no answer to the call either.
            let _ = self.callee.client.notify("$/cancelRequest", json!({ "id": id })).await;
            response.await
        };
        let answer = tokio::time::timeout(CANCEL_TIMEOUT, self.signals.or(answer)).await;
        match answer {
            Ok(Ok(Ok(Response::Started(started)))) => {
                match detect::kind(&self.callee.client, &self.callee.method, started.result()).await {
                    Kind::Plain => print_result(started),
                    Kind::Subscription | Kind::Unknown => ended(""),
                }
            }
            Ok(Ok(Ok(Response::Subscription(_)))) => ended(""),
            Ok(Ok(Err(error))) if error.rpc_error().is_some_and(|error| error.code() == CANCELLED) => {
                ended("the call was cancelled")
            }
            Ok(Ok(Err(error))) => Err(self.explain(&error).await),
            Ok(Err(_)) | Err(_) => ended("the server has not answered to the cancellation; the call may have run"),
        }
    }

    /// Returns the failure of a call, with a hint if the name of the method or a parameter may be
    /// mistyped.
    async fn explain(&self, error: &ClientError) -> Failure {
        let unknown = self.callee.unknown(self.arguments, error).await;
        let mut failure = unknown.unwrap_or_else(|| failure(self.url, error));
        if let Some(word) = string_argument(&self.arguments.params, error) {
            failure.message += &format!(": to send it as a string, write {word}");
        }
        failure
    }
}

/// The response to a call.
enum Response {
    /// It may be the start of a subscription.
    Started(Started),
    Subscription(Subscription<Box<RawValue>>),
}

async fn respond(call: NamedCall, is_subscription: bool) -> Result<Response, ClientError> {
    if is_subscription {
        call.subscribe().await.map(Response::Subscription)
    } else {
        call.start().await.map(Response::Started)
    }
}

fn print_result(started: Started) -> Result<(), Failure> {
    Ok(print(&json::for_stdout(started.into_result().get()))?)
}

/// Returns how to write a parameter as a string, if the server expected a string and got another
/// value. Some strings look like JSON.
fn string_argument(words: &[String], error: &ClientError) -> Option<String> {
    #[derive(Deserialize)]
    struct Data {
        param: Option<String>,
        reason: String,
    }
    let ClientError::Server(error) = error else { return None };
    let Data { param, reason } = serde_json::from_str(error.data()?.get()).ok()?;
    let wanted = error.code() == -32602 && reason.starts_with("expected a string, got ");
    wanted.then(|| arguments::as_string(words, param.as_deref()))?
}
