//! Every setting, declared once.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::engine::Placement;
use crate::http::ErrorStatus;
use crate::jsonrpc::Dialect;
use crate::start_error::StartError;

use super::source::{ResolvedValue, Sources};
use super::value_type::{
    self, CORES, COUNT, DEPTH, DOCUMENT, DURATION, ENDPOINT, FILE, FILTER, HEADER, HEADERS, HOST, HOSTS, ON_OFF,
    ORIGINS, PATH, PORT, SIZE, SWITCH, TRIES, WAIT,
};

/// What the flags, the environment and the file know of a setting: all but its type.
#[derive(Debug)]
pub(super) struct SettingSpec {
    /// The heading in `--help`.
    pub(super) group: &'static str,
    /// The key in the file. The flag is `--` and the key with dashes, the variable `CALLBOX_` and the key in capitals.
    pub(super) key: &'static str,
    /// One sentence, for `--help` and for the docs of the field.
    pub(super) help: &'static str,
    /// The default, as one would write it. Empty when it is to have no value.
    pub(super) default: &'static str,
    /// What stands for the value in `--help`.
    pub(super) placeholder: &'static str,
    /// How often the flag may be given, and whether it needs a value.
    pub(super) arity: value_type::Arity,
}

/// From one list: the layer that a builder fills, the resolved settings, and the rows for the sources made of text.
macro_rules! settings {
    ($($group:literal { $(#[doc = $help:literal] $key:ident: $type:ty = $value_type:ident, $default:literal;)+ })+) => {
        /// What one source says: nothing, by default.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct BuilderSettings {
            $($(#[doc = $help] pub(crate) $key: Option<$type>,)+)+
        }

        /// The resolved settings, and where each came from.
        #[derive(Clone, Debug)]
        pub(crate) struct Settings {
            $($(#[doc = $help] pub(crate) $key: $type,)+)+
            /// What `--show-settings` shows, in the order of the declaration.
            pub(super) shown: Vec<ResolvedValue>,
            /// The variables that were taken as not set, because a cluster sets them.
            pub(crate) ignored_variables: Vec<String>,
        }

        pub(super) const SETTINGS: &[SettingSpec] = &[$($(SettingSpec {
            group: $group,
            key: stringify!($key),
            help: $help,
            default: $default,
            placeholder: $value_type.placeholder,
            arity: $value_type.arity,
        },)+)+];

        impl Settings {
            pub(super) fn from_sources(sources: &Sources<'_>, builder: &BuilderSettings) -> Result<Self, StartError> {
                let mut shown = Vec::with_capacity(SETTINGS.len());
                Ok(Self {
                    $($($key: sources.pick(stringify!($key), &$value_type, builder.$key.as_ref(), $default, &mut shown)?,)+)+
                    shown,
                    ignored_variables: Vec::new(),
                })
            }
        }
    };
}

const DIALECT: value_type::ValueType<Dialect> = value_type::choice("DIALECT", "jsonrpc, pymicroservice or gemstone");
const STATUS: value_type::ValueType<ErrorStatus> = value_type::choice("STATUS", "ok or mapped");
const PLACEMENT: value_type::ValueType<Placement> = value_type::choice("PLACEMENT", "inline or actor");

settings! {
    "Address" {
        /// The address to listen on; 0.0.0.0 for every interface
        host: String = HOST, "127.0.0.1";
        /// The port to listen on; 0 picks a free one
        port: u16 = PORT, "5000";
        /// The path that takes the calls
        endpoint: String = ENDPOINT, "/api";
        /// The path at which GET gives the OpenRPC document, which tells callers what they may call; off for none
        openrpc: Option<String> = DOCUMENT, "/openrpc.json";
        /// The PEM file of the certificate, for TLS: the server's own first, then those that vouch for it. With --tls-key
        tls_cert: Option<PathBuf> = FILE, "";
        /// The PEM file of the certificate's key. Both files are read again when they change
        tls_key: Option<PathBuf> = FILE, "";
    }
    "Calls" {
        /// The shape of the answers: jsonrpc, or what callers of pymicroservice or gemstone expect
        dialect: Dialect = DIALECT, "jsonrpc";
        /// The HTTP status of JSON-RPC errors: ok (always 200), or mapped (401, 404, 503 …) for single calls
        error_status: ErrorStatus = STATUS, "ok";
        /// The file of the tokens that are good, made by `callbox token`; by default only if it is there and the program checks none
        tokens: Option<PathBuf> = FILE, "callbox-tokens.toml";
        /// The HTTP header that carries a caller's token
        token_header: String = HEADER, "X-Api-Token";
        /// Leaves the names of private methods out of get_service_specs
        hide_private: bool = SWITCH, "false";
    }
    "Limits" {
        /// The largest request body; a larger one is answered 413
        body_limit: usize = SIZE, "1MiB";
        /// The largest response; results beyond it are answered -32004
        response_limit: usize = SIZE, "10MiB";
        /// The most calls in one batch
        batch_limit: usize = COUNT, "100";
        /// The most objects and arrays within one another in one request; a deeper one is answered -32700
        depth_limit: usize = DEPTH, "127";
        /// The longest id; a longer one is answered -32600
        id_limit: usize = SIZE, "4KiB";
        /// The longest name of a method; a longer one is answered -32601
        method_limit: usize = SIZE, "256";
        /// How long a request body may take to arrive
        body_timeout: Duration = WAIT, "10s";
        /// How long a connection may be without a request before it is closed; longer than a balancer in front keeps it
        keep_alive: Duration = WAIT, "75s";
        /// The most connections at once; further ones are answered 503
        max_connections: usize = COUNT, "25000";
        /// The most connections at once from one peer address; its further ones are answered 503. Behind a proxy all have its address
        max_connections_per_peer: usize = COUNT, "5000";
        /// The most wrong tokens from one peer in a minute; its further ones are refused unseen. Off for any number
        token_failures: Option<NonZeroU32> = TRIES, "60";
    }
    "Who may connect" {
        /// The names that a Host header may carry. If none: only loopback names when listening on loopback, any otherwise
        allowed_hosts: Vec<String> = HOSTS, "";
        /// The origins of web pages that may call, beside the server's own: scheme, host and port; * for any
        allowed_origins: Vec<String> = ORIGINS, "";
        /// The request headers that such pages may send, beside content-type, authorization, request-timeout and the token's
        cors_headers: Vec<String> = HEADERS, "traceparent,tracestate,baggage,x-request-id";
        /// Keeps a connection whose client has closed its sending half; calls of clients that left then run to their end
        allow_half_closed: bool = SWITCH, "false";
    }
    "Threads" {
        /// The number of threads that serve HTTP
        workers: usize = CORES, "cores";
        /// The number of threads that run compute methods
        compute_threads: usize = CORES, "cores";
        /// Where short calls run: inline (on the thread where they arrive, if the service is idle) or actor (on its own)
        placement: Placement = PLACEMENT, "inline";
    }
    "Pages" {
        /// The directory of the handlebars templates
        templates: Option<PathBuf> = PATH, "";
        /// The directory in which relative paths of templates and static files start. If unset, the working directory, or else the program's
        assets: Option<PathBuf> = PATH, "";
        /// Reads changed templates again while the server runs
        watch_templates: bool = SWITCH, "false";
        /// The page at /console, to call methods and watch mailboxes: on or off. If unset, on when listening on loopback, off otherwise
        console: Option<bool> = ON_OFF, "";
    }
    "Running" {
        /// How long a server that is to stop goes on as before, not ready, so that a balancer looks elsewhere
        shutdown_delay: Duration = DURATION, "0s";
        /// How long a stop waits for the calls that were let in
        shutdown_timeout: Duration = DURATION, "25s";
        /// What is logged, as in RUST_LOG: a level, or levels of modules, such as warn,callbox=debug
        log: String = FILTER, "info,actix_server=warn";
    }
}
