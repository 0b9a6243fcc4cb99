//! The actix-web front: calls over HTTP, pages, files, TLS, and the hygiene of connections.

mod authority;
mod body;
mod chunks;
mod connections;
mod console;
mod document;
mod extract;
mod fault_page;
mod files;
mod framing;
mod guard;
mod head;
mod listen;
mod methods;
mod pages;
mod pulse;
mod refusal;
#[cfg(test)]
mod refusal_rows;
mod reject;
mod rpc;
mod status;
mod stop_signal;
mod stream;
mod taken;
mod template_dir;
mod template_names;
#[cfg(feature = "tls")]
mod tls;
mod token;
mod track;
mod turn;
mod unread;
mod workers;

#[cfg(test)]
mod test_server;

pub(crate) use body::BodyLimits;
pub(crate) use connections::{ConnectionLimits, Connections};
pub(crate) use console::{Console, ConsoleFacts};
pub(crate) use document::document;
pub(crate) use files::StaticFiles;
pub(crate) use guard::{Cors, Guard};
pub(crate) use listen::Listen;
pub(crate) use methods::Methods;
pub use pages::{TemplateError, Templates};
pub(crate) use refusal::Refusal;
pub(crate) use rpc::{Endpoint, Front, Handle, endpoint, mount, shortcut, with_slash};
pub use status::ErrorStatus;
pub use stop_signal::StopSignal;
pub(crate) use taken::taken_by;
#[cfg(feature = "tls")]
pub(crate) use tls::Tls;
pub(crate) use track::track;
pub(crate) use workers::Workers;
