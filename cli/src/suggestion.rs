//! Suggestions for mistyped names.

use std::collections::BTreeSet;

/// Returns the message for a method that does not exist, with the most similar one that does.
pub(crate) fn unknown_method(name: &str, known: &BTreeSet<String>) -> String {
    unknown("method", name, known, "`callbox describe` lists the methods")
}

/// Returns the message for something of this kind that does not exist, with the most similar one
/// that does, or else with advice.
pub(crate) fn unknown(kind: &str, name: &str, known: &BTreeSet<String>, advice: &str) -> String {
    let likeness = |known: &&String| strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
    let near = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match near.filter(|near| likeness(near) > 0.8) {
        Some(near) => format!("there is no {kind} {name}: did you mean {near}?"),
        None => format!("there is no {kind} {name}: {advice}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_similar_name_is_suggested() {
        let known = ["say_hello", "say_private_hello", "store", "retrieve"].map(str::to_owned).into();
        for (name, expected) in [
            ("say_helo", "did you mean say_hello?"),
            ("sayHello", "did you mean say_hello?"),
            ("SAY_PRIVATE_HELLO", "did you mean say_private_hello?"),
            ("retreive", "did you mean retrieve?"),
            ("x", "`callbox describe` lists"),
        ] {
            let line = unknown_method(name, &known);
            assert!(line.contains(expected) && line.starts_with(&format!("there is no method {name}:")), "{line}");
        }
        assert!(unknown_method("store", &BTreeSet::new()).contains("lists"));
    }
}
