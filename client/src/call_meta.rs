//! What a caller says about a call: the member `_meta` of named parameters.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

/// The member of named parameters that speaks about the call itself.
const META: &str = "_meta";

/// The members of an object, with values as they were written.
type Members = BTreeMap<String, Box<RawValue>>;

/// Returns the parameters with this about the call. Returns nothing for positional ones, which have
/// no place for it.
pub(crate) fn with_meta(params: Option<&RawValue>, name: &str, value: &impl Serialize) -> Option<Box<RawValue>> {
    let mut members: Members = params.map_or_else(|| Some(Members::new()), read)?;
    let mut meta: Members = members.get(META).and_then(|meta| read(meta)).unwrap_or_default();
    meta.insert(name.to_owned(), to_raw_value(value).ok()?);
    members.insert(META.to_owned(), to_raw_value(&meta).ok()?);
    to_raw_value(&members).ok()
}

fn read<T: DeserializeOwned>(json: &RawValue) -> Option<T> {
    serde_json::from_str(json.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_into_named_parameters_beside_what_is_there() {
        let params = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        let after = |json: Option<&str>| {
            with_meta(json.map(params).as_deref(), "after", &"k3-17").map(|written| written.get().to_owned())
        };
        assert_eq!(after(None).unwrap(), r#"{"_meta":{"after":"k3-17"}}"#);
        assert_eq!(after(Some("{}")).unwrap(), r#"{"_meta":{"after":"k3-17"}}"#);
        assert_eq!(
            after(Some(
                r#"{"symbol":"ACME","big":12345678901234567890.50,"_meta":{"minIntervalMs":50,"after":"old"}}"#
            ))
            .unwrap(),
            r#"{"_meta":{"after":"k3-17","minIntervalMs":50},"big":12345678901234567890.50,"symbol":"ACME"}"#
        );
        assert_eq!(after(Some(r#"{"_meta":null}"#)).unwrap(), r#"{"_meta":{"after":"k3-17"}}"#);
        assert_eq!(after(Some(r#"["ACME"]"#)), None);
    }
}
