//! The `curl` command that the log suggests at the start.

use serde_json::Value;

use crate::router::Router;
use crate::service::{Access, SchemaGenerators};

use super::schema_example::SchemaExamples;

/// Returns a `curl` command that calls the first public method of the program for whose parameters
/// an example can be made. `None` if no method qualifies.
pub(super) fn curl_example(router: &Router, url: &str) -> Option<String> {
    let public = router.routes().filter(|route| route.options().access == Access::Public && !route.is_builtin());
    let call = public.into_iter().find_map(|route| {
        let mut generators = SchemaGenerators::new("/definitions");
        let description = route.describe(&mut generators);
        let params = SchemaExamples::new(generators.sent.definitions()).of(description.params.as_value())?;
        // Formatted by hand, as `Value` would sort the members: people expect `method` before `id`.
        let is_empty = params.as_object().is_some_and(serde_json::Map::is_empty);
        let params = if is_empty { String::new() } else { format!(r#","params":{params}"#) };
        let name = Value::from(route.name());
        Some(format!(r#"{{"jsonrpc":"2.0","method":{name}{params},"id":1}}"#))
    })?;
    // Within single quotes the shell takes everything literally, except a single quote.
    let body = call.replace('\'', r"'\''");
    Some(format!("curl -s {} -H 'content-type: application/json' -d '{body}'", local_url(url)))
}

/// Returns the URL for a call from this machine: `0.0.0.0` and `[::]`, which stand for every
/// interface, become loopback addresses.
fn local_url(url: &str) -> String {
    url.replacen("://0.0.0.0:", "://127.0.0.1:", 1).replacen("://[::]:", "://[::1]:", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_for_every_interface_becomes_a_loopback_address() {
        for (url, expected) in [
            ("http://0.0.0.0:5000/api", "http://127.0.0.1:5000/api"),
            ("https://[::]:5000/api", "https://[::1]:5000/api"),
            ("http://10.0.0.0:5000/api", "http://10.0.0.0:5000/api"),
        ] {
            assert_eq!(local_url(url), expected);
        }
    }
}
