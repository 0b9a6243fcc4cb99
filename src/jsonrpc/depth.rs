//! How deep a request nests, found without recursion and before it is parsed.
//!
//! serde_json limits its own recursion, but what it skips (an unknown member, a raw value) it skips without a limit, and
//! what is skipped now may be parsed later by somebody else. So all of it is measured.

use memchr::memchr2_iter;

/// Whether more than `limit` objects and arrays stand within one another.
///
/// Exact for JSON. Of a text that is not, it judges the part before the first mistake, which is where a parser stops.
pub(super) fn exceeds(json: &str, limit: usize) -> bool {
    // What is too short to be so deep, or has too few brackets, is let through without a look at its strings: nearly all.
    json.len() > limit && more_openings(json.as_bytes(), limit) && deepest(json.as_bytes()) > limit
}

/// What is told of one that does. Its text goes nowhere but into a log.
pub(super) fn error<E: serde::de::Error>() -> E {
    E::custom("nests too deep")
}

/// Whether more than `limit` objects and arrays begin, or seem to, since strings are not told apart here.
fn more_openings(json: &[u8], limit: usize) -> bool {
    memchr2_iter(b'{', b'[', json).nth(limit).is_some()
}

fn deepest(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => _ = bytes.next(),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_only_outside_of_strings() {
        for (json, expected) in [
            ("1", 0),
            ("[]", 1),
            ("[[],[],{}]", 2),
            (r#"{"a":{"b":[1]}}"#, 3),
            (r#"["[[[["]"#, 1),
            (r#"["\"[[[[",[]]"#, 2),
            (r#"["\\",[[]]]"#, 3),
            (r#"{"[":"{","\\\"[":[]}"#, 2),
        ] {
            assert_eq!(deepest(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn a_text_that_is_not_json_is_measured_up_to_its_mistake() {
        for (json, expected) in [("]]]]", 0), ("\"", 0), ("\"\\", 0), ("[\"", 1), ("}{", 1)] {
            assert_eq!(deepest(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn many_brackets_are_not_deep_and_the_limit_is_the_limit() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for limit in [1, 2, 127] {
            assert!(!exceeds(&format!("[{}]", vec!["1"; 1000].join(",")), limit));
            assert!(!exceeds(&format!("[{:?},{}]", "[".repeat(1000), nested(limit - 1)), limit));
            assert!(!exceeds(&nested(limit), limit));
            assert!(exceeds(&nested(limit + 1), limit));
            assert!(exceeds(&"[".repeat(limit + 1), limit));
        }
        assert!(!exceeds(&format!("[{}]", vec!["{}"; 1000].join(",")), 2));
    }

    #[test]
    fn openings_of_both_kinds_are_counted() {
        for limit in [1, 2, 127] {
            let many = "[1,{".repeat(limit);
            assert!(more_openings(many.as_bytes(), 2 * limit - 1) && !more_openings(many.as_bytes(), 2 * limit));
        }
    }
}
