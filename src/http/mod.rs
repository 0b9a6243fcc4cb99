//! The actix-web front: calls over HTTP, pages, static files, TLS, and limits of connections.
//!
//! A connection takes this way: [`listen`] accepts and admits it ([`connections`]), [`workers`]
//! gives it a thread, and its [`peer_stream`] feeds actix one request at a time. A request for an
//! endpoint then passes [`guard`] (method, host and origin) and [`body`], and [`rpc`] dispatches
//! it.

mod accept;
mod activity;
mod actix_traits;
mod allowed_methods;
mod authority;
mod body;
mod caller_headers;
mod connection_state;
mod connections;
mod console;
mod event_stream;
mod fault_page;
mod files;
mod framing;
mod guard;
mod listen;
mod metrics_route;
mod middleware;
mod openrpc_document;
mod pages;
mod peer_stream;
mod reject_connection;
mod rejection;
mod request_info;
mod request_tracking;
mod route_probe;
mod rpc;
mod status;
mod stop_signal;
mod template_dir;
mod template_helpers;
mod template_names;
#[cfg(feature = "tls")]
mod tls;
mod trusted_proxies;
mod turn;
mod unread_body;
mod websocket;
mod workers;

#[cfg(test)]
mod raw_server;

pub(crate) use allowed_methods::AllowedMethods;
pub(crate) use body::BodyLimits;
pub(crate) use connections::{ConnectionLimits, Connections};
pub(crate) use console::{Console, ConsolePageData};
pub(crate) use files::StaticFiles;
pub(crate) use guard::{Cors, RequestGuard};
pub(crate) use listen::HttpListener;
pub(crate) use metrics_route::{mount_metrics, mount_open_metrics};
pub(crate) use middleware::{InnerService, Middleware};
pub(crate) use openrpc_document::mount_document;
pub use pages::{TemplateError, Templates};
pub(crate) use rejection::HttpRejection;
pub(crate) use request_tracking::track_request;
pub(crate) use route_probe::matching_pattern;
pub(crate) use rpc::{BodyHandler, Endpoint, EndpointConfig, endpoint, fast_path, mount, mount_trailing_slash};
pub use status::ErrorStatus;
pub use stop_signal::StopSignal;
pub(crate) use template_helpers::TemplateHelpers;
#[cfg(feature = "tls")]
pub(crate) use tls::Tls;
pub(crate) use trusted_proxies::TrustedProxies;
pub(crate) use websocket::WebSocketLimits;
#[cfg(fuzzing)]
pub(crate) use websocket::{Event, FrameReader, TextFrame, text};
pub(crate) use workers::HttpWorkers;
