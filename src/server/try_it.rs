//! A line for the shell that calls the first public method, to be shown at the start.

use serde_json::{Map, Value, json};

use crate::router::Router;
use crate::service::{Access, Generators};

/// `curl …` for the first public method of the server that is not built in.
pub(super) fn curl_line(router: &Router, url: &str) -> Option<String> {
    let public = |route: &&_| {
        let route: &std::sync::Arc<dyn crate::service::Route> = route;
        route.options().access == Access::Public && !route.is_builtin()
    };
    let route = router.routes().find(public)?;
    let description = route.describe(&mut Generators::new("/definitions"));
    let properties = description.params.get("properties").and_then(Value::as_object);
    let required = description.params.get("required").and_then(Value::as_array);
    let mut params = Map::new();
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        let schema = properties.and_then(|properties| properties.get(name)).unwrap_or(&Value::Null);
        params.insert(name.to_owned(), example(schema));
    }
    // Written member by member, in the order in which people write them.
    let params = if params.is_empty() { String::new() } else { format!(r#","params":{}"#, Value::Object(params)) };
    let name = Value::from(route.name());
    let call = format!(r#"{{"jsonrpc":"2.0","method":{name}{params},"id":1}}"#);
    // Within single quotes the shell takes all but a single quote as it is.
    let body = call.replace('\'', r"'\''");
    Some(format!("curl -s {url} -H 'content-type: application/json' -d '{body}'"))
}

/// Some value that fits the schema, as far as its type tells.
fn example(schema: &Value) -> Value {
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        kind => kind.and_then(Value::as_str),
    };
    match kind {
        Some("string") => json!("world"),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("null") => Value::Null,
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_fit_the_type_of_a_schema() {
        assert_eq!(example(&json!({ "type": "string" })), json!("world"));
        assert_eq!(example(&json!({ "type": ["integer", "null"] })), json!(1));
        assert_eq!(example(&Value::Null), json!({}));
    }
}
