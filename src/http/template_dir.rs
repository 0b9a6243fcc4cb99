//! A directory of handlebars templates, and the positions of mistakes in them.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use handlebars::{Handlebars, RenderError, RenderErrorReason, TemplateError, TemplateErrorReason};

use crate::regular_file;

use super::template_helpers::TemplateHelpers;
use super::template_names::{self, MissingName};

const EXTENSION: &str = "hbs";

/// A mistake in a template, displayed as ``templates/stats.hbs:3: no `total` in the data``.
#[derive(Debug)]
pub(super) struct TemplateFault {
    pub(super) file: PathBuf,
    pub(super) line: Option<usize>,
    pub(super) reason: String,
}

impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

#[derive(Debug)]
pub(super) struct TemplateDir {
    root: PathBuf,
    helpers: TemplateHelpers,
}

impl TemplateDir {
    pub(super) fn new(root: &Path, helpers: TemplateHelpers) -> Self {
        Self { root: root.to_owned(), helpers }
    }

    /// Reads all templates that are in the directory now.
    pub(super) fn load(&self) -> Result<Handlebars<'static>, TemplateFault> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        self.helpers.register(&mut registry);
        let mut files = Vec::new();
        find(&self.root, &mut files)?;
        for file in files {
            let text = regular_file::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
            // Some editors begin a file with a byte order mark, which would end up in the page.
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            registry.register_template_string(&self.name(&file), text).map_err(|error| syntax(&file, &error))?;
        }
        match template_names::unknown(&registry, &self.helpers) {
            Some(MissingName { template, line, reason }) => {
                Err(TemplateFault { file: self.file(&template), line, reason })
            }
            None => Ok(registry),
        }
    }

    /// Returns the name of a template: `users/list` for `templates/users/list.hbs`, on every
    /// operating system.
    fn name(&self, file: &Path) -> String {
        let inside = file.strip_prefix(&self.root).unwrap_or(file).with_extension("");
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/")
    }

    /// Returns the file of the template with this name.
    fn file(&self, name: &str) -> PathBuf {
        self.root.join(format!("{name}.{EXTENSION}"))
    }

    /// Returns where and why rendering the template `name` failed.
    pub(super) fn fault(&self, registry: &Handlebars<'_>, name: &str, error: &RenderError) -> TemplateFault {
        if !registry.has_template(name) {
            let mut names: Vec<_> = registry.get_templates().keys().map(String::as_str).collect();
            names.sort_unstable();
            let reason = format!("there is no such template; there are: {}", names.join(", "));
            return TemplateFault { file: self.file(name), line: None, reason };
        }
        let reason = match error.reason() {
            RenderErrorReason::MissingVariable(Some(variable)) => format!("no `{variable}` in the data"),
            other => other.to_string(),
        };
        TemplateFault { file: self.file(error.template_name.as_deref().unwrap_or(name)), line: error.line_no, reason }
    }
}

fn find(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), TemplateFault> {
    for entry in fs::read_dir(dir).map_err(|error| unreadable(dir, &error))? {
        let entry = entry.map_err(|error| unreadable(dir, &error))?;
        let path = entry.path();
        // Editors leave hidden files such as `.#stats.hbs` behind.
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == EXTENSION) {
            files.push(path);
        }
    }
    Ok(())
}

fn unreadable(file: &Path, error: &io::Error) -> TemplateFault {
    TemplateFault { file: file.to_owned(), line: None, reason: format!("cannot be read ({error})") }
}

fn syntax(file: &Path, error: &TemplateError) -> TemplateFault {
    let reason = match (error.reason(), error.pos()) {
        // handlebars' own message lists the rules of its grammar.
        (TemplateErrorReason::InvalidSyntax(_), Some((_, column))) => {
            format!("invalid handlebars syntax at column {column}; is a block or a brace left open before it?")
        }
        (other, _) => other.to_string(),
    };
    TemplateFault { file: file.to_owned(), line: error.pos().map(|(line, _)| line), reason }
}

#[cfg(test)]
mod tests {
    use crate::regular_file::tests::{at_once, make_pipe};

    use super::*;

    #[test]
    fn a_template_that_includes_one_that_is_not_there_is_a_fault_that_names_both() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("users")).unwrap();
        fs::write(directory.path().join("users/list.hbs"), "<ul>\n{{> nowhere}}\n</ul>").unwrap();
        let fault =
            TemplateDir::new(directory.path(), TemplateHelpers::default()).load().map(drop).unwrap_err().to_string();
        let expected = "users/list.hbs:2: there is no template `nowhere` to include; there are: users/list";
        assert!(fault.ends_with(expected), "{fault}");
    }

    #[test]
    fn the_byte_order_mark_of_a_template_is_not_a_part_of_the_page() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("page.hbs"), "\u{feff}<p>\u{feff}{{n}}").unwrap();
        let registry = TemplateDir::new(directory.path(), TemplateHelpers::default()).load().unwrap();
        assert_eq!(registry.render("page", &serde_json::json!({ "n": 1 })).unwrap(), "<p>\u{feff}1");
    }

    #[test]
    fn a_pipe_among_the_templates_is_a_fault_that_names_it() {
        let directory = tempfile::tempdir().unwrap();
        make_pipe(&directory.path().join("stats.hbs"));
        let templates = TemplateDir::new(directory.path(), TemplateHelpers::default());
        let fault = at_once(move || templates.load().map(drop)).unwrap_err().to_string();
        assert!(fault.ends_with("stats.hbs: cannot be read (it is a named pipe, not a regular file)"), "{fault}");
    }
}
