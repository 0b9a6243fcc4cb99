//! The builder methods of the settings, in the order of `settings/table.rs`, which a test of the
//! settings holds.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::auth::Authenticate;
use crate::engine::Placement;
use crate::http::ErrorStatus;
use crate::jsonrpc::Dialect;
use crate::start_error::StartError;

use super::Server;
use super::token_checker::TokenChecker;

impl Server {
    /// Where to listen: `host:port`, with port 0 for a free one. Default: `127.0.0.1:5000`.
    pub fn bind(mut self, address: &str) -> Self {
        let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match parts {
            Some((host, port)) if !host.is_empty() => {
                self.settings.host = Some(host.trim_matches(['[', ']']).to_owned());
                self.settings.port = Some(port);
            }
            _ => {
                let what = format_args!("cannot listen on `{address}`");
                self.mistake =
                    Some(StartError::new(what, "write .bind(\"127.0.0.1:5000\"): a host, a colon and a port"));
            }
        }
        self
    }

    /// The path that takes the calls. Default: `/api`.
    pub fn endpoint(mut self, path: &str) -> Self {
        self.settings.endpoint = Some(path.to_owned());
        self
    }

    /// The path at which `GET` gives the OpenRPC document, the same that the method `rpc.discover` answers; `None` for no such
    /// path. Default: `/openrpc.json`, wherever the endpoint is.
    ///
    /// The document tells callers without a token of the public methods, and others of those that they may call. A route or a
    /// static file of your own at the same path stops the start.
    pub fn openrpc<'a>(mut self, path: impl Into<Option<&'a str>>) -> Self {
        self.settings.openrpc = Some(path.into().map(str::to_owned));
        self
    }

    /// Speaks TLS, with a certificate and its key from two PEM files: `.tls("cert.pem", "key.pem")`. Default: none, plain HTTP.
    ///
    /// The certificate's file has the server's own first, then those that vouch for it. When the files change, new connections
    /// get the new pair within some seconds; if it is broken, the one before stays, and the log has an error. TLS 1.2 and 1.3,
    /// HTTP/1.1.
    ///
    /// Needs the feature `tls`; without it, and if the files cannot be used, the server does not start. A server in a test
    /// ([`testing::start`](crate::testing::start)) never speaks TLS.
    pub fn tls(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.settings.tls_cert = Some(Some(certificate.into()));
        self.settings.tls_key = Some(Some(key.into()));
        self
    }

    /// The shape of the answers on that path. Default: [`Dialect::Jsonrpc`].
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.settings.dialect = Some(dialect);
        self
    }

    /// The HTTP status of answers that are errors. Default: [`ErrorStatus::Ok`].
    pub fn error_status(mut self, status: ErrorStatus) -> Self {
        self.settings.error_status = Some(status);
        self
    }

    /// Says who checks tokens: a closure from the token to `bool`, or a type with [`Authenticate`], such as
    /// [`Tokens`](crate::auth::Tokens). Default: nobody, and then a service with private methods stops the start.
    ///
    /// A closure must be quick; a look-up that takes time belongs into an [`Authenticate`], where it can be awaited. A
    /// [`token_file`](Self::token_file) that a setting names overrides it.
    pub fn tokens<A: Authenticate>(mut self, authenticator: A) -> Self {
        self.token_checker = Some(TokenChecker::new(authenticator));
        self
    }

    /// Has tokens checked with a file of their hashes, which the command `callbox token` makes; see [`Tokens`](crate::auth::Tokens).
    /// Instead of [`tokens`](Self::tokens).
    ///
    /// Default: `callbox-tokens.toml`, if it is there, the program has no `tokens`, and takes settings
    /// [from outside](Self::with_args); else none.
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.tokens = Some(Some(path.into()));
        self
    }

    /// The HTTP header that carries a token. Default: `X-Api-Token`. `Authorization: Bearer …` always may.
    pub fn token_header(mut self, name: &str) -> Self {
        self.settings.token_header = Some(name.to_owned());
        self
    }

    /// Leaves private methods out of `get_service_specs`. Default: false.
    pub fn hide_private(mut self, hide: bool) -> Self {
        self.settings.hide_private = Some(hide);
        self
    }

    /// The largest request body, in bytes. Default: 1 MiB. Larger ones are answered 413.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.settings.body_limit = Some(bytes);
        self
    }

    /// The largest response, in bytes of results. Default: 10 MiB. Results beyond it are answered -32004.
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.settings.response_limit = Some(bytes);
        self
    }

    /// The most calls in one batch. Default: 100.
    pub fn batch_limit(mut self, members: usize) -> Self {
        self.settings.batch_limit = Some(members);
        self
    }

    /// The most objects and arrays within one another in one request, itself included: from 1 to 127. Default: 127. A deeper
    /// request is answered -32700.
    pub fn depth_limit(mut self, levels: usize) -> Self {
        self.settings.depth_limit = Some(levels);
        self
    }

    /// The longest id, in bytes as it is sent. Default: 4 KiB. A request with a longer one is answered -32600.
    pub fn id_limit(mut self, bytes: usize) -> Self {
        self.settings.id_limit = Some(bytes);
        self
    }

    /// The longest name of a method, in bytes. Default: 256. A call of a longer one is answered -32601; a service that has such
    /// a method stops the start.
    pub fn method_limit(mut self, bytes: usize) -> Self {
        self.settings.method_limit = Some(bytes);
        self
    }

    /// How long a request body may take to arrive. Default: 10 s.
    pub fn body_timeout(mut self, time: Duration) -> Self {
        self.settings.body_timeout = Some(time);
        self
    }

    /// How long a connection may be without a request before it is closed. Default: 75 s.
    ///
    /// A balancer in front that keeps idle connections for longer than the server does may send a call
    /// on one that is being closed, and answer its caller 502. So this should be more than the
    /// balancer's own limit, which is 60 s with many.
    pub fn keep_alive(mut self, time: Duration) -> Self {
        self.settings.keep_alive = Some(time);
        self
    }

    /// The most connections at once. Default: 25,000. Further ones are answered 503.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = Some(connections);
        self
    }

    /// The most connections at once from one peer address. Default: 5,000. Its further ones are answered 503.
    ///
    /// An IPv6 network of 64 bits is one peer. Behind a proxy all callers have the address of the proxy: there this should be as
    /// much as [`max_connections`](Self::max_connections), and the proxy set the limit.
    pub fn max_connections_per_peer(mut self, connections: usize) -> Self {
        self.settings.max_connections_per_peer = Some(connections);
        self
    }

    /// How many wrong tokens one peer address may send in a minute; `None` for any number. Default: 60.
    ///
    /// A peer's tokens that are being asked about count, too, until they are found to be good: so no
    /// more wrong ones are looked at when they are sent at the same time. Of the different tokens of
    /// one peer that the authenticator has not decided on, so many are asked about at a time; others
    /// wait for them.
    ///
    /// Beyond the limit its tokens count as wrong, without anybody looking at them, until it has paused: a second for each further
    /// one that it may send, with the default. An IPv6 network of 64 bits is one peer. Behind a proxy all callers have the
    /// address of the proxy, so one that has lost its token can shut out the others: there the proxy should set the limit, and
    /// this be `None`.
    pub fn token_failures(mut self, a_minute: impl Into<Option<u32>>) -> Self {
        match a_minute.into().map(NonZeroU32::new) {
            None => self.settings.token_failures = Some(None),
            Some(Some(tries)) => self.settings.token_failures = Some(Some(tries)),
            Some(None) => {
                let fix = "allow one at least, or give None for any number";
                self.mistake = Some(StartError::new(".token_failures(0) allows no wrong token", fix));
            }
        }
        self
    }

    /// The names that a `Host` header may carry. Default: loopback names when listening on loopback, any otherwise.
    pub fn allowed_hosts<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.settings.allowed_hosts = Some(names.into_iter().map(str::to_owned).collect());
        self
    }

    /// The origins of web pages that may call, beside the server's own. Default: none. `*` is for
    /// any.
    ///
    /// Any page may call over loopback only if every method is private: a server that listens
    /// there, and has public ones, does not start with `*`.
    pub fn allowed_origins<'a>(mut self, origins: impl IntoIterator<Item = &'a str>) -> Self {
        self.settings.allowed_origins = Some(origins.into_iter().map(str::to_owned).collect());
        self
    }

    /// The request headers that pages of the [`allowed_origins`](Self::allowed_origins) may send, beside
    /// `Content-Type`, `Authorization`, `Request-Timeout` and that of the token. Default:
    /// `traceparent`, `tracestate`, `baggage` and `x-request-id`. `*` is for any.
    pub fn cors_headers<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.settings.cors_headers = Some(names.into_iter().map(str::to_owned).collect());
        self
    }

    /// Keeps connections whose client has closed its sending half. Default: false. The calls of clients that left then run
    /// to their end.
    pub fn allow_half_closed(mut self, allow: bool) -> Self {
        self.settings.allow_half_closed = Some(allow);
        self
    }

    /// The number of threads that serve HTTP. Default: the number of cores.
    pub fn workers(mut self, threads: usize) -> Self {
        self.settings.workers = Some(threads);
        self
    }

    /// The number of threads that run `compute` methods. Default: the number of cores.
    pub fn compute_threads(mut self, threads: usize) -> Self {
        self.settings.compute_threads = Some(threads);
        self
    }

    /// Where calls run. Default: [`Placement::Inline`].
    pub fn placement(mut self, placement: Placement) -> Self {
        self.settings.placement = Some(placement);
        self
    }

    /// The directory of the handlebars templates, `*.hbs` in it and below. Default: none. For one
    /// that is not absolute see [`assets`](Self::assets).
    pub fn templates(mut self, directory: impl Into<PathBuf>) -> Self {
        self.settings.templates = Some(Some(directory.into()));
        self
    }

    /// The directory in which those of the [`templates`](Self::templates) and of the
    /// [`static_files`](Self::static_files) start that are not absolute. Default: the working
    /// directory, and for what is not there that of the program.
    pub fn assets(mut self, directory: impl Into<PathBuf>) -> Self {
        self.settings.assets = Some(Some(directory.into()));
        self
    }

    /// Reads changed templates again while the server runs, and shows mistakes in them on the page. Default: false.
    pub fn watch_templates(mut self, watch: bool) -> Self {
        self.settings.watch_templates = Some(watch);
        self
    }

    /// Serves the console at `/console`: a page to call methods and watch mailboxes. Default: if the server listens on loopback.
    ///
    /// It calls methods as any caller does, with the token that is typed in, and shows mailboxes to callers with a valid token;
    /// to anybody if the server checks none. By default it gives way to a route of the program's own at that path; if it is
    /// switched on, such a route stops the start.
    pub fn console(mut self, on: bool) -> Self {
        self.settings.console = Some(Some(on));
        self
    }

    /// How long the server goes on as before when SIGTERM or SIGHUP asks it to stop, while `/health/ready` is 503. Default: 0.
    ///
    /// Behind a balancer it should be as long as that takes to see the 503 and to send its calls elsewhere: its pause between
    /// probes, times the failures that it waits for. Afterwards the [drain](Self::shutdown_timeout) begins. Ctrl-c skips the delay, and a
    /// second signal cuts it short.
    pub fn shutdown_delay(mut self, time: Duration) -> Self {
        self.settings.shutdown_delay = Some(time);
        self
    }

    /// How long a stop waits for the calls that were let in. Default: 25 s.
    pub fn shutdown_timeout(mut self, time: Duration) -> Self {
        self.settings.shutdown_timeout = Some(time);
        self
    }
}
