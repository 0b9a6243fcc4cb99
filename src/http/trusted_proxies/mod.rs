//! Whose request it is, behind proxies that say so.
//!
//! A header is a claim of whoever sent it. So `X-Forwarded-For` and `Forwarded` are read only if
//! the connection comes from an address that the settings trust, and only as far back as trusted
//! proxies wrote them.

mod forwarded;

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};

use crate::peer::AddressRange;
use crate::start_error::StartError;

use forwarded::Entry;

/// The proxies whose `X-Forwarded-For` and `Forwarded` are believed. None by default.
#[derive(Debug, Default)]
pub(crate) struct TrustedProxies {
    ranges: Vec<AddressRange>,
}

impl TrustedProxies {
    /// Makes the list from the addresses and networks of the settings.
    ///
    /// # Errors
    /// If one of them is neither.
    pub(crate) fn new<T: AsRef<str>>(ranges: &[T]) -> Result<Self, StartError> {
        let parse = |range: &T| {
            let range = range.as_ref();
            AddressRange::parse(range).ok_or_else(|| {
                let what = format_args!("`{range}` is not a valid trusted proxy");
                let fix = "write an address such as 10.0.0.7, or the first address of a network with the number of \
                           bits that the others share with it, at least 1, such as 10.0.0.0/8 or fd00::/8";
                StartError::new(what, fix)
            })
        };
        Ok(Self { ranges: ranges.iter().map(parse).collect::<Result<_, _>>()? })
    }

    /// Whether a connection from this address carries the requests of other clients.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }

    /// Returns the address of the client that sent a request: that of the connection, or the one
    /// that the trusted proxies name.
    #[inline]
    pub(super) fn client_address(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip();
        Some(if self.ranges.is_empty() { peer } else { self.forwarded_client(peer, request.headers()) })
    }

    /// Returns the client of a request that came over a connection from `peer`.
    ///
    /// A proxy usually writes one of the two headers, and passes on what a client puts into the
    /// other. If both are there and name different clients, it is not known which one the proxy
    /// wrote, so neither is believed, and the request counts as the proxy's own.
    fn forwarded_client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.contains(peer) {
            return peer;
        }
        let by_x_forwarded_for = self.client_by(peer, headers, &X_FORWARDED_FOR, forwarded::x_forwarded_for);
        let by_forwarded = self.client_by(peer, headers, &FORWARDED, forwarded::forwarded);
        match (by_x_forwarded_for, by_forwarded) {
            (None, None) => peer,
            (Some(client), None) | (None, Some(client)) => client,
            (Some(client), Some(same)) if client == same => client,
            (Some(_), Some(_)) => {
                log_throttled!(
                    WARN,
                    proxy = %peer,
                    "X-Forwarded-For and Forwarded name different clients, so neither is believed: have the proxy \
                     remove the header that it does not write"
                );
                peer
            }
        }
    }

    /// Returns the client that one of the headers names; `None` if the header has no entry.
    ///
    /// That is the last address that is no trusted proxy. An entry that cannot be read ends the
    /// search at the proxy that wrote it, since what is further left may be the client's own words.
    fn client_by<'a, E: Iterator<Item = Entry>>(
        &self,
        peer: IpAddr,
        headers: &'a HeaderMap,
        name: &HeaderName,
        entries: impl Fn(&'a str) -> E,
    ) -> Option<IpAddr> {
        // A line that is no text in ASCII is one entry that cannot be read.
        let lines: Vec<_> = headers.get_all(name).map(|line| line.to_str().unwrap_or("unknown")).collect();
        let mut entries = lines.into_iter().rev().flat_map(entries).peekable();
        entries.peek()?;
        let mut last_known = peer;
        for entry in entries {
            match entry {
                Entry::Address(address) if self.contains(address) => last_known = address,
                Entry::Address(client) => return Some(client),
                Entry::Unreadable => break,
            }
        }
        Some(last_known)
    }
}

#[cfg(test)]
mod tests;
