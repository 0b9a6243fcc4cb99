//! How deep a text nests, found without recursion and before anything is parsed.
//!
//! serde_json limits its own recursion, but what it skips (an unknown member, a raw value) is skipped without a limit. A
//! value that is skipped here is parsed by somebody else later, so all of it is measured.

/// How many objects and arrays may stand within one another in one request object, itself included.
pub(super) const MAX_DEPTH: usize = 127;

/// Whether more than `limit` objects and arrays stand within one another.
///
/// Exact for JSON. Of a text that is not, it judges the part before the first mistake, which is where a parser stops.
pub(super) fn exceeds(json: &[u8], limit: usize) -> bool {
    // Nearly every body ends here, and the compiler makes vector code of this line.
    let openings: usize = json.iter().map(|byte| usize::from(matches!(byte, b'{' | b'['))).sum();
    openings > limit && deepest(json) > limit
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
            assert!(!exceeds(json.as_bytes(), expected), "{json}");
            assert!(expected == 0 || exceeds(json.as_bytes(), expected - 1), "{json}");
        }
    }

    #[test]
    fn a_text_that_is_not_json_is_measured_without_a_panic() {
        for json in ["]]]]", "\"", "\"\\", "[\"", "}{"] {
            assert!(!exceeds(json.as_bytes(), 1), "{json}");
        }
    }
}
