//! An OpenRPC document as it was read: references are followed, and what is missing is an error.

use serde_json::{Map, Value};

use crate::Result;

/// Maximum number of references that lead from one to the next.
const MAX_REFERENCES: usize = 32;

/// A document that has methods.
#[derive(Debug)]
pub(super) struct Document(Value);

impl Document {
    /// Reads a document. The error says what is wrong with it, without its origin.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let root: Value = serde_json::from_str(text).map_err(|error| {
            format!("it is not valid JSON ({error}): pass an OpenRPC document, such as the output of `callbox describe URL --json`")
        })?;
        let Some(members) = root.as_object() else {
            return Err("it is not an OpenRPC document, which is a JSON object".to_owned());
        };
        if !members.contains_key("openrpc") {
            let other = ["openapi", "swagger", "asyncapi"].into_iter().find(|name| members.contains_key(*name));
            let hint = other.map_or_else(
                || "add the version of OpenRPC that it follows".to_owned(),
                |other| format!("it has `{other}`, and a client can only be generated from OpenRPC"),
            );
            return Err(format!("it has no member `openrpc`: {hint}"));
        }
        match members.get("methods") {
            Some(Value::Array(methods)) if !methods.is_empty() => Ok(Self(root)),
            Some(Value::Array(_)) => Err("it lists no methods: add a token if they are private".to_owned()),
            _ => Err("it has no list `methods`: add the methods that the client shall call".to_owned()),
        }
    }

    pub(super) fn methods(&self) -> Result<Vec<&Map<String, Value>>> {
        self.list(self.0.get("methods"), "/methods")
    }

    /// Returns the text at a pointer; nothing if there is none.
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer).and_then(Value::as_str)
    }

    /// Returns the object at a pointer; an empty one if there is none.
    pub(super) fn members(&self, pointer: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.0.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
    }

    /// Returns the objects in a list that may be missing. `at` says where the list is.
    pub(super) fn list<'a>(&'a self, list: Option<&'a Value>, at: &str) -> Result<Vec<&'a Map<String, Value>>> {
        match list {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                items.iter().enumerate().map(|(index, item)| self.object(item, &format!("{at}/{index}"))).collect()
            }
            Some(_) => Err(format!("{at} has to be a list")),
        }
    }

    /// Returns an object, or the one to which it refers.
    pub(super) fn object<'a>(&'a self, value: &'a Value, at: &str) -> Result<&'a Map<String, Value>> {
        let mut value = value;
        for _ in 0..MAX_REFERENCES {
            let object = value.as_object().ok_or_else(|| format!("{at} has to be an object"))?;
            match object.get("$ref").and_then(Value::as_str) {
                None => return Ok(object),
                Some(reference) => value = self.find(reference, at)?,
            }
        }
        Err(format!("{at} refers to itself: give it a definition"))
    }

    /// Returns what a reference leads to.
    pub(super) fn find(&self, reference: &str, at: &str) -> Result<&Value> {
        let pointer = pointer_in(reference).ok_or_else(|| {
            format!("{at} refers to {reference}, which is another document: copy the definition into this one")
        })?;
        self.0.pointer(&pointer).ok_or_else(|| {
            format!("{at} refers to {reference}, which the document does not have: add it, or correct the reference")
        })
    }
}

/// Returns the JSON pointer of a reference; nothing if it leads to another document.
pub(super) fn pointer_in(reference: &str) -> Option<String> {
    let pointer = reference.strip_prefix('#')?;
    Some(percent_encoding::percent_decode_str(pointer).decode_utf8_lossy().into_owned())
}

/// Returns a required text of an object.
pub(super) fn required_text<'a>(object: &'a Map<String, Value>, name: &str, at: &str) -> Result<&'a str> {
    object.get(name).and_then(Value::as_str).ok_or_else(|| format!("{at} has no `{name}`, which has to be a string"))
}

/// Returns the name in a pointer: its last part.
pub(super) fn name_in(pointer: &str) -> String {
    let name = pointer.rsplit('/').next().unwrap_or(pointer);
    name.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_document_is_an_error_with_the_fix() {
        for (text, expected) in [
            ("{", "not valid JSON"),
            ("[]", "not an OpenRPC document"),
            (r#"{"openapi":"3.1.0"}"#, "can only be generated from OpenRPC"),
            (r#"{"methods":[]}"#, "no member `openrpc`: add the version"),
            (r#"{"openrpc":"1.3.2"}"#, "no list `methods`"),
            (r#"{"openrpc":"1.3.2","methods":[]}"#, "add a token"),
        ] {
            let error = Document::parse(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
        let document = Document::parse(r##"{"openrpc":"1.3.2","methods":[{"$ref":"#/methods/0"}]}"##).unwrap();
        assert!(document.methods().unwrap_err().contains("/methods/0 refers to itself"));
        let document = Document::parse(r##"{"openrpc":"1.3.2","methods":[{"$ref":"#/components/x"}, 1]}"##).unwrap();
        let error = document.methods().unwrap_err();
        assert!(error.contains("refers to #/components/x, which the document does not have"), "{error}");
    }

    #[test]
    fn the_name_in_a_reference_is_decoded() {
        let pointer = pointer_in("#/components/schemas/Page%20of~1Users").unwrap();
        assert_eq!(name_in(&pointer), "Page of/Users");
        assert_eq!((name_in(""), pointer_in("other.json#/a")), (String::new(), None));
    }
}
