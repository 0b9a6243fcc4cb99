//! The helpers that a program adds to handlebars.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError, ScopedJson,
};

use crate::start_error::StartError;

use super::template_names::is_builtin_helper;

/// The helpers of a program, by their names. They are registered again whenever the templates are
/// read again.
#[derive(Clone, Default)]
pub(crate) struct TemplateHelpers(BTreeMap<String, SharedHelper>);

/// A helper that several registries share.
#[derive(Clone)]
struct SharedHelper(Arc<dyn HelperDef + Send + Sync>);

impl TemplateHelpers {
    /// Adds a helper.
    ///
    /// # Errors
    /// If its name is taken, by another helper of the program or by one of handlebars itself, or if
    /// no template could use it.
    pub(crate) fn add(&mut self, name: &str, helper: impl HelperDef + Send + Sync + 'static) -> Result<(), StartError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || !name.chars().all(is_name) {
            let what = format_args!("{name:?} cannot be the name of a template helper");
            return Err(StartError::new(what, "use letters, digits, _ and -, and begin with a letter"));
        }
        if is_builtin_helper(name) {
            let what = format_args!("the template helper {name:?} would hide the one of handlebars itself");
            return Err(StartError::new(what, "give it another name"));
        }
        if self.0.insert(name.to_owned(), SharedHelper(Arc::new(helper))).is_some() {
            return Err(StartError::new(
                format_args!("two template helpers are called {name:?}"),
                "rename one of them",
            ));
        }
        Ok(())
    }

    pub(super) fn register(&self, registry: &mut Handlebars<'_>) {
        for (name, helper) in &self.0 {
            registry.register_helper(name, Box::new(helper.clone()));
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl fmt::Debug for TemplateHelpers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl HelperDef for SharedHelper {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        render: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        self.0.call_inner(helper, registry, context, render)
    }

    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        render: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        self.0.call(helper, registry, context, render, out)
    }
}

#[cfg(test)]
mod tests {
    use handlebars::handlebars_helper;

    use super::*;

    handlebars_helper!(shout: |text: str| text.to_uppercase());

    #[test]
    fn the_name_of_a_helper_is_free_and_can_be_written() {
        let mut helpers = TemplateHelpers::default();
        helpers.add("shout", shout).unwrap();
        for (name, expected) in [
            ("shout", "two template helpers are called \"shout\": rename one of them"),
            ("each", "the template helper \"each\" would hide the one of handlebars itself: give it another name"),
            ("log", "the template helper \"log\" would hide the one of handlebars itself: give it another name"),
            (
                "a b",
                "\"a b\" cannot be the name of a template helper: use letters, digits, _ and -, and begin with a letter",
            ),
            ("", "\"\" cannot be the name of a template helper: use letters, digits, _ and -, and begin with a letter"),
        ] {
            assert_eq!(helpers.add(name, shout).unwrap_err().to_string(), expected);
        }
        assert_eq!(format!("{helpers:?}"), r#"["shout"]"#);
    }
}
