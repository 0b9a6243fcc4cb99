//! The layers from the bottom up, and what each may know.

/// What the code of one top-level module may name, besides itself and `std`.
pub(crate) struct Layer {
    pub(crate) module: &'static str,
    /// Other modules of ours, or single items of them.
    pub(crate) knows: &'static [&'static str],
    /// Crates that few may know. All others are free.
    pub(crate) crates: &'static [&'static str],
}

/// From the bottom up: a layer knows only what stands before it in this list.
pub(crate) const LAYERS: &[Layer] = &[
    // Has a macro that is in scope everywhere.
    Layer { module: "choice", knows: &[], crates: &[] },
    Layer { module: "sync", knows: &[], crates: &["futures", "parking_lot"] },
    // Nobody else logs, so that no line does harm: all others have its macros.
    Layer { module: "log", knows: &["sync"], crates: &["callbox_client", "tracing", "tracing_subscriber"] },
    // Makes spans, which nobody else does.
    Layer {
        module: "trace",
        knows: &["log", "sync"],
        crates: &["callbox_client", "opentelemetry", "tracing", "tracing_opentelemetry"],
    },
    // The wire: no async, no HTTP.
    Layer { module: "jsonrpc", knows: &[], crates: &["callbox_client", "memchr"] },
    Layer { module: "start_error", knows: &[], crates: &[] },
    Layer { module: "peer", knows: &[], crates: &[] },
    Layer { module: "regular_file", knows: &[], crates: &["libc"] },
    Layer {
        module: "auth",
        knows: &["log", "peer", "regular_file", "start_error", "sync"],
        crates: &[
            "actix",
            "aws_lc_rs",
            "futures",
            "getrandom",
            "jsonwebtoken",
            "parking_lot",
            "sha2",
            "subtle",
            "time",
            "tokio",
            "toml",
        ],
    },
    Layer {
        module: "service",
        knows: &["auth::Caller", "jsonrpc", "peer", "start_error::BoxError", "sync"],
        crates: &["callbox_client", "futures", "tokio"],
    },
    // What dispatch and engine know of each other.
    Layer { module: "route", knows: &["jsonrpc", "service", "sync"], crates: &["callbox_client", "futures"] },
    Layer {
        module: "measure",
        knows: &[
            "auth::CheckedTokens",
            "jsonrpc::RpcError",
            "jsonrpc::code",
            "log",
            "route",
            "service::CallContext",
            "sync",
            "trace",
        ],
        crates: &["tokio"],
    },
    // Knows no actor, and of the wire no more than errors, and what the results of a batch hold.
    Layer {
        module: "mailbox",
        knows: &[
            "jsonrpc::PendingResults",
            "jsonrpc::ResultLease",
            "jsonrpc::RpcError",
            "jsonrpc::code",
            "log",
            "measure",
            "route",
            "service",
            "sync",
            "trace",
        ],
        crates: &["tokio"],
    },
    Layer {
        module: "engine",
        knows: &[
            "auth::Caller",
            "jsonrpc",
            "log",
            "mailbox",
            "measure",
            "route",
            "service",
            "start_error::BoxError",
            "sync",
            "trace",
        ],
        crates: &["actix", "callbox_client", "coarsetime", "crossbeam_channel", "futures", "parking_lot", "tokio"],
    },
    Layer { module: "router", knows: &["route", "service", "start_error", "sync"], crates: &["rustc_hash"] },
    // The live data of the console, for any transport.
    Layer {
        module: "console",
        knows: &[
            "engine",
            "measure::InstanceStats",
            "measure::ServerCounters",
            "measure::ConnectionStats",
            "measure::Histogram",
            "sync",
        ],
        crates: &["futures", "parking_lot", "tokio"],
    },
    // Methods of our own: routes that answer from what they know.
    Layer {
        module: "builtin",
        knows: &[
            "engine::ServiceStats",
            "auth::Caller",
            "console",
            "jsonrpc",
            "measure::ConnectionCounters",
            "route",
            "service",
            "sync",
        ],
        crates: &["callbox_client", "futures"],
    },
    // To collectors, with the feature `otel`.
    Layer {
        module: "otel",
        knows: &["log", "start_error", "sync", "trace"],
        crates: &[
            "opentelemetry",
            "opentelemetry_http",
            "opentelemetry_otlp",
            "opentelemetry_sdk",
            "rustls",
            "tokio",
            "tracing",
            "tracing_opentelemetry",
            "tracing_subscriber",
            "ureq",
        ],
    },
    // The statistics in the formats of scrapers, for any transport.
    Layer {
        module: "metrics",
        knows: &["engine", "jsonrpc::RpcError", "log", "measure", "service", "sync", "trace"],
        crates: &["parking_lot", "prometheus_client"],
    },
    // What a service publishes, for any connection.
    Layer {
        module: "topic",
        knows: &["jsonrpc::RpcError", "log", "mailbox::wake", "service", "sync"],
        crates: &["callbox_client", "getrandom", "rustc_hash", "tokio"],
    },
    // For any transport, so it knows none.
    Layer {
        module: "dispatch",
        knows: &["auth", "jsonrpc", "log", "mailbox", "measure", "route", "router", "service", "sync", "trace"],
        crates: &["callbox_client", "futures", "parking_lot", "rustc_hash", "smallvec", "tokio"],
    },
    // The other transport.
    Layer {
        module: "nats",
        knows: &[
            "engine::MethodStats",
            "engine::ServiceStats",
            "dispatch",
            "jsonrpc",
            "log",
            "measure",
            "route",
            "service",
            "sync",
            "trace::Sampling",
        ],
        crates: &["async_nats", "bytes", "callbox_client", "futures", "memchr", "time", "tokio"],
    },
    // The transport that is always there. Its extractor hands out `ServiceRef`s, and one of its
    // routes serves the OpenRPC document.
    Layer {
        module: "http",
        knows: &[
            "engine::ServiceRef",
            "builtin::Discover",
            "dispatch",
            "jsonrpc",
            "log",
            "measure",
            "metrics",
            "peer",
            "regular_file",
            "service",
            "start_error",
            "topic::wake_by_thread",
            "trace::Sampling",
        ],
        crates: &[
            "actix",
            "actix_files",
            "actix_http",
            "actix_service",
            "actix_web",
            "base64",
            "callbox_client",
            "futures",
            "handlebars",
            "memchr",
            "parking_lot",
            "rustls",
            "sha1",
            "sha2",
            "socket2",
            "tokio",
            "tokio_rustls",
        ],
    },
    // The types of a few settings belong to those who act on them.
    Layer {
        module: "settings",
        knows: &[
            "engine::Placement",
            "http::ErrorStatus",
            "jsonrpc::Dialect",
            "jsonrpc::MAX_DEPTH",
            "log::LogFormat",
            "peer::AddressRange",
            "regular_file",
            "start_error",
        ],
        crates: &["clap", "strsim", "toml", "tracing_subscriber"],
    },
    // The only one that sees settings.
    Layer {
        module: "server",
        knows: &[
            "engine",
            "auth",
            "builtin",
            "console",
            "dispatch",
            "http",
            "jsonrpc",
            "log",
            "measure",
            "metrics",
            "nats",
            "otel",
            "regular_file",
            "route",
            "router",
            "service",
            "settings",
            "start_error",
            "sync",
            "trace",
        ],
        crates: &[
            "actix",
            "actix_web",
            "callbox_client",
            "futures",
            "handlebars",
            "socket2",
            "tokio",
            "tracing",
            "tracing_subscriber",
        ],
    },
    Layer {
        module: "testing",
        knows: &[
            "start_error::BoxError",
            "engine::ServiceRef",
            "engine::ServiceStats",
            "auth",
            "jsonrpc",
            "measure::ConnectionStats",
            "server",
            "service",
        ],
        crates: &["actix", "callbox_client", "tokio", "ureq"],
    },
    // Pages, and no code.
    Layer { module: "guide", knows: &[], crates: &[] },
    // The other end of the wire, which is a crate of its own.
    Layer { module: "client", knows: &["service::Serves"], crates: &["callbox_client"] },
    // A facade: one path for the statistics that two rooms own.
    Layer { module: "stats", knows: &["engine", "measure"], crates: &[] },
    // What the macros' code calls.
    Layer { module: "__private", knows: &["service"], crates: &["actix", "callbox_client", "futures"] },
    // The fuzz targets call it.
    Layer { module: "__fuzzing", knows: &["http", "jsonrpc", "settings", "start_error"], crates: &["actix_web"] },
];

/// Crates that any module may use: they do nothing by themselves.
pub(crate) const FREE: &[&str] =
    &["percent_encoding", "pin_project_lite", "schemars", "serde", "serde_json", "thiserror", "callbox_macros"];
