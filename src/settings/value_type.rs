//! The types of settings: how each is read from text and shown again.

use std::fmt::Display;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread::available_parallelism;
use std::time::Duration;

use tracing_subscriber::filter::Targets;

use crate::jsonrpc::MAX_DEPTH;
use crate::peer::AddressRange;

use super::metrics_place::MetricsPlace;
use super::nats_url::NatsUrl;

/// A type of setting. All sources are text, so a flag, a variable and a key accept the same values.
#[derive(Debug)]
pub(super) struct ValueType<T> {
    /// Placeholder for the value in `--help`.
    pub(super) placeholder: &'static str,
    /// What is accepted, in words that follow "give" in an error.
    pub(super) accepts: &'static str,
    pub(super) arity: Arity,
    /// Reads a value; `None` if the text is no value of this type.
    pub(super) read: fn(&str) -> Option<T>,
    /// Returns a text that `read` accepts.
    pub(super) show: fn(&T) -> String,
}

/// How often a flag may be given, and whether it needs a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arity {
    /// Once, with a value.
    One,
    /// Any number of times, each with one value or several separated by commas.
    Many,
    /// Once; without a value it means `true`.
    Switch,
}

/// Makes a type with named values, as its `FromStr` and `Display` know them.
pub(super) const fn choice<T: FromStr + Display>(placeholder: &'static str, accepts: &'static str) -> ValueType<T> {
    ValueType { placeholder, accepts, arity: Arity::One, read: |text| text.parse().ok(), show: T::to_string }
}

/// Makes a type of text that only has to pass a check.
const fn text(placeholder: &'static str, accepts: &'static str, read: fn(&str) -> Option<String>) -> ValueType<String> {
    ValueType { placeholder, accepts, arity: Arity::One, read, show: String::clone }
}

/// Makes a type of lists, with commas between the items.
const fn list(
    placeholder: &'static str,
    accepts: &'static str,
    read: fn(&str) -> Option<Vec<String>>,
) -> ValueType<Vec<String>> {
    ValueType { placeholder, accepts, arity: Arity::Many, read, show: |items| items.join(",") }
}

pub(super) const HOST: ValueType<String> = text("HOST", "an IP address or a host name, without a port", |text| {
    // People write an IPv6 address with the brackets that it has before a port.
    is_host(text).then(|| text.trim_matches(['[', ']']).to_owned())
});

pub(super) const PORT: ValueType<u16> = choice("PORT", "a port number from 0 to 65535 (0 picks a free one)");

pub(super) const PORT_OR_OFF: ValueType<Option<u16>> = ValueType {
    placeholder: "PORT",
    accepts: "a port number from 0 to 65535 (0 picks a free one), or off",
    arity: Arity::One,
    read: |text| if text == "off" { Some(None) } else { text.parse().ok().map(Some) },
    show: |port| port.map_or_else(|| "off".to_owned(), |port| port.to_string()),
};

pub(super) const ENDPOINT: ValueType<String> = text("PATH", "a path such as /api", |text| {
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c));
    let path = text.strip_prefix('/')?;
    (path.is_empty() || path.split('/').all(plain)).then(|| text.to_owned())
});

pub(super) const DOCUMENT: ValueType<Option<String>> = ValueType {
    placeholder: "PATH",
    accepts: "a path such as /openrpc.json, or off",
    arity: Arity::One,
    read: |text| if text == "off" { Some(None) } else { (ENDPOINT.read)(text).map(Some) },
    show: |path| path.clone().unwrap_or_else(|| "off".to_owned()),
};

pub(super) const PUBLIC_URL: ValueType<Option<String>> = ValueType {
    placeholder: "URL",
    accepts: "a URL with http or https, without a query, such as https://api.example.org or \
              https://example.org/shop",
    arity: Arity::One,
    read: |text| {
        if text.is_empty() {
            return Some(None);
        }
        let url = text.trim_end_matches('/');
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
        let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        (is_host_and_port(host) && (ENDPOINT.read)(path).is_some()).then(|| Some(url.to_owned()))
    },
    show: |url| url.clone().unwrap_or_default(),
};

pub(super) const TITLE: ValueType<Option<String>> = ValueType {
    placeholder: "TEXT",
    accepts: "one line of text",
    arity: Arity::One,
    read: |text| (!text.contains(char::is_control)).then(|| (!text.is_empty()).then(|| text.to_owned())),
    show: |title| title.clone().unwrap_or_default(),
};

pub(super) const HEADER: ValueType<String> =
    text("NAME", "the name of an HTTP header, such as X-Api-Token", |text| is_header(text).then(|| text.to_owned()));

pub(super) const HEADERS: ValueType<Vec<String>> =
    list("NAME", "names of HTTP headers with commas between, such as traceparent,x-request-id, or * for any", |text| {
        items(text, is_header)
    });

pub(super) const LOG_FILTER: ValueType<String> =
    text("FILTER", "a level (error, warn, info, debug, trace) or a filter such as warn,callbox=debug", |text| {
        text.parse::<Targets>().ok().map(|_| text.to_owned())
    });

pub(super) const HOSTS: ValueType<Vec<String>> =
    list("HOST", "host names with commas between, such as example.org,localhost", |text| items(text, is_host_and_port));

pub(super) const REMOTES: ValueType<Vec<String>> = list(
    "NAME=URL",
    "names of services with the URLs of their endpoints, with commas between: prices=http://10.0.0.7:5000/api",
    |text| {
        items(text, |item| {
            item.split_once('=').is_some_and(|(name, url)| {
                let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
                !name.trim().is_empty() && host.is_some_and(|host| !host.is_empty() && !host.contains('@'))
            })
        })
    },
);

pub(super) const ORIGINS: ValueType<Vec<String>> = list(
    "ORIGIN",
    "origins with commas between, each a scheme, a host and maybe a port: https://app.example.org; or * for any",
    |text| {
        items(text, |item| {
            item == "*"
                || item.split_once("://").is_some_and(|(scheme, host)| {
                    !scheme.is_empty() && !host.is_empty() && !host.contains(['/', '?', '#', '@', '*'])
                })
        })
    },
);

pub(super) const PROXIES: ValueType<Vec<String>> = list(
    "ADDRESS",
    "IP addresses, and networks by their first address, with commas between: 10.0.0.7,172.16.0.0/12,fd00::/8",
    |text| items(text, |item| AddressRange::parse(item).is_some()),
);

pub(super) const SWITCH: ValueType<bool> = ValueType {
    placeholder: "BOOL",
    accepts: "true or false",
    arity: Arity::Switch,
    read: |text| match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    },
    show: bool::to_string,
};

/// A switch whose default depends on another setting.
pub(super) const ON_OFF: ValueType<Option<bool>> = ValueType {
    placeholder: "on|off",
    accepts: "on or off",
    arity: Arity::One,
    read: |text| if text.is_empty() { Some(None) } else { (SWITCH.read)(text).map(Some) },
    show: |on| on.map(|on| if on { "on" } else { "off" }).unwrap_or_default().to_owned(),
};

pub(super) const METRICS: ValueType<Option<MetricsPlace>> = ValueType {
    placeholder: "PLACE",
    accepts: "a path such as /metrics, an address such as 0.0.0.0:9100, or off",
    arity: Arity::One,
    read: |text| if text.is_empty() { Some(None) } else { MetricsPlace::read(text).map(Some) },
    show: |place| place.as_ref().map(MetricsPlace::to_string).unwrap_or_default(),
};

pub(super) const NATS: ValueType<Option<NatsUrl>> = ValueType {
    placeholder: "URL",
    accepts: "addresses with nats:// or tls://, and commas between, such as nats://127.0.0.1:4222",
    arity: Arity::One,
    read: |text| Some((!text.is_empty()).then(|| NatsUrl::new(text))),
    show: |url| url.as_ref().map(NatsUrl::to_string).unwrap_or_default(),
};

pub(super) const NATS_PREFIX: ValueType<String> =
    text("PREFIX", "letters, digits, - and _, with dots between, such as callbox", |text| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        text.split('.').all(|token| !token.is_empty() && token.chars().all(plain)).then(|| text.to_owned())
    });

pub(super) const COUNT: ValueType<usize> = ValueType {
    placeholder: "NUMBER",
    accepts: "a number of at least 1",
    arity: Arity::One,
    read: |text| text.parse().ok().filter(|&number| number > 0),
    show: usize::to_string,
};

pub(super) const CORES: ValueType<usize> = ValueType {
    accepts: "a number of at least 1, or cores for as many as the machine has",
    read: |text| match text {
        "cores" => Some(available_parallelism().map_or(1, usize::from)),
        _ => (COUNT.read)(text),
    },
    ..COUNT
};

pub(super) const DEPTH: ValueType<usize> = ValueType {
    accepts: "a number from 1 to 127",
    read: |text| (COUNT.read)(text).filter(|&depth| depth <= MAX_DEPTH),
    ..COUNT
};

pub(super) const SIZE: ValueType<usize> = ValueType {
    placeholder: "SIZE",
    accepts: "a number of bytes above 0, such as 65536, 64KiB, 1MiB or 1GiB",
    arity: Arity::One,
    read: |text| {
        let (number, unit) = number_and_unit(text)?;
        let (_, bytes) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
        usize::try_from(number).ok()?.checked_mul(*bytes).filter(|&size| size > 0)
    },
    show: |&size| {
        let (unit, bytes) =
            SIZES.iter().find(|(_, bytes)| size >= *bytes && size.is_multiple_of(*bytes)).unwrap_or(&("", 1));
        format!("{}{unit}", size / bytes)
    },
};

/// Units and their sizes in bytes, the largest first: a size is shown in the first unit that
/// divides it.
const SIZES: &[(&str, usize)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("", 1), ("B", 1)];

pub(super) const DURATION: ValueType<Duration> = ValueType {
    placeholder: "TIME",
    accepts: "a time with its unit, such as 500ms, 2s or 1m",
    arity: Arity::One,
    read: |text| {
        let (number, unit) = number_and_unit(text)?;
        let (_, millis) = TIMES.iter().find(|(name, _)| *name == unit)?;
        number.checked_mul(*millis).map(Duration::from_millis)
    },
    show: |time| {
        let all = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (unit, millis) =
            TIMES.iter().find(|(_, millis)| all >= *millis && all.is_multiple_of(*millis)).unwrap_or(&("ms", 1));
        format!("{}{unit}", all / millis)
    },
};

/// Units and their lengths in milliseconds, the largest first, as with [`SIZES`].
const TIMES: &[(&str, u64)] = &[("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// A duration above zero. A timeout of zero would reject everything.
pub(super) const TIMEOUT: ValueType<Duration> = ValueType {
    accepts: "a time above 0 with its unit, such as 500ms, 2s or 1m",
    read: |text| (DURATION.read)(text).filter(|time| !time.is_zero()),
    ..DURATION
};

pub(super) const PATH: ValueType<Option<PathBuf>> = ValueType {
    placeholder: "DIR",
    accepts: "a directory",
    arity: Arity::One,
    read: |text| Some((!text.is_empty()).then(|| PathBuf::from(text))),
    show: |path| path.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
};

pub(super) const FILE: ValueType<Option<PathBuf>> = ValueType { placeholder: "FILE", accepts: "a file", ..PATH };

/// A limit that can be switched off.
pub(super) const COUNT_OR_OFF: ValueType<Option<NonZeroU32>> = ValueType {
    placeholder: "NUMBER",
    accepts: "a number of at least 1, or off",
    arity: Arity::One,
    read: |text| if text == "off" { Some(None) } else { text.parse().ok().map(Some) },
    show: |count| count.map_or_else(|| "off".to_owned(), |count| count.to_string()),
};

/// Whether a text is an IP address, or a host name: labels of letters, digits, `-` and `_`,
/// separated by dots.
fn is_host(text: &str) -> bool {
    let label = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    bare.unwrap_or(text).parse::<IpAddr>().is_ok() || text.split('.').all(label)
}

/// Whether a text is a host that a port may follow, as in a `Host` header.
fn is_host_and_port(text: &str) -> bool {
    is_host(text) || text.rsplit_once(':').is_some_and(|(name, port)| is_host(name) && port.parse::<u16>().is_ok())
}

/// Whether a text is the name of an HTTP header: a token of RFC 9110.
fn is_header(text: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(token)
}

/// Splits a list at its commas; `None` if an item is not allowed.
fn items(text: &str, allowed: fn(&str) -> bool) -> Option<Vec<String>> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| allowed(item).then(|| item.to_owned()))
        .collect()
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim_start()))
}
