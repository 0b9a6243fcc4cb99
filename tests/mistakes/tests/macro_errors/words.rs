//! What the compiler says, without what differs from one machine to the next, or when a line moves
//! that is no part of the case.

use std::path::Path;

use crate::compiler::PACKAGE;

/// What is said at the end of any errors.
const CLOSING: [&str; 3] =
    ["error: aborting due to ", "Some errors have detailed explanations", "For more information"];

/// Returns what the compiler says of a case, in the form in which it is kept beside it.
pub(crate) fn of_this_case(said: &str, case: &Path) -> String {
    let errors = errors(said).into_iter().map(|lines| Error::new(&lines, case).in_words());
    errors.collect::<Vec<_>>().join("\n")
}

/// The lines of each error. Warnings of a case are none of ours.
fn errors(said: &str) -> Vec<Vec<&str>> {
    let mut all: Vec<Vec<&str>> = Vec::new();
    let is_closing = |line: &str| CLOSING.iter().any(|closing| line.starts_with(closing));
    for line in said.lines().filter(|line| !is_closing(line)) {
        if line.starts_with("error") || line.starts_with("warning") {
            all.push(Vec::new());
        }
        if let Some(lines) = all.last_mut() {
            lines.push(line);
        }
    }
    all.retain(|lines| lines[0].starts_with("error"));
    all
}

/// A line, and whether it shows a file that is not the case.
struct Line<'a> {
    text: &'a str,
    is_outside: bool,
}

struct Error<'a>(Vec<Line<'a>>);

impl<'a> Error<'a> {
    fn new(lines: &[&'a str], case: &Path) -> Self {
        let case = format!("{PACKAGE}{}", case.display());
        let mut is_outside = false;
        let line = |text: &&'a str| {
            if let Some(place) = place(text) {
                is_outside = !place.starts_with(&case);
            } else if text.starts_with(|first: char| first.is_alphabetic()) {
                // What has no place of its own is about the case.
                is_outside = false;
            }
            Line { text, is_outside }
        };
        Self(lines.iter().map(line).collect())
    }

    fn in_words(&self) -> String {
        // The longest number of a line moves all others to the right.
        let width = |count_outside: bool| {
            let lines = self.0.iter().filter(|line| count_outside || !line.is_outside);
            lines.filter_map(|line| number(line.text)).map(str::len).max().unwrap_or(1)
        };
        let margin = " ".repeat(width(true) - width(false));
        let text: String = self.0.iter().map(|line| line.in_words(&margin) + "\n").collect();
        text.trim_end().to_owned() + "\n"
    }
}

impl Line<'_> {
    fn in_words(&self, margin: &str) -> String {
        let mut text = self.text.to_owned();
        match (self.is_outside, place(self.text), number(self.text)) {
            (false, Some(place), _) => text = text.replace(place, &place.replacen(PACKAGE, "", 1)),
            (true, Some(place), _) => {
                // No line and no column.
                let file = place.split(':').next().unwrap_or_default();
                text = text.replace(place, &format!("$WORKSPACE/{file}"));
            }
            (true, None, Some(number)) => {
                text = text.replacen(number, &" ".repeat(number.len()), 1);
            }
            (_, None, _) => {}
        }
        let text = text.strip_prefix(margin).unwrap_or(&text);
        match text.trim_start().strip_prefix("and ").and_then(|rest| rest.strip_suffix(" others")) {
            Some(number) => text.replace(number, "$N"),
            None => text.trim_end().to_owned(),
        }
    }
}

/// The file, line and column to which an arrow points.
fn place(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("--> ").or_else(|| line.strip_prefix("::: "))
}

/// The number of a line of source that is shown.
fn number(line: &str) -> Option<&str> {
    let (number, _) = line.trim_start().split_once([' '])?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}
