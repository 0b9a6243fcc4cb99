//! The page that shows a template's author the mistake in it.

use std::fmt::Write as _;

use handlebars::html_escape;

use crate::regular_file;

use super::template_dir::TemplateFault;

/// Number of lines to show before and after the line with the mistake.
const CONTEXT_LINES: usize = 4;

/// Returns the page. For use with `--watch-templates` only, as it shows paths and lines of
/// templates.
pub(super) fn fault_page(fault: &TemplateFault) -> String {
    include_str!("fault_page.html").replacen("{fault}", &escape(&fault.to_string()), 1).replacen(
        "{excerpt}",
        &excerpt(fault).unwrap_or_default(),
        1,
    )
}

/// Returns the lines around the mistake, if its line is known and the file can still be read.
fn excerpt(fault: &TemplateFault) -> Option<String> {
    let text = regular_file::read_to_string(&fault.file).ok()?;
    // handlebars reports something missing at the end of the file with the line after the last one.
    let wrong = fault.line?.min(text.lines().count());
    let first = wrong.saturating_sub(CONTEXT_LINES).max(1);
    let mut lines = String::new();
    for (line, text) in (1..).zip(text.lines()).skip(first - 1).take_while(|(line, _)| *line <= wrong + CONTEXT_LINES) {
        let (open, close) = if line == wrong { ("<mark>", "</mark>") } else { ("", "") };
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{open}<i>{line:>4}</i>  {}{close}", escape(text));
    }
    Some(lines)
}

/// Escapes HTML, and braces, so that text of a template cannot be taken for a placeholder of this
/// page.
fn escape(text: &str) -> String {
    html_escape(text).replace('{', "&#123;")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_line_with_the_mistake_is_marked_among_those_around_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.hbs");
        let lines: Vec<_> = (1..=20).map(|line| format!("<p>{line}{{excerpt}}</p>")).collect();
        fs::write(&file, lines.join("\n")).unwrap();
        let mut fault = TemplateFault { file, line: Some(10), reason: "no `{excerpt}` in the data".to_owned() };
        let page = fault_page(&fault);
        assert!(page.contains("<mark><i>  10</i>  &lt;p&gt;10&#123;excerpt}&lt;/p&gt;</mark>"), "{page}");
        assert!(page.contains("<i>   6</i>") && page.contains("<i>  14</i>"), "{page}");
        assert!(!page.contains("<i>   5</i>") && !page.contains("<i>  15</i>"), "{page}");
        for (line, shown) in [(Some(1), 5), (Some(20), 5), (Some(30), 5), (None, 0)] {
            fault.line = line;
            assert_eq!(fault_page(&fault).matches("<i>").count(), shown, "{line:?}");
        }
    }
}
