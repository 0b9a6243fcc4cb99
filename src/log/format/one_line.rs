//! Texts in a line of the log, without anything that would end the line or command a terminal.

use std::fmt::{self, Write};

/// Writes to another writer, with control characters as escapes: `\n` for a line break.
///
/// A field that is written with `%` shows a text as it is. The text of an error may quote what a
/// caller has sent: with a line break, the caller would write lines of the log.
#[derive(Debug)]
pub(super) struct OneLine<'a, W> {
    out: &'a mut W,
    /// Whether the text has colours already, which begin with a control character.
    has_colours: bool,
}

impl<'a, W: Write> OneLine<'a, W> {
    pub(super) fn new(out: &'a mut W) -> Self {
        Self { out, has_colours: false }
    }

    /// As [`new`](Self::new), for a text that may have colours.
    pub(super) fn with_colours(out: &'a mut W, has_colours: bool) -> Self {
        Self { out, has_colours }
    }

    fn is_escaped(&self, character: char) -> bool {
        match character {
            '\t' => false,
            '\u{1b}' => !self.has_colours,
            '\u{2028}' | '\u{2029}' => true,
            other => other.is_control(),
        }
    }
}

impl<W: Write> Write for OneLine<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(|character| self.is_escaped(character)) {
            let (plain, from) = rest.split_at(at);
            self.out.write_str(plain)?;
            let mut characters = from.chars();
            if let Some(escaped) = characters.next() {
                write!(self.out, "{}", escaped.escape_default())?;
            }
            rest = characters.as_str();
        }
        self.out.write_str(rest)
    }
}
