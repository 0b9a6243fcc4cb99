//! Text for terminals: tables, and wrapped paragraphs.

use std::fmt;

use anstyle::Style;

/// A table. Columns are as wide as their longest cell, and separated by two spaces.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<(String, Style)>>,
    colours: bool,
    right_from: usize,
}

impl Table {
    /// Creates an empty table, which ignores the styles of its cells unless `colours` is set.
    pub fn new(colours: bool) -> Self {
        Self { rows: Vec::new(), colours, right_from: usize::MAX }
    }

    /// Aligns the columns from this one on to the right, for numbers.
    pub fn right_from(self, column: usize) -> Self {
        Self { right_from: column, ..self }
    }

    /// Adds a row. Control characters in a cell are replaced, because names come from servers and
    /// must not control the terminal.
    pub fn row(&mut self, cells: impl IntoIterator<Item = (impl Into<String>, Style)>) {
        let cells = cells.into_iter().map(|(text, style)| {
            let text: String = text.into();
            (text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect(), style)
        });
        self.rows.push(cells.collect());
    }

    fn width(&self, column: usize) -> usize {
        self.rows.iter().filter_map(|row| row.get(column)).map(|(text, _)| text.chars().count()).max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<_> = (0..columns).map(|column| self.width(column)).collect();
        for row in &self.rows {
            // Lines have no trailing spaces.
            let last = row.iter().rposition(|(text, _)| !text.is_empty());
            for (column, (text, style)) in row.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
                let style = if self.colours { *style } else { Style::new() };
                let padding = " ".repeat(widths[column].saturating_sub(text.chars().count()));
                if column > 0 {
                    f.write_str("  ")?;
                }
                if column >= self.right_from {
                    write!(f, "{padding}{style}{text}{style:#}")?;
                } else {
                    write!(f, "{style}{text}{style:#}")?;
                    if Some(column) != last {
                        f.write_str(&padding)?;
                    }
                }
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}

/// Wraps a text into lines of at most `width` characters. A longer word has its own line.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is one from the start");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_without_trailing_spaces() {
        let plain = Style::new();
        let mut table = Table::new(false).right_from(1);
        table.row([("name", plain), ("calls", plain)]);
        table.row([("größe\u{1b}[2J", plain), ("7", plain)]);
        table.row([("x", plain), ("", plain)]);
        assert_eq!(table.to_string(), "name       calls\ngröße\u{fffd}[2J      7\nx\n");
    }

    #[test]
    fn colours_are_written_only_if_enabled() {
        for (colours, expected) in [(true, "\u{1b}[1ma\u{1b}[0m\n"), (false, "a\n")] {
            let mut table = Table::new(colours);
            table.row([("a", Style::new().bold())]);
            assert_eq!(table.to_string(), expected);
        }
    }

    #[test]
    fn text_is_wrapped_without_breaking_long_words() {
        assert_eq!(wrapped("one two  three\nfour", 8), ["one two", "three", "four"]);
        assert_eq!(wrapped("a incomprehensibilities b", 5), ["a", "incomprehensibilities", "b"]);
        assert_eq!(wrapped("", 5), [""]);
    }
}
