//! The nesting depth of a JSON text, measured without parsing and without recursion.
//!
//! serde_json limits its own recursion, but what it skips (an unknown member, a raw value) it skips
//! without a limit, and what is skipped now may be parsed later by other code. So the depth of the
//! whole text is measured.

use memchr::{memchr2, memchr2_iter};

/// Whether objects and arrays nest deeper than `limit`.
///
/// Exact for JSON. In other text, the part before the first syntax error counts, which is where a
/// parser stops.
pub(super) fn exceeds_depth(json: &str, limit: usize) -> bool {
    // Two cheap checks settle nearly all texts: too short to be that deep, or too few brackets in
    // total.
    json.len() > limit && more_openings(json.as_bytes(), limit) && deepest(json.as_bytes()) > limit
}

/// Returns the error for a text that nests too deep, inside of `above` further levels.
#[cold]
pub(super) fn too_deep<E: serde::de::Error>(json: &str, above: usize, limit: usize) -> E {
    let levels = above + deepest(json.as_bytes());
    E::custom(format_args!("objects and arrays nest {levels} levels deep, the limit is {limit}"))
}

/// Returns the length of the object or array with which a text begins. Returns `None` if it does
/// not end, or nests deeper than `max_depth`.
///
/// For text that is not JSON up to there, the result may be any number.
pub(super) fn first_value_len(json: &str, max_depth: usize) -> Option<usize> {
    let mut brackets = Brackets { rest: json.as_bytes() };
    let mut open = 0_usize;
    loop {
        match brackets.next()? {
            Bracket::Opens if open == max_depth => return None,
            Bracket::Opens => open += 1,
            Bracket::Closes => {
                open = open.checked_sub(1)?;
                if open == 0 {
                    return Some(json.len() - brackets.rest.len());
                }
            }
        }
    }
}

/// Whether more than `limit` objects and arrays begin, or seem to: brackets in strings count too.
fn more_openings(json: &[u8], limit: usize) -> bool {
    memchr2_iter(b'{', b'[', json).nth(limit).is_some()
}

fn deepest(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for bracket in (Brackets { rest: json }) {
        match bracket {
            Bracket::Opens => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Bracket::Closes => depth = depth.saturating_sub(1),
        }
    }
    deepest
}

enum Bracket {
    Opens,
    Closes,
}

/// Iterates over the brackets outside of strings.
struct Brackets<'a> {
    /// The text behind the last one.
    rest: &'a [u8],
}

impl Iterator for Brackets<'_> {
    type Item = Bracket;

    fn next(&mut self) -> Option<Bracket> {
        loop {
            let (byte, rest) = self.rest[plain_prefix_len(self.rest)..].split_first()?;
            self.rest = rest;
            match byte {
                b'{' | b'[' => return Some(Bracket::Opens),
                b'}' | b']' => return Some(Bracket::Closes),
                _ => self.rest = behind_string(rest)?,
            }
        }
    }
}

/// Returns the text behind a string whose opening quote has been consumed.
fn behind_string(mut json: &[u8]) -> Option<&[u8]> {
    loop {
        let near = count(json.iter().take(BYTEWISE_PREFIX), |byte| !matches!(byte, b'"' | b'\\'));
        let end = if near < BYTEWISE_PREFIX {
            near
        } else {
            BYTEWISE_PREFIX + memchr2(b'"', b'\\', json.get(BYTEWISE_PREFIX..)?)?
        };
        if *json.get(end)? == b'"' {
            return Some(&json[end + 1..]);
        }
        // Skip the escaped byte: it may be a quote.
        json = json.get(end + 2..)?;
    }
}

/// Returns how many bytes at the start are neither brackets nor quotes.
fn plain_prefix_len(json: &[u8]) -> usize {
    let is_plain = |byte| !is_special(byte);
    let near = count(json.iter().take(BYTEWISE_PREFIX), is_plain);
    if near < BYTEWISE_PREFIX {
        return near;
    }
    // Chunk by chunk, whose bytes the compiler compares with vector instructions. As numbers,
    // because it does not do so for booleans.
    let specials = |piece: &[u8]| piece.iter().fold(0, |specials, byte| specials | u8::from(is_special(*byte)));
    let far = BYTEWISE_PREFIX
        + CHUNK * json[BYTEWISE_PREFIX..].chunks_exact(CHUNK).take_while(|piece| specials(piece) == 0).count();
    far + count(json[far..].iter(), is_plain)
}

/// Returns how many bytes come before the first one that differs.
fn count<'a>(bytes: impl Iterator<Item = &'a u8>, is_so: impl Fn(u8) -> bool) -> usize {
    bytes.take_while(|byte| is_so(**byte)).count()
}

/// Number of bytes that are checked one by one first: the vectorized search takes a few nanoseconds
/// to start.
const BYTEWISE_PREFIX: usize = 16;

const CHUNK: usize = 32;

fn is_special(byte: u8) -> bool {
    // One bit distinguishes `[` from `{`, and `]` from `}`.
    let brace = byte | 0x20;
    (byte == b'"') | (brace == b'{') | (brace == b'}')
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
    fn invalid_json_is_measured_up_to_its_syntax_error() {
        for (json, expected) in [("]]]]", 0), ("\"", 0), ("\"\\", 0), ("[\"", 1), ("}{", 1)] {
            assert_eq!(deepest(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn many_brackets_are_not_deep_and_the_limit_is_the_limit() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for limit in [1, 2, 127] {
            assert!(!exceeds_depth(&format!("[{}]", vec!["1"; 1000].join(",")), limit));
            assert!(!exceeds_depth(&format!("[{:?},{}]", "[".repeat(1000), nested(limit - 1)), limit));
            assert!(!exceeds_depth(&nested(limit), limit));
            assert!(exceeds_depth(&nested(limit + 1), limit));
            assert!(exceeds_depth(&"[".repeat(limit + 1), limit));
        }
        assert!(!exceeds_depth(&format!("[{}]", vec!["{}"; 1000].join(",")), 2));
    }

    #[test]
    fn openings_of_both_kinds_are_counted() {
        for limit in [1, 2, 127] {
            let many = "[1,{".repeat(limit);
            assert!(more_openings(many.as_bytes(), 2 * limit - 1) && !more_openings(many.as_bytes(), 2 * limit));
        }
    }

    #[test]
    fn the_first_value_ends_at_the_bracket_that_closes_it() {
        let long = format!("[{}]", "1.5,".repeat(100));
        for value in ["[]", "{}", r#"{"a":[1,{"b":"]}"}]}"#, r#"["\\",["\""]]"#, &long, &format!("[{long},\"{long}\"]")]
        {
            for rest in ["", "}", "]]", r#","id":"]"}"#] {
                assert_eq!(first_value_len(&format!("{value}{rest}"), 9), Some(value.len()), "{value}{rest}");
            }
        }
    }

    #[test]
    fn text_that_does_not_end_or_nests_too_deep_has_no_first_value() {
        for json in ["", "1", "]", "[", "[[]", r#"["]"#, r#"["]\"#, r#"[""#, r#"["\"]"#] {
            assert_eq!(first_value_len(json, 9), None, "{json}");
        }
        assert_eq!(
            (first_value_len("[[]]", 2), first_value_len("[[]]", 1), first_value_len("[]", 0)),
            (Some(4), None, None)
        );
    }

    #[test]
    fn special_bytes_are_found_wherever_they_stand() {
        for special in *b"[]{}\"" {
            for at in 0..100 {
                let mut json = vec![b'1'; 100];
                json[at] = special;
                assert_eq!(plain_prefix_len(&json), at, "{}", char::from(special));
            }
        }
        let others: Vec<u8> = (0..=u8::MAX).filter(|byte| !b"[]{}\"".contains(byte)).collect();
        assert_eq!(plain_prefix_len(&others), others.len());
    }
}
