//! Write a struct, get a microservice.
//!
//! `callbox` turns a struct into a JSON-RPC 2.0 service on actix: its fields are the state of an actor, the methods of one
//! `impl` block are its API, and every method has a bounded mailbox of its own.
//!
//! ```no_run
//! use callbox::{Server, service};
//!
//! #[derive(Default)]
//! struct MyService {
//!     greeted: u64,
//! }
//!
//! #[service(name = "name.your.service")]
//! impl MyService {
//!     /// Says hello.
//!     #[public_method]
//!     fn say_hello(&mut self, name: String) -> String {
//!         self.greeted += 1;
//!         format!("hello {name}")
//!     }
//! }
//!
//! fn main() -> callbox::Result<()> {
//!     Server::new(MyService::default).bind("127.0.0.1:5000").with_args().start()
//! }
//! ```
//!
//! ```sh
//! curl -s http://127.0.0.1:5000/api -H 'content-type: application/json' \
//!   -d '{"jsonrpc":"2.0","method":"say_hello","params":{"name":"world"},"id":1}'
//! ```
//!
//! Begin with [`service`](macro@service), which has all that an `impl` block can say, and [`Server`], which has all that a
//! server can be told. The README shows each part by an example, and what callers are told when it gets busy. The [`guide`]
//! has a page on each of: the engine's promises, errors, settings, testing, and the way from pymicroservice or gemstone.
//!
//! # Words
//!
//! A **service** is your struct; a **method** is one exposed function of it, and has a typed **message**, the struct of its
//! parameters. A **call** is one message on its way, a **notification** a call without a reply. Calls wait in the method's
//! **mailbox**. The **host** is the actor that holds the state; a **turn** is the right to run a call on it, which is the
//! host's, or for a moment a transport thread's: then the call runs **inline**, where it arrived. A **caller** is whoever
//! the authenticator says.
//!
//! # The way of a call
//!
//! ```text
//!  bytes ─▶ Envelope ─▶ Caller ─▶ Route ─▶ message ─▶ begin ─┬─▶ inline: take the turn, run ───────┐
//!  http     jsonrpc     auth      router   service::params   └─▶ Mailbox ─║─▶ host: schedule, run ─┤
//!  bytes ◀─────────────── response ◀──────────────────── Result<T, RpcError> ◀─── Record ◀─────────┘
//! ```
//!
//! Left of ║ runs on the thread of the transport, right of it on the host's own.
//!
//! | station | file |
//! |---|---|
//! | a request over HTTP, and its response | `http/rpc/mod.rs`, `http/guard/`, `http/body/mod.rs` |
//! | a body of any transport, and its calls | `dispatch/mod.rs`, `dispatch/batch.rs` |
//! | the envelope, and a request in it | `jsonrpc/envelope.rs`, `jsonrpc/request.rs` |
//! | an answer | `engine/answer.rs`, `jsonrpc/response.rs` |
//! | who is calling | `auth/front/mod.rs` |
//! | a name and its method | `router.rs`, `route.rs`, `engine/method_route.rs` |
//! | parameters and their message | `service/params/` |
//! | **the way in**: where a call arrives, or into its mailbox | `engine/begin.rs` |
//! | admission | `mailbox/admission.rs` |
//! | the mailbox, and a call in it | `mailbox/call_queue.rs`, `mailbox/call/mod.rs` |
//! | which call is next | `engine/schedule/` |
//! | **the run** of a method, once | `engine/run/mod.rs` |
//! | **the record** of how a call ended | `measure/call_record.rs` |
//!
//! # Where to change what
//!
//! | to add or change | begin in |
//! |---|---|
//! | a transport | a module beside `http`, over `dispatch/mod.rs` |
//! | a setting | `settings/table.rs` |
//! | a key of an attribute | `macros/src/attr.rs` |
//! | when a call runs inline | `runs_inline` in `engine/begin.rs`, and its rule in `docs/promises.md` |
//! | a reason to turn a call away | `RejectReason` in `route.rs`, and `mailbox/admission.rs` |
//! | what is counted of a call | `measure/counters.rs`, `engine/stats.rs` |
//! | an error of JSON-RPC | `jsonrpc/error.rs` |
//!
//! # Layout
//!
//! From the outside in; a module knows only those that come after it, which `tests/layers.rs` checks.
//!
//! - [`client`] calls services, of callbox and of others. Over HTTP it needs the feature of that name.
//! - [`testing`] helps with tests of services. It needs the feature of that name.
//! - `server` is the builder: it turns settings into parts, runs them, and drains. `settings` resolves flags over
//!   environment over file over builder, once.
//! - `http` is the actix-web front: the endpoint, its refusals and statuses, pages, files, the hygiene of connections.
//! - `dispatch` takes one body and gives one, for any transport. It asks `auth` who is calling and `router` for the method.
//! - `console` is what the page at `/console` is told of the mailboxes while somebody looks at it.
//! - `builtin` has the methods of callbox's own: `get_service_specs`, `rpc.discover` and `rpc.mailboxes`.
//! - `router` maps names to methods, and finds at the start what is wrong with them.
//! - `engine` is state and execution: the way in, the runs, the scheduler and its gate, which lifts Rust's borrow rules to
//!   calls, and the host with its supervisor, which makes a crashed service anew.
//! - `mailbox` is admission and queueing: bounded rings of calls, quotas, deadlines, and the bell that wakes the host.
//! - `measure` is what is known of each method: what its calls cost, and what has become of them.
//! - `route` is the border between `dispatch` and `engine`: a method as the one sees it, and the other is.
//! - `service` is what a service is made of: [`Service`], [`Method`], the reading of parameters, [`CallContext`].
//! - `auth` is the actor that checks tokens, and [`Caller`], which is its answer; [`Tokens`], a file of hashed tokens, and
//!   `Jwt`, which needs the feature `jwt`.
//! - `jsonrpc` is the wire itself: envelopes, ids, errors, and the dialects of the answers. It knows no async and no HTTP.
//! - `log` is how all of them log: no line does harm, and none comes by the thousand.
//!
//! The macros are in a crate of their own, `macros/`; so are the command `callbox`, in `cli/`, the
//! integration tests, in `tests/`, and the benches, in `benches/`.

// What the macros write names this crate from outside; the tests within use the macros too.
#[cfg(test)]
extern crate self as callbox;

// First, as its macros are for all that come after it.
#[macro_use]
mod log;
#[macro_use]
mod choice;

#[doc(hidden)]
pub mod __private;
pub mod auth;
mod builtin;
pub mod client;
mod console;
mod dispatch;
mod engine;
pub mod guide;
mod http;
mod jsonrpc;
mod mailbox;
mod measure;
mod peer;
#[cfg(test)]
mod property_tests;
mod regular_file;
mod route;
mod router;
mod server;
mod service;
mod settings;
mod start_error;
pub mod stats;
mod sync;
#[cfg(feature = "testing")]
pub mod testing;

pub use auth::caller::Caller;
pub use callbox_macros::{RpcError, service};
pub use choice::UnknownName;
pub use engine::{ActorMessage, Placement, ServiceActor, ServiceRef};
pub use http::{ErrorStatus, StopSignal, TemplateError, Templates};
pub use jsonrpc::{Dialect, RpcError};
pub use server::{Server, ServerHandle};
#[doc(hidden)]
pub use service::State;
pub use service::{
    Access, BoxError, CallContext, DescribeErrors, ErrorList, FromCall, Handler, Handles, InternalError, Message,
    MethodKind, MethodOptions, MethodTable, OnPanic, Reply, Service,
};
pub use start_error::{Result, StartError as Error};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
