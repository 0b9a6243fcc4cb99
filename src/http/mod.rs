//! The actix-web front: calls over HTTP, pages, files, TLS, and the hygiene of connections.

mod authority;
mod body;
mod connections;
mod console;
mod document;
mod extract;
mod fault_page;
mod files;
mod framing;
mod guard;
mod listen;
mod methods;
mod pages;
mod activity;
mod refusal;
#[cfg(test)]
mod refusal_rows;
mod reject_connection;
mod rpc;
mod status;
mod stop_signal;
mod peer_stream;
mod taken;
mod template_dir;
mod template_names;
#[cfg(feature = "tls")]
mod tls;
mod token;
mod request_tracking;
mod connection_state;
mod unread;
mod workers;

#[cfg(test)]
mod raw_server;

pub(crate) use body::BodyLimits;
pub(crate) use connections::{ConnectionLimits, Connections};
pub(crate) use console::{Console, ConsoleFacts};
pub(crate) use document::document;
pub(crate) use files::StaticFiles;
pub(crate) use guard::{Cors, Guard};
pub(crate) use listen::HttpListener;
pub(crate) use methods::Methods;
pub use pages::{TemplateError, Templates};
pub(crate) use refusal::Refusal;
pub(crate) use rpc::{Endpoint, Front, Handle, endpoint, mount, shortcut, with_slash};
pub use status::ErrorStatus;
pub use stop_signal::StopSignal;
pub(crate) use taken::taken_by;
#[cfg(feature = "tls")]
pub(crate) use tls::Tls;
pub(crate) use request_tracking::track_request;
pub(crate) use workers::Workers;
