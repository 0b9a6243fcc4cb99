//! Where a server shows its metrics.

use std::net::SocketAddr;

use crate::settings::{MetricsPlace, Settings};

/// The path of the metrics, unless a setting has another one.
pub(super) const PATH: &str = "/metrics";

/// What became of the setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MetricsMount {
    pub(super) place: MetricsPlace,
    /// Whether a setting says so; by default there are metrics only over loopback.
    pub(super) is_explicit: bool,
}

impl MetricsMount {
    /// Decides where the metrics are. `address` is where the server itself listens, if it does.
    pub(super) fn new(settings: &Settings, address: Option<SocketAddr>) -> Self {
        let is_local = address.is_some_and(|address| address.ip().to_canonical().is_loopback());
        let place = settings.metrics.clone().unwrap_or_else(|| match is_local {
            true => MetricsPlace::Path(PATH.to_owned()),
            false => MetricsPlace::Off,
        });
        Self { place, is_explicit: settings.metrics.is_some() }
    }
}
