//! The variables `OTEL_*`, as OpenTelemetry's specification has them.

use std::time::Duration;

use ureq::http::{HeaderName, HeaderValue, Uri};

use crate::start_error::{Result, StartError};
use crate::trace::Sampler;

use super::bad_variable;

/// How spans are exported.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ExportSettings {
    /// The URL to which spans are posted.
    pub(super) endpoint: String,
    /// Maximum time for one export.
    pub(super) timeout: Duration,
    pub(super) sampler: Sampler,
    /// Whether a variable has the name of the program.
    pub(super) has_service_name: bool,
    /// Maximum number of spans that wait.
    pub(super) queue: usize,
    /// Maximum number of spans of one export.
    pub(super) batch: usize,
    /// Maximum time for which a span waits.
    pub(super) delay: Duration,
}

/// Variables whose purpose callbox serves in another way, or not at all. Whoever sets one would
/// wait for its effect.
const UNSUPPORTED: [(&str, &str); 6] = [
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "name the file in SSL_CERT_FILE"),
    ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "name the file in SSL_CERT_FILE"),
    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", CLIENT_CERTIFICATE),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", CLIENT_CERTIFICATE),
    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", CLIENT_CERTIFICATE),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", CLIENT_CERTIFICATE),
];

const CLIENT_CERTIFICATE: &str = "run a collector beside the server which has the certificate, and export to that one";

/// A source of variables.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl ExportSettings {
    /// Reads the variables. Returns nothing if nothing is to be exported.
    ///
    /// # Errors
    /// If one of them has a value that cannot be used.
    pub(super) fn read(env: Env<'_>) -> Result<Option<Self>> {
        // An empty variable counts as not set.
        let env = |name: &str| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        if flag("OTEL_SDK_DISABLED", &env)? {
            return Ok(None);
        }
        let is_asked_for = match env("OTEL_TRACES_EXPORTER").as_deref() {
            None => false,
            Some("none") => return Ok(None),
            Some("otlp") => true,
            Some(other) => return Err(bad_variable("OTEL_TRACES_EXPORTER", other, "write otlp or none")),
        };
        let Some(endpoint) = endpoint(is_asked_for, &env)? else { return Ok(None) };
        check_transport(&env)?;
        check_pairs("OTEL_RESOURCE_ATTRIBUTES", &env, |_, _| true)?;
        for name in ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"] {
            let is_header = |key: &str, value: &str| {
                HeaderName::from_bytes(key.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok()
            };
            check_pairs(name, &env, is_header)?;
        }
        let named = |attributes: String| attributes.split(',').any(|pair| pair.trim().starts_with("service.name="));
        let queue = number("OTEL_BSP_MAX_QUEUE_SIZE", 2048, &env)?;
        Ok(Some(Self {
            endpoint,
            timeout: of_traces("TIMEOUT", &env)
                .map_or(Ok(Duration::from_secs(10)), |(name, _)| millis(&name, 0, &env))?,
            sampler: sampler(&env)?,
            has_service_name: env("OTEL_SERVICE_NAME").is_some() || env("OTEL_RESOURCE_ATTRIBUTES").is_some_and(named),
            queue,
            batch: number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, &env)?.min(queue),
            delay: millis("OTEL_BSP_SCHEDULE_DELAY", 5000, &env)?,
        }))
    }
}

/// Returns a variable of the exporter with its name: that for traces goes before that for all.
fn of_traces(name: &str, env: Env<'_>) -> Option<(String, String)> {
    let names = [format!("OTEL_EXPORTER_OTLP_TRACES_{name}"), format!("OTEL_EXPORTER_OTLP_{name}")];
    names.into_iter().find_map(|name| env(&name).map(|value| (name, value)))
}

/// Returns the URL to which spans are posted, if there is one. `is_asked_for` says whether there is
/// to be one by default.
fn endpoint(is_asked_for: bool, env: Env<'_>) -> Result<Option<String>> {
    let (name, url) = match of_traces("ENDPOINT", env) {
        Some((name, url)) if name.ends_with("TRACES_ENDPOINT") => (name, url),
        Some((name, base)) => (name, format!("{}/v1/traces", base.trim_end_matches('/'))),
        None if is_asked_for => return Ok(Some("http://localhost:4318/v1/traces".to_owned())),
        None => return Ok(None),
    };
    let parsed: Option<Uri> = url.parse().ok();
    match parsed.as_ref().filter(|url| url.host().is_some()).and_then(Uri::scheme_str) {
        Some("http") => Ok(Some(url)),
        Some("https") if cfg!(feature = "tls") => Ok(Some(url)),
        Some("https") => {
            let fix = "build with the feature `tls` of callbox, or name a collector with http://";
            Err(bad_variable(&name, &env(&name).unwrap_or(url), fix))
        }
        _ => Err(bad_variable(&name, &env(&name).unwrap_or(url), "write a URL like http://localhost:4318")),
    }
}

/// Checks what the only transport cannot do otherwise.
fn check_transport(env: Env<'_>) -> Result<()> {
    if let Some((name, value)) = of_traces("PROTOCOL", env).filter(|(_, value)| value != "http/protobuf") {
        return Err(bad_variable(&name, &value, "write http/protobuf, whose port is usually 4318, or unset it"));
    }
    if let Some((name, value)) = of_traces("COMPRESSION", env).filter(|(_, value)| value != "none") {
        return Err(bad_variable(&name, &value, "write none, or unset it"));
    }
    match UNSUPPORTED.iter().find(|(name, _)| env(name).is_some()) {
        Some((name, fix)) => Err(StartError::new(format_args!("{name} is set, which callbox does not read"), fix)),
        None => Ok(()),
    }
}

/// Checks a list such as `key=value,key=value`. The values are not in the error, since a header may
/// be a secret.
fn check_pairs(name: &str, env: Env<'_>, is_good: impl Fn(&str, &str) -> bool) -> Result<()> {
    let list = env(name).unwrap_or_default();
    let pairs = list.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    for (at, pair) in pairs.enumerate() {
        let pair = pair.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
        if !pair.is_some_and(|(key, value)| !key.is_empty() && is_good(key, value)) {
            let what = format_args!("member {} of {name} cannot be read", at + 1);
            return Err(StartError::new(what, "write key=value,key=value, and other characters as in %2C"));
        }
    }
    Ok(())
}

/// Returns which calls are recorded.
fn sampler(env: Env<'_>) -> Result<Sampler> {
    const NAMES: &str = "write always_on, always_off, traceidratio, or one of these after parentbased_";
    let name = env("OTEL_TRACES_SAMPLER").unwrap_or_else(|| "parentbased_always_on".to_owned());
    let (follows_parent, rule) = match name.strip_prefix("parentbased_") {
        Some(rule) => (true, rule),
        None => (false, name.as_str()),
    };
    let ratio = match rule {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => {
            let given = env("OTEL_TRACES_SAMPLER_ARG");
            let ratio = given.as_ref().map_or(Some(1.0), |text| text.parse().ok());
            let ratio = ratio.filter(|ratio: &f64| (0.0..=1.0).contains(ratio));
            let wrong = || bad_variable("OTEL_TRACES_SAMPLER_ARG", &given.unwrap_or_default(), RATIO);
            ratio.ok_or_else(wrong)?
        }
        _ => return Err(bad_variable("OTEL_TRACES_SAMPLER", &name, NAMES)),
    };
    Ok(Sampler { follows_parent, ratio })
}

const RATIO: &str = "write a number from 0 to 1, such as 0.01 for one call of a hundred";

fn flag(name: &str, env: Env<'_>) -> Result<bool> {
    match env(name) {
        None => Ok(false),
        Some(value) if value.eq_ignore_ascii_case("true") => Ok(true),
        Some(value) if value.eq_ignore_ascii_case("false") => Ok(false),
        Some(value) => Err(bad_variable(name, &value, "write true or false")),
    }
}

/// Returns a number of at least 1.
fn number(name: &str, default: usize, env: Env<'_>) -> Result<usize> {
    let Some(text) = env(name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| (1..=MAX_NUMBER).contains(number));
    number.ok_or_else(|| bad_variable(name, &text, "write a number from 1 to 1000000"))
}

/// Maximum number of spans, each of which may take a kilobyte or two.
const MAX_NUMBER: usize = 1_000_000;

/// Returns a time in milliseconds.
fn millis(name: &str, default: u64, env: Env<'_>) -> Result<Duration> {
    let Some(text) = env(name) else { return Ok(Duration::from_millis(default)) };
    let millis = text.parse().ok().filter(|millis| (1..=MAX_MILLIS).contains(millis));
    let wrong = || bad_variable(name, &text, "write a number of milliseconds, from 1 to 3600000");
    millis.map(Duration::from_millis).ok_or_else(wrong)
}

const MAX_MILLIS: u64 = 3_600_000;

#[cfg(test)]
mod tests;
