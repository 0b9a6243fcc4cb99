//! A line for the shell that calls a public method, to be shown at the start.

use serde_json::Value;

use crate::router::Router;
use crate::service::{Access, Generators};

use super::schema_example::SchemaExamples;

/// `curl …` for the first public method of the server that is not built in, and whose parameters
/// can be made up. None if there is none.
pub(super) fn curl_example(router: &Router, url: &str) -> Option<String> {
    let public = router.routes().filter(|route| route.options().access == Access::Public && !route.is_builtin());
    let call = public.into_iter().find_map(|route| {
        let mut generators = Generators::new("/definitions");
        let description = route.describe(&mut generators);
        let params = SchemaExamples::new(generators.sent.definitions()).of(description.params.as_value())?;
        // Written member by member, in the order in which people write them.
        let is_empty = params.as_object().is_some_and(serde_json::Map::is_empty);
        let params = if is_empty { String::new() } else { format!(r#","params":{params}"#) };
        let name = Value::from(route.name());
        Some(format!(r#"{{"jsonrpc":"2.0","method":{name}{params},"id":1}}"#))
    })?;
    // Within single quotes the shell takes all but a single quote as it is.
    let body = call.replace('\'', r"'\''");
    Some(format!("curl -s {} -H 'content-type: application/json' -d '{body}'", from_here(url)))
}

/// The URL as it is called from this machine: an address that stands for every interface is none to
/// call.
fn from_here(url: &str) -> String {
    url.replacen("://0.0.0.0:", "://127.0.0.1:", 1).replacen("://[::]:", "://[::1]:", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_stands_for_every_interface_is_not_called() {
        for (url, expected) in [
            ("http://0.0.0.0:5000/api", "http://127.0.0.1:5000/api"),
            ("https://[::]:5000/api", "https://[::1]:5000/api"),
            ("http://10.0.0.0:5000/api", "http://10.0.0.0:5000/api"),
        ] {
            assert_eq!(from_here(url), expected);
        }
    }
}
