//! Text for terminals: rows of cells in columns, and words in lines.

use std::fmt;

use anstyle::Style;

/// A table. Its columns are as wide as they must be, with two spaces between them.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<(String, Style)>>,
    colours: bool,
    right_from: usize,
}

impl Table {
    pub fn new(colours: bool) -> Self {
        Self { rows: Vec::new(), colours, right_from: usize::MAX }
    }

    /// The same with numbers from this column on, which end at the same place.
    pub fn right_from(self, column: usize) -> Self {
        Self { right_from: column, ..self }
    }

    /// Adds a row. What speaks to a terminal in a cell does not get there: names come from servers.
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
            // No spaces at the end of a line.
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

/// The words of a text in lines of this width.
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
    fn columns_are_aligned_and_lines_have_no_end_of_spaces() {
        let plain = Style::new();
        let mut table = Table::new(false).right_from(1);
        table.row([("name", plain), ("calls", plain)]);
        table.row([("größe\u{1b}[2J", plain), ("7", plain)]);
        table.row([("x", plain), ("", plain)]);
        assert_eq!(table.to_string(), "name       calls\ngröße\u{fffd}[2J      7\nx\n");
    }

    #[test]
    fn colours_are_there_only_if_they_are_wanted() {
        for (colours, expected) in [(true, "\u{1b}[1ma\u{1b}[0m\n"), (false, "a\n")] {
            let mut table = Table::new(colours);
            table.row([("a", Style::new().bold())]);
            assert_eq!(table.to_string(), expected);
        }
    }

    #[test]
    fn words_are_put_into_lines_and_a_long_one_stays_whole() {
        assert_eq!(wrapped("one two  three\nfour", 8), ["one two", "three", "four"]);
        assert_eq!(wrapped("a incomprehensibilities b", 5), ["a", "incomprehensibilities", "b"]);
        assert_eq!(wrapped("", 5), [""]);
    }
}
