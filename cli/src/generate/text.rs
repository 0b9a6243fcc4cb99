//! Text of the document on its way into comments.

/// Returns a text with `\n` as its only line end, and without control characters.
///
/// The languages disagree about what ends a line: a `#` comment of Python ends at `\r` as well, and
/// a `//` comment of JavaScript at U+2028. What follows would be code of the document in the
/// client.
pub(super) fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let ends_line = |c| matches!(c, '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let chars = text.chars().map(|c| if ends_line(c) { '\n' } else { c });
    chars.filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
}

/// Returns a text as part of one line.
pub(super) fn one_line(text: &str) -> String {
    lines(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_becomes_the_same_one_and_control_characters_are_dropped() {
        let text = "a\r\nb\rc\u{b}d\u{c}e\u{85}f\u{2028}g\u{2029}h\n\ti\0j\u{1b}[0m";
        assert_eq!(lines(text), "a\nb\nc\nd\ne\nf\ng\nh\n\tij[0m");
        assert_eq!(one_line(text), "a b c d e f g h ij[0m");
        // What is dropped must not bring two characters together only after these were escaped.
        assert_eq!(lines("*\0/"), "*/");
    }
}
