//! The guide: what to know of callbox beyond its types, a page for each subject.
//!
//! Start with [`overview`], which lists what exists.
//!
//! **Writing a service**
//!
//! - [`services`]: state, methods, parameters, results, hooks.
//! - [`recipes`]: how do I …? Short answers with code.
//! - [`parameters`]: rules of parameters, checks of structs, types of other crates.
//! - [`errors`]: which errors callers see, and when a call may be sent again.
//! - [`values`]: how numbers, `null` and what JSON cannot hold travel.
//! - [`tokens`]: who may call a private method.
//! - [`pages`]: pages, files and routes of your own, and callbox inside a server of your own.
//! - [`streams`]: subscriptions over WebSocket, topics, slow clients, cancellation.
//! - [`calling`]: calling a service from Rust.
//! - [`systems`]: several services that call each other, in one process or in several; factories,
//!   tasks, readiness.
//! - [`several_machines`]: instances on several machines that share the calls, over NATS.
//! - [`other_languages`]: clients in TypeScript and Python, which `callbox generate` writes.
//! - [`mod@testing`]: tests by functions, within the process, over HTTP, and under load.
//! - [`migration`]: how to come from pymicroservice or gemstone.
//!
//! **Running it**
//!
//! - [`settings`]: every setting, with its sources and its default.
//! - [`deployment`]: the files to copy, stopping, probes, proxies, TLS.
//! - [`operating`]: what to watch, what each alert means, how to roll out.
//! - [`monitoring`]: statistics, health paths, the log.
//! - [`tracing`]: calls from service to service, and OpenTelemetry.
//! - [`console`]: the page at `/console`.
//! - [`command_line`]: the command `callbox`.
//! - [`stress`]: stress-testing, and what was tried against callbox.
//!
//! **What it guarantees**
//!
//! - [`overload`]: the limits, and which calls are rejected.
//! - [`promises`]: where a call runs, in which order, and what becomes of it when something goes
//!   wrong.
//! - [`wire`]: JSON-RPC over HTTP and WebSocket, the built-in methods, OpenRPC, dialects.

#[doc = include_str!("docs/overview.md")]
pub mod overview {}

#[doc = include_str!("docs/services.md")]
pub mod services {}

#[doc = include_str!("docs/parameters.md")]
pub mod parameters {}

#[doc = include_str!("docs/recipes.md")]
pub mod recipes {}

#[doc = include_str!("docs/errors.md")]
pub mod errors {}

#[doc = include_str!("docs/values.md")]
pub mod values {}

#[doc = include_str!("docs/tokens.md")]
pub mod tokens {}

#[doc = include_str!("docs/pages.md")]
pub mod pages {}

#[doc = include_str!("docs/streams.md")]
pub mod streams {}

#[doc = include_str!("docs/calling.md")]
pub mod calling {}

#[doc = include_str!("docs/systems.md")]
pub mod systems {}

#[doc = include_str!("docs/several_machines.md")]
pub mod several_machines {}

#[doc = include_str!("docs/other_languages.md")]
pub mod other_languages {}

#[doc = include_str!("docs/testing.md")]
pub mod testing {}

#[doc = include_str!("docs/migration.md")]
pub mod migration {}

#[doc = include_str!("docs/settings.md")]
pub mod settings {}

#[doc = include_str!("docs/deployment.md")]
pub mod deployment {}

#[doc = include_str!("docs/operating.md")]
pub mod operating {}

#[doc = include_str!("docs/monitoring.md")]
pub mod monitoring {}

#[doc = include_str!("docs/tracing.md")]
pub mod tracing {}

#[doc = include_str!("docs/console.md")]
pub mod console {}

#[doc = include_str!("docs/command_line.md")]
pub mod command_line {}

#[doc = include_str!("docs/stress.md")]
pub mod stress {}

#[doc = include_str!("docs/overload.md")]
pub mod overload {}

#[doc = include_str!("docs/promises.md")]
pub mod promises {}

#[doc = include_str!("docs/wire.md")]
pub mod wire {}
