//! Who may reach an endpoint at all: `Host` against DNS rebinding, `Origin` against pages of other sites, and CORS for the
//! pages that are welcome.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};

use crate::jsonrpc::beginning;
use crate::log::Seldom;
use crate::start_error::StartError;

use super::authority::{Authority, Origin};
use super::refusal::Refusal;

/// The rules of one server.
#[derive(Debug)]
pub(crate) struct Guard {
    hosts: Hosts,
    origins: Origins,
    allowed_headers: HeaderValue,
    /// When a host that is refused was last told of.
    strange_host: Seldom,
}

/// How often a host that is refused is told of. Whoever set up a proxy needs one line, and whoever scans a network gets no more.
const STRANGE_HOST: Duration = Duration::from_secs(60);

/// Maximum length of a host in the log, in bytes.
const SHOWN: usize = 100;

#[derive(Debug)]
enum Hosts {
    /// Loopback names for a request that came in over loopback, any name for others.
    Unset,
    Any,
    Listed(Vec<Authority<'static>>),
}

#[derive(Debug)]
enum Origins {
    Listed(Vec<Origin<'static>>),
    /// Pages of any origin may call.
    Any {
        over_loopback: bool,
    },
}

/// What web pages of other origins may do.
#[derive(Debug)]
pub(crate) struct Cors<'a, T> {
    /// The origins whose pages may call; `*` among them allows any.
    pub(crate) origins: &'a [T],
    /// The request headers that such a page may send, beside those that the server itself reads.
    pub(crate) headers: &'a [T],
    /// Whether `*` holds for a connection over loopback, too. Whoever may open one is trusted more
    /// than the rest of the world, and a page in a browser on this machine can.
    pub(crate) any_over_loopback: bool,
}

/// The origin that a request was let in for, if its page belongs to another site and is listed: CORS headers are due.
#[derive(Debug, PartialEq)]
pub(crate) struct Admitted(Option<HeaderValue>);

impl Guard {
    /// All lists are as the settings have them; an empty one is an unset one. `*` among the hosts
    /// allows any.
    ///
    /// # Errors
    /// When an entry can match nothing: a host with a scheme or path, an origin without a scheme or with a path.
    pub(crate) fn new<T: AsRef<str>>(
        hosts: &[T],
        cors: &Cors<'_, T>,
        token_header: &HeaderName,
    ) -> Result<Self, StartError> {
        let listed = hosts.iter().map(|host| parse_host(host.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let hosts = match listed {
            none if none.is_empty() => Hosts::Unset,
            hosts if hosts.iter().any(Option::is_none) => Hosts::Any,
            hosts => Hosts::Listed(hosts.into_iter().flatten().collect()),
        };
        let listed = cors.origins.iter().map(|origin| parse_origin(origin.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let origins = if listed.iter().any(Option::is_none) {
            Origins::Any { over_loopback: cors.any_over_loopback }
        } else {
            Origins::Listed(listed.into_iter().flatten().collect())
        };
        let own = ["content-type", "authorization", "request-timeout", token_header.as_str()];
        let names: Vec<_> = own.into_iter().chain(cors.headers.iter().map(AsRef::as_ref)).collect();
        let allowed_headers = HeaderValue::from_str(&names.join(", ")).map_err(|_| {
            let what = format_args!("one of the headers {names:?} that pages may send has no header's name");
            StartError::new(what, "use letters, digits and dashes in it")
        })?;
        Ok(Self { hosts, origins, allowed_headers, strange_host: Seldom::new(STRANGE_HOST) })
    }

    /// Whether pages of other sites are welcome at all.
    pub(crate) fn has_origins(&self) -> bool {
        match &self.origins {
            Origins::Listed(listed) => !listed.is_empty(),
            Origins::Any { .. } => true,
        }
    }

    /// Lets a request in, or says why not.
    pub(crate) fn admit(&self, req: &HttpRequest) -> Result<Admitted, Refusal> {
        let loopback = req.app_config().local_addr().ip().to_canonical().is_loopback();
        let mut hosts = req.headers().get_all(HOST);
        let header = hosts.next().and_then(|host| host.to_str().ok()).filter(|_| hosts.next().is_none());
        let header = header.and_then(Authority::parse);
        // A request line with a whole URL overrules `Host`, so what it names has to be allowed as well.
        let line = req.uri().authority().map(|line| Authority::parse(line.as_str()));
        let allows = |host: &Option<Authority<'_>>| self.allows(host.as_ref(), loopback);
        if !allows(&header) || !line.as_ref().is_none_or(allows) {
            self.tell_of_host(req);
            return Err(Refusal::host());
        }
        let mut origins = req.headers().get_all(ORIGIN);
        let Some(value) = origins.next() else { return Ok(Admitted(None)) };
        if matches!(self.origins, Origins::Any { over_loopback } if over_loopback || !loopback) {
            return Ok(Admitted(Some(HeaderValue::from_static("*"))));
        }
        let origin = value.to_str().ok().and_then(Origin::parse).filter(|_| origins.next().is_none());
        let origin = origin.ok_or_else(Refusal::origin)?;
        if matches!(&self.origins, Origins::Listed(listed) if listed.iter().any(|listed| listed.is(&origin))) {
            return Ok(Admitted(Some(value.clone())));
        }
        let host = line.unwrap_or(header);
        let is_own = host.is_some_and(|host| {
            let same_scheme = if req.app_config().secure() {
                // Whoever sits on the network may put a page of `http://` under any name, so here it is another site's.
                origin.is_https()
            } else {
                // A proxy in front may speak TLS for this server, on the port that is the usual one and so is not named.
                origin.is_http() || origin.is_https() && !host.has_port()
            };
            same_scheme && origin.is_served_by(&host)
        });
        if is_own { Ok(Admitted(None)) } else { Err(Refusal::origin()) }
    }

    /// Logs a host that is refused: behind a proxy that passes its own name on, that is everybody's first request.
    #[cold]
    fn tell_of_host(&self, req: &HttpRequest) {
        let Some(times) = self.strange_host.is_due_now() else { return };
        let sent = req.headers().get_all(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()));
        let mut host = sent.collect::<Vec<_>>().join(", ");
        if let Some(line) = req.uri().authority() {
            host = format!("{host} and {line} in the request line");
        }
        let host = beginning(&host, SHOWN);
        log_warn!(
            host,
            times,
            "a request was refused (421), as this server does not answer for its host: if it should, add the name to \
             --allowed-hosts, CALLBOX_ALLOWED_HOSTS or .allowed_hosts(…), or have the proxy send another Host"
        );
    }

    fn allows(&self, host: Option<&Authority<'_>>, loopback: bool) -> bool {
        match &self.hosts {
            Hosts::Unset if loopback => host.is_some_and(Authority::is_loopback),
            Hosts::Unset | Hosts::Any => true,
            Hosts::Listed(listed) => host.is_some_and(|host| listed.iter().any(|entry| entry.covers(host))),
        }
    }

    /// The headers that let the page read the answer.
    pub(crate) fn mark(&self, admitted: &Admitted, headers: &mut HeaderMap) {
        if self.has_origins() {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = &admitted.0 {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
        }
    }

    /// The further headers that answer a browser's question before a request by one of these methods.
    pub(crate) fn mark_preflight(&self, admitted: &Admitted, methods: &'static str, headers: &mut HeaderMap) {
        if admitted.0.is_some() {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.allowed_headers.clone());
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
    }
}

/// `None` is the entry that allows any host.
fn parse_host(text: &str) -> Result<Option<Authority<'static>>, StartError> {
    if text == "*" {
        return Ok(None);
    }
    let bracketed = format!("[{text}]");
    let authority = Authority::parse(text).or_else(|| Authority::parse(&bracketed));
    authority.map(|authority| Some(authority.into_owned())).ok_or_else(|| {
        StartError::new(
            format_args!("the allowed host {text:?} is no host"),
            "write it as `example.com`, `example.com:8080`, `10.0.0.1` or `[::1]`, without a scheme or a path",
        )
    })
}

/// `None` is the entry that allows any origin.
fn parse_origin(text: &str) -> Result<Option<Origin<'static>>, StartError> {
    if text == "*" {
        return Ok(None);
    }
    Origin::parse(text).map(|origin| Some(origin.into_owned())).ok_or_else(|| {
        StartError::new(
            format_args!("the allowed origin {text:?} is no origin"),
            "list each site as `https://example.com` or `http://localhost:3000`, without a path, or give `*` for all",
        )
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn guard(hosts: &[&str], origins: &[&str]) -> Guard {
        with_cors(hosts, &Cors { origins, headers: &[], any_over_loopback: false })
    }

    fn with_cors(hosts: &[&str], cors: &Cors<'_, &str>) -> Guard {
        Guard::new(hosts, cors, &HeaderName::from_static("x-api-token")).unwrap()
    }

    // actix's test requests are as if they came in over 127.0.0.1:8080.
    fn request(headers: &[(&'static str, &str)]) -> HttpRequest {
        headers.iter().fold(TestRequest::post(), |request, &header| request.append_header(header)).to_http_request()
    }

    fn status(guard: &Guard, headers: &[(&'static str, &str)]) -> u16 {
        guard.admit(&request(headers)).map_or_else(|refusal| refusal.status().as_u16(), |_| 200)
    }

    #[test]
    fn over_loopback_only_loopback_names_reach_an_endpoint_unless_set() {
        let cases: &[(&[&str], &[&str], u16)] = &[
            (&[], &["localhost:8080"], 200),
            (&[], &["127.0.0.1"], 200),
            (&[], &["[::1]:8080"], 200),
            (&[], &["rebound.evil.net:8080"], 421),
            (&[], &[], 421),
            (&[], &["localhost", "evil.net"], 421),
            (&[], &["localhost", "localhost"], 421),
            (&["*"], &["anything.net"], 200),
            (&["*"], &[], 200),
            (&["example.com"], &["Example.Com.:99"], 200),
            (&["example.com:80"], &["example.com:99"], 421),
            (&["example.com"], &["localhost"], 421),
            (&["::1", "a"], &["[::1]:5"], 200),
        ];
        for (listed, sent, expected) in cases {
            let headers: Vec<_> = sent.iter().map(|host| ("host", *host)).collect();
            assert_eq!(status(&guard(listed, &[]), &headers), *expected, "{listed:?} {sent:?}");
        }
    }

    #[test]
    fn off_loopback_any_name_will_do_unless_set() {
        assert!(guard(&[], &[]).allows(None, false));
        assert!(guard(&[], &[]).allows(Authority::parse("evil.net").as_ref(), false));
        assert!(!guard(&["a.net"], &[]).allows(Authority::parse("evil.net").as_ref(), false));
        assert!(!guard(&["a.net"], &[]).allows(None, false));
    }

    #[test]
    fn a_whole_url_in_the_request_line_does_not_get_round_the_host_rule() {
        for (uri, expected) in [("http://evil.net/api", false), ("http://localhost/api", true)] {
            let request = TestRequest::post().uri(uri).insert_header((HOST, "localhost")).to_http_request();
            assert_eq!(guard(&[], &[]).admit(&request).is_ok(), expected, "{uri}");
        }
    }

    #[test]
    fn an_origin_is_let_in_when_it_is_the_same_or_listed() {
        let guard = guard(&[], &["https://app.example.com", "http://localhost:3000"]);
        let cases = [
            ("http://localhost:8080", 200),
            ("http://LOCALHOST:3000", 200),
            ("https://app.example.com:443", 200),
            ("http://app.example.com", 403),
            ("https://app.example.com.evil.net", 403),
            ("https://evil.net", 403),
            ("http://localhost:8081", 403),
            ("https://localhost:8080", 403),
            ("ftp://localhost:8080", 403),
            ("app+x://localhost:8080", 403),
            ("null", 403),
            ("", 403),
            ("*", 403),
        ];
        for (origin, expected) in cases {
            assert_eq!(status(&guard, &[("host", "localhost:8080"), ("origin", origin)]), expected, "{origin:?}");
        }
        let behind_tls = [
            ("https://localhost", 200),
            ("https://localhost:443", 200),
            ("http://localhost", 200),
            ("ws://localhost", 403),
        ];
        for (origin, expected) in behind_tls {
            assert_eq!(status(&guard, &[("host", "localhost"), ("origin", origin)]), expected, "{origin:?}");
        }
        let twice = [("host", "localhost"), ("origin", "http://localhost"), ("origin", "https://evil.net")];
        assert_eq!(status(&guard, &twice), 403);
    }

    #[test]
    fn any_origin_is_let_in_over_loopback_only_if_that_is_said() {
        for (any_over_loopback, origin, expected) in [
            (true, "https://evil.net", Some("*")),
            (true, "null", Some("*")),
            (true, "http://localhost:8080", Some("*")),
            (false, "https://evil.net", None),
            (false, "null", None),
        ] {
            let guard = with_cors(&[], &Cors { origins: &["https://a.com", "*"], headers: &[], any_over_loopback });
            let admitted = guard.admit(&request(&[("host", "localhost:8080"), ("origin", origin)])).ok();
            let expected = expected.map(|value| Admitted(Some(HeaderValue::from_static(value))));
            assert_eq!(admitted, expected, "{any_over_loopback} {origin}");
            let same = [("host", "localhost:8080"), ("origin", "http://localhost:8080")];
            assert_eq!(status(&guard, &same), 200, "its own pages always may");
            assert_eq!(status(&guard, &[("host", "evil.net"), ("origin", "http://evil.net")]), 421);
        }
    }

    #[test]
    fn entries_that_can_match_nothing_stop_the_start() {
        let token = HeaderName::from_static("x-api-token");
        let none = Cors { origins: &[], headers: &[], any_over_loopback: false };
        for host in ["http://a", "a/b", "", "a:x"] {
            let error = Guard::new(&[host], &none, &token).unwrap_err().to_string();
            assert!(error.contains("is no host: write it as"), "{error}");
        }
        for origin in ["null", "a.com", "https://a.com/", "https://*", "*.com"] {
            let error = Guard::new(&[], &Cors { origins: &[origin], ..none }, &token).unwrap_err().to_string();
            assert!(error.contains("is no origin: list each site"), "{error}");
        }
    }
}
