//! Every setting, declared once.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::engine::Placement;
use crate::http::ErrorStatus;
use crate::jsonrpc::Dialect;
use crate::log::LogFormat;
use crate::start_error::StartError;

use super::metrics_place::MetricsPlace;
use super::nats_url::NatsUrl;
use super::source::{ResolvedValue, Sources};
use super::value_type::{
    self, CORES, COUNT, COUNT_OR_OFF, DEPTH, DOCUMENT, DURATION, ENDPOINT, FILE, HEADER, HEADERS, HOST, HOSTS,
    LOG_FILTER, METRICS, NATS, NATS_PREFIX, ON_OFF, ORIGINS, PATH, PORT_OR_OFF, PROXIES, PUBLIC_URL, REMOTES, SIZE,
    SWITCH, TIMEOUT, TITLE,
};

/// What flags, environment and file need to know of a setting: everything but its type.
#[derive(Debug)]
pub(super) struct SettingSpec {
    /// Heading in `--help`.
    pub(super) group: &'static str,
    /// Key in the file. The flag is `--` and the key with dashes, the variable `CALLBOX_` and the
    /// key in capitals.
    pub(super) key: &'static str,
    /// One sentence without a full stop, for `--help` and for the docs of the field.
    pub(super) help: &'static str,
    /// Default as text; empty for no value.
    pub(super) default: &'static str,
    /// Placeholder for the value in `--help`.
    pub(super) placeholder: &'static str,
    /// How often the flag may be given, and whether it needs a value.
    pub(super) arity: value_type::Arity,
}

/// Makes three things from one list: the settings of a builder, the resolved settings, and the
/// table for the sources that are text.
macro_rules! settings {
    ($($group:literal { $($(#[doc = $help:literal])+ $key:ident: $type:ty = $value_type:ident, $default:literal;)+ })+) => {
        /// The settings that a builder has; `None` for those that it leaves to the default.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct BuilderSettings {
            $($($(#[doc = $help])+ pub(crate) $key: Option<$type>,)+)+
        }

        /// The resolved settings, and the source of each.
        #[derive(Clone, Debug)]
        pub(crate) struct Settings {
            $($($(#[doc = $help])+ pub(crate) $key: $type,)+)+
            /// The lines of `--show-settings`, in the order of the declaration.
            pub(super) resolved: Vec<ResolvedValue>,
            /// The variables that were ignored because a cluster sets them, with their values.
            pub(crate) ignored_variables: Vec<String>,
            /// Warnings about the settings of the program itself.
            pub(crate) app_warnings: Vec<String>,
        }

        /// All settings, in the order of the declaration.
        pub(super) const SETTINGS: &[SettingSpec] = &[$($(SettingSpec {
            group: $group,
            key: stringify!($key),
            help: concat!($($help),+),
            default: $default,
            placeholder: $value_type.placeholder,
            arity: $value_type.arity,
        },)+)+];

        impl Settings {
            pub(super) fn from_sources(sources: &Sources<'_>, builder: &BuilderSettings) -> Result<Self, StartError> {
                let mut resolved = Vec::with_capacity(SETTINGS.len());
                Ok(Self {
                    $($($key: sources.resolve(
                        stringify!($key),
                        &$value_type,
                        builder.$key.as_ref(),
                        $default,
                        &mut resolved,
                    )?,)+)+
                    resolved,
                    ignored_variables: Vec::new(),
                    app_warnings: Vec::new(),
                })
            }
        }
    };
}

const DIALECT: value_type::ValueType<Dialect> = value_type::choice("DIALECT", "jsonrpc, pymicroservice or gemstone");
const STATUS: value_type::ValueType<ErrorStatus> = value_type::choice("STATUS", "ok or mapped");
const LOG_FORMAT: value_type::ValueType<LogFormat> = value_type::choice("FORMAT", "text or json");
const PLACEMENT: value_type::ValueType<Placement> = value_type::choice("PLACEMENT", "inline or actor");

settings! {
    "Address" {
        /// Address to listen on; 0.0.0.0 for every interface
        host: String = HOST, "127.0.0.1";
        /// Port to listen on; 0 picks a free one, and off serves no HTTP
        port: Option<u16> = PORT_OR_OFF, "5000";
        /// Path of the endpoint, which takes the calls
        endpoint: String = ENDPOINT, "/api";
        /// Path that serves the OpenRPC document by GET, which lists the methods that the caller
        /// may call; off for none
        openrpc: Option<String> = DOCUMENT, "/openrpc.json";
        /// URL at which clients reach the server, with the path of a proxy in front, if it has one:
        /// shown in the OpenRPC document, get_service_specs, the log and the console
        public_url: Option<String> = PUBLIC_URL, "";
        /// Name of the whole server in the OpenRPC document and the console; if unset, the names of
        /// its services
        title: Option<String> = TITLE, "";
        /// PEM file of the TLS certificate: the server's own first, then the intermediate ones;
        /// needs --tls-key
        tls_cert: Option<PathBuf> = FILE, "";
        /// PEM file of the certificate's key; both files are read again when they change
        tls_key: Option<PathBuf> = FILE, "";
    }
    "Calls" {
        /// Shape of the responses: jsonrpc, or what clients of pymicroservice or gemstone expect
        dialect: Dialect = DIALECT, "jsonrpc";
        /// HTTP status of JSON-RPC errors: ok (always 200), or mapped (401, 404, 503 …) for single
        /// calls
        error_status: ErrorStatus = STATUS, "ok";
        /// File of the valid tokens, written by `callbox token`; the default is used only if it
        /// exists and the program has no authenticator
        tokens: Option<PathBuf> = FILE, "callbox-tokens.toml";
        /// HTTP header that carries a caller's token
        token_header: String = HEADER, "X-Api-Token";
        /// Leave private methods out of get_service_specs
        hide_private: bool = SWITCH, "false";
    }
    "Other services" {
        /// Service in another process that those of this server call, as its name and the URL of
        /// its endpoint
        remote: Vec<String> = REMOTES, "";
        /// File of the token that this server presents to services in other processes
        service_token: Option<PathBuf> = FILE, "";
    }
    "Several machines" {
        /// Addresses of NATS servers, over which instances of the services on several machines
        /// share their calls; a name and a password may be in them
        nats: Option<NatsUrl> = NATS, "";
        /// First token of all subjects on NATS, or several with dots between
        nats_prefix: String = NATS_PREFIX, "callbox";
        /// File of credentials for NATS, as nsc writes it
        nats_creds: Option<PathBuf> = FILE, "";
        /// PEM file of the authorities that are trusted for NATS, instead of those of the system
        nats_ca: Option<PathBuf> = FILE, "";
        /// PEM file of the certificate for NATS servers that ask for one; needs --nats-key
        nats_cert: Option<PathBuf> = FILE, "";
        /// PEM file of the key of that certificate
        nats_key: Option<PathBuf> = FILE, "";
    }
    "Limits" {
        /// Maximum size of a request body; a larger one is answered 413
        body_limit: usize = SIZE, "1MiB";
        /// Maximum size of the results in a response; results beyond it are answered -32004
        response_limit: usize = SIZE, "10MiB";
        /// Maximum number of calls in one batch
        batch_limit: usize = COUNT, "100";
        /// Maximum nesting depth of a request, in objects and arrays; a deeper one is answered
        /// -32700
        depth_limit: usize = DEPTH, "127";
        /// Maximum length of an id; a longer one is answered -32600
        id_limit: usize = SIZE, "4KiB";
        /// Maximum length of a method name; a longer one is answered -32601
        method_limit: usize = SIZE, "256";
        /// Maximum time for a request body to arrive
        body_timeout: Duration = TIMEOUT, "10s";
        /// Maximum time that a connection may be idle before it is closed; more than the idle
        /// timeout of a load balancer in front
        keep_alive: Duration = TIMEOUT, "75s";
        /// Maximum number of open connections; further ones are answered 503
        max_connections: usize = COUNT, "25000";
        /// Maximum number of open connections from one peer address; further ones are answered 503.
        /// Trusted proxies have no such limit
        max_connections_per_peer: usize = COUNT, "5000";
        /// Maximum number of bodies of one WebSocket whose calls have not ended; further ones
        /// wait until one of them has
        websocket_calls: usize = COUNT, "64";
        /// Maximum number of subscriptions of one connection; further ones are answered -32000
        websocket_subscriptions: usize = COUNT, "1024";
        /// Time between two pings of a WebSocket
        websocket_ping: Duration = TIMEOUT, "20s";
        /// Maximum time after a ping for anything to arrive; then the WebSocket is closed
        websocket_timeout: Duration = TIMEOUT, "20s";
        /// Maximum time for which a WebSocket, or a response of events, takes nothing while there
        /// is something to send; then it is closed
        websocket_stall: Duration = TIMEOUT, "30s";
        /// Maximum number of wrong tokens from one peer at once, and again per minute after that;
        /// further ones are rejected without a check; off for no limit
        token_failures: Option<NonZeroU32> = COUNT_OR_OFF, "60";
    }
    "Who may connect" {
        /// Host names that a Host header may carry; if unset, only loopback names over loopback,
        /// and any name otherwise
        allowed_hosts: Vec<String> = HOSTS, "";
        /// Origins of web pages that may call, besides the server's own: scheme, host and port; *
        /// for any
        allowed_origins: Vec<String> = ORIGINS, "";
        /// Request headers that such pages may send, besides content-type, authorization,
        /// request-timeout and the token header
        cors_headers: Vec<String> = HEADERS, "traceparent,tracestate,baggage,x-request-id";
        /// Addresses and networks of the proxies in front, whose X-Forwarded-For and Forwarded are
        /// believed: the client that they name is the peer
        trusted_proxies: Vec<String> = PROXIES, "";
        /// Keep a connection whose client has closed its sending half; calls of clients that have
        /// left then run to their end
        allow_half_closed: bool = SWITCH, "false";
    }
    "Threads" {
        /// Number of threads that serve HTTP
        workers: usize = CORES, "cores";
        /// Number of threads that run compute methods
        compute_threads: usize = CORES, "cores";
        /// Where short calls run: inline (on the thread where they arrive, if the service is idle)
        /// or actor (on the service's own thread)
        placement: Placement = PLACEMENT, "inline";
    }
    "Pages" {
        /// Directory of the handlebars templates
        templates: Option<PathBuf> = PATH, "";
        /// Directory in which relative paths of templates and static files start; if unset, the
        /// working directory, or else the directory of the program
        assets: Option<PathBuf> = PATH, "";
        /// Read changed templates again while the server runs
        watch_templates: bool = SWITCH, "false";
        /// The page at /console, to call methods and watch mailboxes: on or off; if unset, on when
        /// listening on loopback, off otherwise
        console: Option<bool> = ON_OFF, "";
        /// Where the metrics are: a path, an address of a listener of their own, which also has the
        /// health checks, or off; if unset, /metrics when listening on loopback, off otherwise
        metrics: Option<MetricsPlace> = METRICS, "";
    }
    "Running" {
        /// Time that a server which is to stop goes on as before, reporting not ready, so that load
        /// balancers send calls elsewhere
        shutdown_delay: Duration = DURATION, "0s";
        /// Maximum time that a stop waits for the admitted calls
        shutdown_timeout: Duration = DURATION, "25s";
        /// Log filter, as in RUST_LOG: a level, or levels of modules, such as warn,callbox=debug
        log: String = LOG_FILTER, "info,actix_server=warn,async_nats=warn";
        /// Format of the log: text, or json for one object a line
        log_format: LogFormat = LOG_FORMAT, "text";
        /// Log a line for each request: its peer, methods, status, sizes and duration
        access_log: bool = SWITCH, "false";
    }
}
