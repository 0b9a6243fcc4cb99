//! The host names under which a server accepts requests, against DNS rebinding.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::HOST;

use crate::jsonrpc::truncated;
use crate::log::LogThrottle;
use crate::start_error::StartError;

use super::super::authority::Authority;
use super::super::rejection::HttpRejection;

/// Minimum time between two log lines about a rejected host. An operator who has set up a proxy
/// needs one line, and a network scan must not cause more.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Maximum length of a host in the log, in bytes.
const MAX_LOGGED_HOST: usize = 100;

/// The hosts for which a server accepts requests.
#[derive(Debug)]
pub(super) struct AllowedHosts {
    allowed: HostPolicy,
    /// Limits the log lines about rejected hosts.
    log_throttle: LogThrottle,
}

#[derive(Debug)]
enum HostPolicy {
    /// Only loopback names for a request that arrived over loopback, any name for other requests.
    Unset,
    Any,
    Listed(Vec<Authority<'static>>),
}

impl AllowedHosts {
    /// # Errors
    /// If an entry of the list can match nothing, as it has a scheme or a path.
    pub(super) fn new<T: AsRef<str>>(list: &[T]) -> Result<Self, StartError> {
        let listed = list.iter().map(|host| parse(host.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let allowed = match listed {
            none if none.is_empty() => HostPolicy::Unset,
            hosts if hosts.iter().any(Option::is_none) => HostPolicy::Any,
            hosts => HostPolicy::Listed(hosts.into_iter().flatten().collect()),
        };
        Ok(Self { allowed, log_throttle: LogThrottle::new(LOG_INTERVAL) })
    }

    /// Returns the host that an admitted request names, or `None` if its name could not be read.
    ///
    /// # Errors
    /// A rejection with 421 if the host is not allowed.
    #[inline]
    pub(super) fn admit<'r>(
        &self,
        request: &'r HttpRequest,
        loopback: bool,
    ) -> Result<Option<Authority<'r>>, HttpRejection> {
        let mut hosts = request.headers().get_all(HOST);
        let header = hosts.next().and_then(|host| host.to_str().ok()).filter(|_| hosts.next().is_none());
        let header = header.and_then(Authority::parse);
        // A request line with a whole URL overrides `Host`, so both hosts have to be allowed.
        let line = request.uri().authority().map(|line| Authority::parse(line.as_str()));
        let allows = |host: &Option<Authority<'_>>| self.allow(host.as_ref(), loopback);
        if !allows(&header) || !line.as_ref().is_none_or(allows) {
            self.log_rejected(request);
            return Err(HttpRejection::wrong_host());
        }
        Ok(line.unwrap_or(header))
    }

    #[inline]
    fn allow(&self, host: Option<&Authority<'_>>, loopback: bool) -> bool {
        match &self.allowed {
            HostPolicy::Unset if loopback => host.is_some_and(Authority::is_loopback),
            HostPolicy::Unset | HostPolicy::Any => true,
            HostPolicy::Listed(listed) => host.is_some_and(|host| listed.iter().any(|entry| entry.covers(host))),
        }
    }

    /// Logs a rejected host. Behind a proxy that sends its own name as `Host`, this is the first
    /// thing that every operator meets.
    #[cold]
    fn log_rejected(&self, request: &HttpRequest) {
        let Some(times) = self.log_throttle.record_now() else { return };
        let sent = request.headers().get_all(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()));
        let mut host = sent.collect::<Vec<_>>().join(", ");
        if let Some(line) = request.uri().authority() {
            host = format!("{host} and {line} in the request line");
        }
        let host = truncated(&host, MAX_LOGGED_HOST);
        log_warn!(
            host,
            times,
            "a request was rejected (421) because its host is not allowed: to accept it, add the name to \
             --allowed-hosts, CALLBOX_ALLOWED_HOSTS or .allowed_hosts(…), or have the proxy send another Host"
        );
    }
}

/// Parses an entry of the list. `None` is the entry that allows any host.
fn parse(text: &str) -> Result<Option<Authority<'static>>, StartError> {
    if text == "*" {
        return Ok(None);
    }
    let bracketed = format!("[{text}]");
    let authority = Authority::parse(text).or_else(|| Authority::parse(&bracketed));
    authority.map(|authority| Some(authority.into_owned())).ok_or_else(|| {
        StartError::new(
            format_args!("the allowed host {text:?} is not a valid host"),
            "write it as `example.com`, `example.com:8080`, `10.0.0.1` or `[::1]`, without a scheme or a path",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_loopback_any_host_is_allowed_unless_the_list_is_set() {
        let evil = Authority::parse("evil.net");
        let (unset, listed) = (AllowedHosts::new::<&str>(&[]).unwrap(), AllowedHosts::new(&["a.net"]).unwrap());
        assert!(unset.allow(None, false) && unset.allow(evil.as_ref(), false));
        assert!(!listed.allow(None, false) && !listed.allow(evil.as_ref(), false));
    }
}
