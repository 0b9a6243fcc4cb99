//! Where the metrics are.

use std::fmt;

use super::value_type::{ENDPOINT, HOST, PORT};

/// Where a server shows its metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MetricsPlace {
    /// Nowhere.
    Off,
    /// At this path, beside the endpoints.
    Path(String),
    /// At the path `/metrics` of a listener of their own.
    Listener { host: String, port: u16 },
}

impl MetricsPlace {
    pub(crate) fn read(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            path if path.starts_with('/') => (ENDPOINT.read)(path).filter(|path| path != "/").map(Self::Path),
            address => {
                let (host, port) = address.rsplit_once(':')?;
                Some(Self::Listener { host: (HOST.read)(host)?, port: (PORT.read)(port)? })
            }
        }
    }
}

impl fmt::Display for MetricsPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Path(path) => f.write_str(path),
            Self::Listener { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Listener { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_path_or_an_address_or_off_and_is_shown_as_it_was_written() {
        for text in ["off", "/metrics", "/ops/metrics", "0.0.0.0:9100", "localhost:0", "[::1]:9100", "[::]:9100"] {
            let place = MetricsPlace::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(place.to_string(), text);
        }
        for text in ["", "on", "metrics", "/", "/a b", "9100", ":9100", "host:", "host:70000", "http://host:1", "/a/"] {
            assert_eq!(MetricsPlace::read(text), None, "{text}");
        }
    }
}
