//! Truncates text from outside to what a message or a line of the log may show.

/// Returns the beginning of `text`: at most `max` bytes, and no part of a character.
// `str::floor_char_boundary` came with Rust 1.91, and actix asks for 1.89.
pub(crate) fn truncated(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::truncated;

    #[test]
    fn a_text_is_cut_between_two_characters_and_only_if_it_is_too_long() {
        for (text, max, short) in [
            ("", 0, ""),
            ("", 5, ""),
            ("price", 0, ""),
            ("price", 4, "pric"),
            ("price", 5, "price"),
            ("price", 6, "price"),
            ("€5", 2, ""),
            ("€5", 3, "€"),
            ("5€", 3, "5"),
            ("5🔑€", 7, "5🔑"),
            ("5🔑€", 8, "5🔑€"),
        ] {
            assert_eq!(truncated(text, max), short, "{text} in {max} bytes");
        }
    }
}
