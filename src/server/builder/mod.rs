//! The builder methods of the settings, in the order of `settings/table.rs`; a test of `settings`
//! holds the order. Those of the group "Limits" are in [`limits`].
//!
//! The methods without a setting (services, routes, static files, further endpoints) are in
//! `server/mod.rs`.

mod limits;

use std::path::PathBuf;
use std::time::Duration;

use crate::auth::Authenticate;
use crate::engine::Placement;
use crate::http::ErrorStatus;
use crate::jsonrpc::Dialect;
use crate::log::LogFormat;
use crate::settings::{MetricsPlace, NatsUrl};
use crate::start_error::StartError;

use super::Server;
use super::token_checker::TokenChecker;

impl Server {
    /// Sets the address to listen on, as `host:port`. Default: `127.0.0.1:5000`.
    ///
    /// Port 0 picks a free port, and the host `0.0.0.0` stands for every interface. Write an IPv6
    /// address in brackets: `.bind("[::1]:5000")`. An address without a host or a port is an error
    /// at the start.
    pub fn bind(mut self, address: &str) -> Self {
        let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match parts {
            Some((host, port)) if !host.is_empty() => {
                self.settings.host = Some(host.trim_matches(['[', ']']).to_owned());
                self.settings.port = Some(Some(port));
            }
            _ => {
                let what = format_args!("cannot listen on `{address}`");
                self.mistake =
                    Some(StartError::new(what, "write .bind(\"127.0.0.1:5000\"): a host, a colon and a port"));
            }
        }
        self
    }

    /// Sets the path of the first endpoint, which takes calls by `POST`. Default: `/api`.
    ///
    /// For further endpoints see [`add_endpoint`](Self::add_endpoint).
    pub fn endpoint(mut self, path: &str) -> Self {
        self.settings.endpoint = Some(path.to_owned());
        self
    }

    /// Sets the path that serves the OpenRPC document by `GET`; `None` serves it nowhere. Default:
    /// `/openrpc.json`, wherever the endpoint is.
    ///
    /// The document is the result of the method `rpc.discover`. Callers without a token see the
    /// public methods, other callers those that they may call. If a route or a static file of the
    /// program has the same path, the server does not start.
    pub fn openrpc<'a>(mut self, path: impl Into<Option<&'a str>>) -> Self {
        self.settings.openrpc = Some(path.into().map(str::to_owned));
        self
    }

    /// Sets the URL at which clients reach the server, if it is not the address that the server
    /// listens on: `.public_url("https://example.org/shop")`. Default: none.
    ///
    /// It stands wherever the server gives its address: as `servers` in the OpenRPC document, in
    /// `get_service_specs`, in the log, and in the snippets of the console. The endpoint is below
    /// it. With a path, as above, a proxy is expected to remove `/shop` from what it passes on. A
    /// `Host` header with its name is accepted only if [`allowed_hosts`](Self::allowed_hosts) has
    /// it.
    pub fn public_url(mut self, url: &str) -> Self {
        let url = url.trim_end_matches('/');
        self.settings.public_url = Some((!url.is_empty()).then(|| url.to_owned()));
        self
    }

    /// Sets the name of the whole server, for the OpenRPC document and the console. Default: the
    /// name of its service, or of all of them.
    pub fn title(mut self, title: &str) -> Self {
        self.settings.title = Some((!title.is_empty()).then(|| title.to_owned()));
        self
    }

    /// Serves HTTPS, with a certificate and its key from two PEM files:
    /// `.tls("cert.pem", "key.pem")`. Default: plain HTTP.
    ///
    /// The certificate file has the server's own certificate first, then its intermediate ones.
    /// When the files change, new connections get the new pair within a few seconds. If the new
    /// pair is broken, the previous one stays in use, and the log has an error. The server speaks
    /// TLS 1.2 and 1.3, and HTTP/1.1.
    ///
    /// Needs the feature `tls`: without it, and if the files cannot be used, the server does not
    /// start. A server in a test ([`testing::start`](crate::testing::start)) never uses TLS.
    pub fn tls(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.settings.tls_cert = Some(Some(certificate.into()));
        self.settings.tls_key = Some(Some(key.into()));
        self
    }

    /// Sets the dialect of the responses on the first endpoint. Default: [`Dialect::Jsonrpc`].
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.settings.dialect = Some(dialect);
        self
    }

    /// Sets which HTTP status an error response has. Default: [`ErrorStatus::Ok`], always 200.
    pub fn error_status(mut self, status: ErrorStatus) -> Self {
        self.settings.error_status = Some(status);
        self
    }

    /// Sets the authenticator, which checks tokens: a closure from the token to `bool`, or a type
    /// that implements [`Authenticate`], such as [`Tokens`](crate::auth::Tokens). Default: none;
    /// then a server with private methods does not start.
    ///
    /// A closure, as in `.tokens(|token: &str| token == "secret")`, must be quick. A lookup that
    /// takes time belongs in an [`Authenticate`], which can await it. A token file named by a flag,
    /// the environment or a file of settings overrides the authenticator; together with
    /// [`token_file`](Self::token_file) it is an error at the start.
    pub fn tokens<A: Authenticate>(mut self, authenticator: A) -> Self {
        self.token_checker = Some(TokenChecker::new(authenticator));
        self
    }

    /// Checks tokens with a file of their hashes, which the command `callbox token` writes; see
    /// [`Tokens`](crate::auth::Tokens). Use it instead of [`tokens`](Self::tokens).
    ///
    /// Default: `callbox-tokens.toml`, if the file exists, the program has no authenticator, and it
    /// takes settings [from outside](Self::with_args); else none.
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.tokens = Some(Some(path.into()));
        self
    }

    /// Sets the HTTP header that carries a token. Default: `X-Api-Token`.
    ///
    /// `Authorization: Bearer …` is always accepted, too.
    pub fn token_header(mut self, name: &str) -> Self {
        self.settings.token_header = Some(name.to_owned());
        self
    }

    /// Sets whether `get_service_specs` leaves out private methods. Default: false.
    pub fn hide_private(mut self, hide: bool) -> Self {
        self.settings.hide_private = Some(hide);
        self
    }

    /// Says where a service is that those of this server call: `.remote("prices", url)`, with the
    /// URL of its endpoint, such as `http://10.0.0.7:5000/api`. Default: none.
    ///
    /// A method that takes `&PricesClient` calls it there, as it would call a service of this
    /// server. Its calls carry the rest of their deadline, the id of the request, and the services
    /// that wait for them, so a circle of waiting is refused across processes. A service of this
    /// server cannot be elsewhere as well: both are an error at the start.
    ///
    /// Needs the feature `client`, or `client-tls` for `https://`.
    pub fn remote(mut self, name: &str, url: &str) -> Self {
        self.settings.remote.get_or_insert_default().push(format!("{name}={url}"));
        self
    }

    /// Sets the file of the token that this server presents to the services that
    /// [`remote`](Self::remote) names. Default: none.
    ///
    /// The file has the token and nothing else, and is read at the start.
    pub fn service_token(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.service_token = Some(Some(path.into()));
        self
    }

    /// Sets the addresses of NATS servers, over which the instances of the services on several
    /// machines share their calls: `.nats("nats://127.0.0.1:4222")`. Default: none.
    ///
    /// See the page [Several machines](crate::guide::several_machines). Several addresses are
    /// separated by commas. A name and a password may be in them, or a token:
    /// `nats://user:password@10.0.0.7`. A service whose name begins with `_` cannot be on NATS: it
    /// is an error at the start, and so is a server of NATS that cannot be reached.
    ///
    /// Needs the feature `nats`.
    pub fn nats(mut self, url: &str) -> Self {
        self.settings.nats = Some(Some(NatsUrl::new(url)));
        self
    }

    /// Sets the first token of all subjects on NATS, or several with dots between. Default:
    /// `callbox`. Programs with different prefixes do not see each other.
    pub fn nats_prefix(mut self, prefix: &str) -> Self {
        self.settings.nats_prefix = Some(prefix.to_owned());
        self
    }

    /// Sets the file of credentials for NATS, as `nsc` writes it: a JWT and the key of a user.
    /// Default: none.
    pub fn nats_creds(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.nats_creds = Some(Some(path.into()));
        self
    }

    /// Sets the PEM file of the authorities that are trusted for NATS. Default: those that the
    /// system trusts.
    pub fn nats_ca(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.nats_ca = Some(Some(path.into()));
        self
    }

    /// Sets the PEM files of the certificate for NATS servers that ask for one, and of its key.
    /// Default: none.
    pub fn nats_cert(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.settings.nats_cert = Some(Some(certificate.into()));
        self.settings.nats_key = Some(Some(key.into()));
        self
    }

    /// Sets the host names that a `Host` header may carry, as in `["api.example.org"]`. Default:
    /// loopback names for requests over loopback, any name for others.
    ///
    /// A request for another host is answered with 421. The check keeps web pages from reaching a
    /// local server through a host name of their own (DNS rebinding).
    pub fn allowed_hosts<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.settings.allowed_hosts = Some(names.into_iter().map(str::to_owned).collect());
        self
    }

    /// Sets the origins of web pages that may call, in addition to the server's own; `*` for any.
    /// Default: none.
    ///
    /// `.allowed_origins(["https://app.example.org"])`. A server that listens on loopback and has
    /// public methods does not start with `*`: any web page could call them.
    pub fn allowed_origins<'a>(mut self, origins: impl IntoIterator<Item = &'a str>) -> Self {
        self.settings.allowed_origins = Some(origins.into_iter().map(str::to_owned).collect());
        self
    }

    /// Sets the request headers that pages of the [`allowed_origins`](Self::allowed_origins) may
    /// send, besides `Content-Type`, `Authorization`, `Request-Timeout` and the token header; `*`
    /// for any. Default: `traceparent`, `tracestate`, `baggage` and `x-request-id`.
    pub fn cors_headers<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.settings.cors_headers = Some(names.into_iter().map(str::to_owned).collect());
        self
    }

    /// Sets the addresses of the proxies in front, and networks of them: `["10.0.0.7",
    /// "fd00::/8"]`. Default: none.
    ///
    /// A request from such an address counts as that of the client which the proxies name in
    /// `X-Forwarded-For` or `Forwarded` (RFC 7239): for [`token_failures`](Self::token_failures),
    /// in the log, and in [`CallContext::peer`](crate::CallContext::peer). That client is the last
    /// address of the list that is none of these proxies. An entry that is no address ends the
    /// search at the proxy which wrote it. If both headers are there and name different clients,
    /// neither is believed. From all other addresses the headers are ignored, as by default.
    ///
    /// The number of connections from such an address is limited by
    /// [`max_connections`](Self::max_connections) only. Networks are written in CIDR notation, by
    /// their first address; anything else is an error at the start.
    pub fn trusted_proxies<'a>(mut self, ranges: impl IntoIterator<Item = &'a str>) -> Self {
        self.settings.trusted_proxies = Some(ranges.into_iter().map(str::to_owned).collect());
        self
    }

    /// Sets whether a connection stays open after its client has closed the sending half. Default:
    /// false.
    ///
    /// If true, the calls of clients that have disconnected run to their end.
    pub fn allow_half_closed(mut self, allow: bool) -> Self {
        self.settings.allow_half_closed = Some(allow);
        self
    }

    /// Sets the number of threads that serve HTTP. Default: the number of cores.
    pub fn workers(mut self, threads: usize) -> Self {
        self.settings.workers = Some(threads);
        self
    }

    /// Sets the number of threads that run `compute` methods. Default: the number of cores.
    pub fn compute_threads(mut self, threads: usize) -> Self {
        self.settings.compute_threads = Some(threads);
        self
    }

    /// Sets where short calls run. Default: [`Placement::Inline`].
    pub fn placement(mut self, placement: Placement) -> Self {
        self.settings.placement = Some(placement);
        self
    }

    /// Sets the directory of the handlebars templates: `*.hbs` in it and below. Default: none.
    ///
    /// A relative path starts in [`assets`](Self::assets).
    pub fn templates(mut self, directory: impl Into<PathBuf>) -> Self {
        self.settings.templates = Some(Some(directory.into()));
        self
    }

    /// Sets the directory in which relative paths of [`templates`](Self::templates) and
    /// [`static_files`](Self::static_files) start. Default: the working directory, or, for what is
    /// not there, the directory of the program.
    pub fn assets(mut self, directory: impl Into<PathBuf>) -> Self {
        self.settings.assets = Some(Some(directory.into()));
        self
    }

    /// Sets whether changed templates are read again while the server runs, and whether their
    /// mistakes are shown on the page. Default: false.
    pub fn watch_templates(mut self, watch: bool) -> Self {
        self.settings.watch_templates = Some(watch);
        self
    }

    /// Sets whether the server has the console at `/console`, a page to call methods and watch
    /// mailboxes. Default: only if the server listens on loopback.
    ///
    /// The page calls methods as any caller does, with the token that is typed in. It shows the
    /// mailboxes to callers with a valid token, or to everybody if the server checks no tokens. By
    /// default the console gives way to a route of the program at the same path; if it is switched
    /// on, such a route is an error at the start.
    pub fn console(mut self, on: bool) -> Self {
        self.settings.console = Some(Some(on));
        self
    }

    /// Sets where the server shows its [metrics](mod@crate::metrics): a path, such as `/metrics`,
    /// for callers with a valid token, or for everybody if the server checks no tokens; an address,
    /// such as `0.0.0.0:9100`, for a listener of their own without tokens, which has the health
    /// checks as well; or `off`. Default: `/metrics`, only if the server listens on loopback.
    ///
    /// A place that is none of these is an error at the start.
    pub fn metrics_at(mut self, place: &str) -> Self {
        match MetricsPlace::read(place) {
            Some(place) => self.settings.metrics = Some(Some(place)),
            None => {
                let what = format_args!("the metrics cannot be at `{place}`");
                let fix = "give .metrics_at(…) a path such as /metrics, an address such as 0.0.0.0:9100, or off";
                self.mistake = Some(StartError::new(what, fix));
            }
        }
        self
    }

    /// Sets how long the server goes on as before when SIGTERM or SIGHUP asks it to stop, while
    /// `/health/ready` answers 503. Default: 0.
    ///
    /// Behind a load balancer it should be as long as the balancer takes to see the 503 and to send
    /// calls elsewhere: the interval of its probes, times the failures that it waits for. After the
    /// delay the [shutdown](Self::shutdown_timeout) begins. Ctrl-c skips the delay, and a second
    /// signal cuts it short.
    pub fn shutdown_delay(mut self, time: Duration) -> Self {
        self.settings.shutdown_delay = Some(time);
        self
    }

    /// Sets the maximum time that a stop waits for the admitted calls. Default: 25 s.
    pub fn shutdown_timeout(mut self, time: Duration) -> Self {
        self.settings.shutdown_timeout = Some(time);
        self
    }

    /// Sets the format of the log. Default: [`LogFormat::Text`].
    ///
    /// It has no effect in a program that sets up a subscriber of `tracing` itself.
    pub fn log_format(mut self, format: LogFormat) -> Self {
        self.settings.log_format = Some(format);
        self
    }

    /// Sets whether each request to an endpoint, and each message of a WebSocket, has a line in the
    /// log, at info and with the target `callbox::access`. Default: false.
    ///
    /// The line has the peer, the methods, the ids, the HTTP status, the error code, the sizes in
    /// bytes and the duration in microseconds; see [the
    /// guide](crate::guide::monitoring#access-log). It never has a token, a parameter or a result.
    pub fn access_log(mut self, on: bool) -> Self {
        self.settings.access_log = Some(on);
        self
    }
}
