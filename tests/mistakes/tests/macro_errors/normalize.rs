//! Normalizes the output of the compiler: removes what differs between machines, and the positions
//! in files other than the case, which change when these are edited.

use std::path::Path;

use crate::compiler::PACKAGE;

/// The beginnings of the lines at the end of the output.
const SUMMARY: [&str; 3] =
    ["error: aborting due to ", "Some errors have detailed explanations", "For more information"];

/// Returns the output for a case in the form of the expected output.
pub(crate) fn output_of(output: &str, case: &Path) -> String {
    let errors = errors(output).into_iter().map(|lines| CompilerError::new(&lines, case).normalized());
    errors.collect::<Vec<_>>().join("\n")
}

/// Returns the lines of each error, without warnings.
fn errors(output: &str) -> Vec<Vec<&str>> {
    let mut all: Vec<Vec<&str>> = Vec::new();
    let is_summary = |line: &str| SUMMARY.iter().any(|start| line.starts_with(start));
    for line in output.lines().filter(|line| !is_summary(line)) {
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

/// A line, and whether it shows another file than the case.
struct OutputLine<'a> {
    text: &'a str,
    is_outside: bool,
}

struct CompilerError<'a>(Vec<OutputLine<'a>>);

impl<'a> CompilerError<'a> {
    fn new(lines: &[&'a str], case: &Path) -> Self {
        let case = format!("{PACKAGE}{}", case.display());
        let mut is_outside = false;
        let line = |text: &&'a str| {
            if let Some(position) = position(text) {
                is_outside = !position.starts_with(&case);
            } else if text.starts_with(|first: char| first.is_alphabetic()) {
                // A note without a position is about the case.
                is_outside = false;
            }
            OutputLine { text, is_outside }
        };
        Self(lines.iter().map(line).collect())
    }

    fn normalized(&self) -> String {
        // The margin is as wide as the longest line number, so a number of another file widens it.
        let width = |count_outside: bool| {
            let lines = self.0.iter().filter(|line| count_outside || !line.is_outside);
            lines.filter_map(|line| number(line.text)).map(str::len).max().unwrap_or(1)
        };
        let margin = " ".repeat(width(true) - width(false));
        let text: String = self.0.iter().map(|line| line.normalized(&margin) + "\n").collect();
        text.trim_end().to_owned() + "\n"
    }
}

impl OutputLine<'_> {
    fn normalized(&self, margin: &str) -> String {
        let mut text = self.text.to_owned();
        match (self.is_outside, position(self.text), number(self.text)) {
            (false, Some(position), _) => text = text.replace(position, &position.replacen(PACKAGE, "", 1)),
            (true, Some(position), _) => {
                // Without line and column.
                let file = position.split(':').next().unwrap_or_default();
                text = text.replace(position, &format!("$WORKSPACE/{file}"));
            }
            (true, None, Some(number)) => {
                text = text.replacen(number, &" ".repeat(number.len()), 1);
            }
            (_, None, _) => {}
        }
        let text = text.strip_prefix(margin).unwrap_or(&text);
        match text.trim_start().strip_prefix("and ").and_then(|rest| rest.strip_suffix(" others")) {
            Some(number) => text.replace(number, "$N"),
            // The compiler writes the whole path if another crate of the build has a type of this
            // name, which depends on the features of that build.
            None => text.trim_end().replace("std::string::String", "String"),
        }
    }
}

/// Returns the file, line and column of a line with an arrow.
fn position(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("--> ").or_else(|| line.strip_prefix("::: "))
}

/// Returns the line number of a line that shows source code.
fn number(line: &str) -> Option<&str> {
    let (number, _) = line.trim_start().split_once([' '])?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}
