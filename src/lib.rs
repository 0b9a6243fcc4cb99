//! Write a struct, get a microservice.
//!
//! callbox turns a struct into a JSON-RPC 2.0 service on actix. The fields of the struct are the
//! state of an actor, the methods of one `impl` block are its API, and every method has a bounded
//! mailbox of its own.
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
//! Start with [`service`](macro@service), which documents every option of an `impl` block, and with
//! [`Server`], which documents every setting of a server. The [`guide`] explains one subject per
//! page.
//!
//! # Vocabulary
//!
//! A **service** is your struct. A **method** is one of its exposed functions, and has a typed
//! **message**: the struct of its parameters. A **call** is one message on its way, a
//! **notification** a call without a reply. Calls wait in the **mailbox** of their method. The
//! **host** is the actor that runs the calls of a service. A **turn** is the right to run a call on
//! the state. Usually the host takes it. The thread on which a short call arrives may take it too:
//! then the call runs **inline**, on that thread. The **caller** is the name that the authenticator
//! gives to the client that calls.
//!
//! # The path of a call
//!
//! ```text
//! bytes ─▶ Envelope ─▶ Caller ─▶ Route ─▶ message ─▶ begin ─┬─▶ inline: take the turn, run ──────┐
//! http     jsonrpc     auth      router   service::params   └─▶ Mailbox ─║─▶ schedule, then run ─┤
//! bytes ◀────────────── response ◀─────────── Result<T, RpcError> ◀─── CallRecord ◀──────────────┘
//! ```
//!
//! Left of ║ runs on the thread of the transport, right of it on the thread of the host.
//!
//! | step | file |
//! |---|---|
//! | an HTTP request and its response | `http/rpc/mod.rs`, `http/guard/`, `http/body/mod.rs` |
//! | a body of any transport, and its calls | `dispatch/mod.rs`, `dispatch/batch.rs` |
//! | the envelope, and a request in it | `jsonrpc/envelope.rs`, `jsonrpc/request.rs` |
//! | the reply as JSON | `engine/answer.rs`, `jsonrpc/response.rs` |
//! | who is calling | `auth/handle/mod.rs` |
//! | a name and its method | `router.rs`, `route/mod.rs`, `engine/method_route.rs` |
//! | parameters and their message | `client/src/params/` |
//! | **the entry**: inline, or into the mailbox | `engine/begin.rs` |
//! | admission | `mailbox/admission.rs` |
//! | the mailbox, and a call in it | `mailbox/call_queue.rs`, `mailbox/call/mod.rs` |
//! | which call is next | `engine/schedule/scheduler/mod.rs` |
//! | **the run** of a method, once | `engine/run/mod.rs`, called by its siblings |
//! | **the record** of how a call ended | `measure/call_record.rs` |
//!
//! # Where to change what
//!
//! | to add or change | begin in |
//! |---|---|
//! | a transport | a module beside `http` that calls `dispatch/mod.rs`, and `server/serve.rs` |
//! | a setting | `settings/table.rs` |
//! | a key of an attribute | `macros/src/attr/mod.rs`, and `service/options.rs` |
//! | a rule of parameters | `client/src/rules/`, and `macros/src/attr/rules.rs` |
//! | when a call runs inline | `runs_inline` in `engine/begin.rs`, and `docs/promises.md` |
//! | a reason to reject a call | `RejectReason` in `route/mod.rs`, and `mailbox/rejection.rs` |
//! | how a state is made anew | `engine/schedule/scheduler/recovery.rs` |
//! | what is counted of a call | `measure/counters.rs`, `engine/stats.rs`, `metrics/families.rs` |
//! | an error of JSON-RPC | `client/src/rpc_error/` |
//! | a page of the console | `http/console/` |
//!
//! # Layout
//!
//! From the outside in. A module knows only modules that come after it, which `tests/layers`
//! checks.
//!
//! - `__fuzzing` has the parts that the fuzz targets call.
//! - `__private` has the items that the code of the macros uses.
//! - [`stats`] groups the statistics of services, methods and durations in one module.
//! - [`client`] calls services, of callbox and of others. It is the crate in `client/`, which also
//!   has what callers and services agree on: [`Message`], [`RpcError`](struct@RpcError), and
//!   parameters.
//! - [`guide`] has the pages of the guide, and no code.
//! - [`testing`] helps to test services. It needs the feature `testing`.
//! - `server` is the builder: it turns settings into parts, runs them, and shuts them down.
//! - `settings` resolves flags over environment over file over builder, once.
//! - `http` is the actix-web front: endpoints, rejections, pages, files, and the limits of
//!   connections.
//! - `nats` is the front on NATS, with the feature `nats`: groups of instances, and how they are
//!   found.
//! - `dispatch` takes one body and returns one, for any transport. It asks `auth` who is calling
//!   and `router` for the method.
//! - `topic` is the source of most subscriptions: a ring of items in the state of a service.
//! - [`metrics`] shows the statistics to scrapers, and what a program adds to them.
//! - [`otel`] exports traces, with the feature `otel`.
//! - `builtin` has callbox's own methods: `get_service_specs`, `rpc.discover`, `rpc.mailboxes`, and
//!   those of subscriptions.
//! - `console` feeds the page at `/console` while somebody looks at it.
//! - `router` maps names to methods, and checks them at the start.
//! - `engine` is state and execution: the entry, the runs, the scheduler, and the host with its
//!   supervisor.
//! - `mailbox` is admission and queueing: bounded queues of calls, quotas, deadlines, and the bell
//!   that wakes the host.
//! - `measure` is what is counted: the cost of the calls of each method and how they ended,
//!   connections, and requests that reach no method.
//! - `route` is the border between `dispatch` and `engine`: a method as either side sees it.
//! - `service` is what a service is made of: [`Service`], [`Handles`], [`CallContext`], options.
//! - [`auth`] is the actor that checks tokens, [`Caller`], which is its answer, and the
//!   authenticators for a file of hashed tokens and, with the feature `jwt`, for JSON Web Tokens.
//! - `regular_file` reads files that an operator names, and never waits for a pipe or a device.
//! - `peer` has the addresses under which peers are counted, and ranges of addresses.
//! - `start_error` has the [`Error`] of a program that cannot start, and [`BoxError`].
//! - `jsonrpc` is the wire: envelopes, ids, dialects. It knows no async and no HTTP.
//! - `trace` makes the spans of calls, if somebody records them.
//! - `log` has the log macros of all other modules: they never panic, and throttle frequent lines.
//! - `sync` has the locks and atomics of the engine, which `tests/model` replaces with loom's.
//! - `choice` has the macro for enums whose values users write by name.
//!
//! The client and the macros are crates of their own in `client/` and `macros/`. So are the command
//! `callbox` in `cli/`, the integration tests in `tests/`, and the benches in `benches/`.

// Code that the macros write names this crate from outside, also in the tests within.
#[cfg(test)]
extern crate self as callbox;

// First, since their macros are used by all modules that follow.
#[macro_use]
mod choice;
#[macro_use]
mod log;

#[cfg(fuzzing)]
#[doc(hidden)]
pub mod __fuzzing;
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
pub mod metrics;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "otel")]
pub mod otel;
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
mod topic;
mod trace;

pub use auth::caller::Caller;
pub use callbox_client::{Item, JsonItems, Lag, Subscription, SubscriptionNames, TraceContext};
pub use callbox_macros::{RpcError, service};
pub use choice::UnknownName;
pub use engine::{ActorMessage, Placement, ServiceActor, ServiceRef};
pub use http::{ErrorStatus, StopSignal, TemplateError, Templates};
pub use jsonrpc::{Dialect, RpcError};
pub use log::LogFormat;
pub use server::{Server, ServerHandle, app_config};
#[doc(hidden)]
pub use service::State;
pub use service::{
    Access, CallContext, CallTransport, DescribeErrors, ErrorList, FromCall, Handler, Handles, InternalError,
    InvalidParam, Message, MethodKind, MethodOptions, MethodTable, OnPanic, Progress, Reply, Service, ServiceContext,
    ServiceFactory, ServiceNeeds,
};
pub use start_error::{BoxError, Result, StartError as Error};
pub use topic::Topic;

/// What a [template helper](Server::template_helper) needs of the crate handlebars.
///
/// Not the whole crate: with it the compiler would call `String` by its full path in the errors of
/// a program.
pub mod handlebars {
    pub use ::handlebars::{
        Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError, RenderErrorReason,
        ScopedJson, handlebars_helper,
    };
}

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Tests the examples of the macros, whose crate does not depend on this one.
#[cfg(doctest)]
mod macro_examples {
    #[doc = include_str!("../macros/docs/service.md")]
    struct OfService;

    #[doc = include_str!("../macros/docs/api.md")]
    struct OfApi;

    #[doc = include_str!("../macros/docs/rpc_error.md")]
    struct OfRpcError;
}
