//! Checks that every name of a template or helper that a template uses exists.
//!
//! handlebars looks these names up only when a page is rendered. Without this check, a mistake in a
//! page that is rarely requested would show only in production.

use std::collections::HashSet;

use handlebars::template::{DecoratorTemplate, HelperTemplate, Parameter, TemplateElement};
use handlebars::{Handlebars, RenderErrorReason, Template};

use super::template_helpers::TemplateHelpers;

/// The use of a name that does not exist.
#[derive(Debug, PartialEq)]
pub(super) struct MissingName {
    /// The name of the template that uses it.
    pub(super) template: String,
    pub(super) line: Option<usize>,
    pub(super) reason: String,
}

/// Returns the first use of an unknown name, in the order of the templates' names.
pub(super) fn unknown(registry: &Handlebars<'_>, helpers: &TemplateHelpers) -> Option<MissingName> {
    let mut templates: Vec<_> = registry.get_templates().iter().collect();
    templates.sort_unstable_by_key(|(name, _)| *name);
    let mut inline = HashSet::new();
    for (_, template) in &templates {
        walk(template, &mut |element, _| {
            if let TemplateElement::DecoratorBlock(decorator) = element {
                inline.extend(inline_name(decorator));
            }
        });
    }
    let search = NameChecker { registry, helpers, inline };
    templates.into_iter().find_map(|(name, template)| {
        let mut found = None;
        walk(template, &mut |element, line| {
            found = found.take().or_else(|| {
                let reason = search.check(element)?;
                Some(MissingName { template: name.clone(), line, reason })
            });
        });
        found
    })
}

struct NameChecker<'a> {
    registry: &'a Handlebars<'a>,
    /// The helpers of the program, which are not called here.
    helpers: &'a TemplateHelpers,
    /// The partials that are defined within templates, by `{{#*inline "name"}}`. Where each can be
    /// used depends on which template includes which, so each counts as known everywhere.
    inline: HashSet<String>,
}

impl NameChecker<'_> {
    fn check(&self, element: &TemplateElement) -> Option<String> {
        match element {
            // A partial with a block is no mistake: the block is rendered if there is no such
            // partial.
            TemplateElement::PartialExpression(partial) => {
                // A name that is computed when the page is rendered cannot be checked here.
                let name = partial.name.as_name()?;
                let known = self.registry.has_template(name) || self.inline.contains(name) || name.starts_with('@');
                (!known).then(|| format!("there is no template `{name}` to include; there are: {}", self.names()))
            }
            TemplateElement::Expression(helper) | TemplateElement::HtmlExpression(helper) => {
                let calls = !helper.params.is_empty() || !helper.hash.is_empty();
                self.helper(helper, calls)
            }
            TemplateElement::HelperBlock(helper) => self.helper(helper, true),
            _ => None,
        }
    }

    fn helper(&self, helper: &HelperTemplate, calls: bool) -> Option<String> {
        let name = helper.name.as_name().filter(|_| calls);
        let inner = || helper.params.iter().chain(helper.hash.values()).find_map(|param| self.parameter(param));
        name.and_then(|name| self.no_helper(name)).or_else(inner)
    }

    fn parameter(&self, parameter: &Parameter) -> Option<String> {
        match parameter {
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(helper) => self.helper(helper, true),
                _ => None,
            },
            _ => None,
        }
    }

    fn no_helper(&self, name: &str) -> Option<String> {
        (!self.helpers.has(name) && !is_builtin_helper(name)).then(|| format!("there is no helper `{name}`"))
    }

    fn names(&self) -> String {
        let mut names: Vec<_> = self.registry.get_templates().keys().map(String::as_str).collect();
        names.extend(self.inline.iter().map(String::as_str));
        names.sort_unstable();
        names.join(", ")
    }
}

/// Whether handlebars itself has a helper of this name.
///
/// handlebars does not list its helpers, which also depend on its features. So a call is tried;
/// `log` is left out, as rendering it would write to the log.
pub(super) fn is_builtin_helper(name: &str) -> bool {
    let call = format!("{{{{{name} 1}}}}");
    let rendered = || Handlebars::new().render_template(&call, &());
    name == "log" || !rendered().is_err_and(|error| matches!(error.reason(), RenderErrorReason::HelperNotFound(_)))
}

fn inline_name(decorator: &DecoratorTemplate) -> Option<String> {
    match (decorator.name.as_name(), decorator.params.first()) {
        (Some("inline"), Some(Parameter::Literal(name))) => name.as_str().map(str::to_owned),
        _ => None,
    }
}

/// Visits each element of a template, and those in its blocks, with their line numbers.
fn walk(template: &Template, visit: &mut impl FnMut(&TemplateElement, Option<usize>)) {
    for (index, element) in template.elements.iter().enumerate() {
        visit(element, template.mapping.get(index).map(|mapping| mapping.0));
        let blocks = match element {
            TemplateElement::HelperBlock(helper) => [&helper.template, &helper.inverse],
            TemplateElement::DecoratorBlock(block) | TemplateElement::PartialBlock(block) => [&block.template, &None],
            _ => continue,
        };
        for block in blocks.into_iter().flatten() {
            walk(block, visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown_in(page: &str) -> Option<MissingName> {
        let mut registry = Handlebars::new();
        registry.register_template_string("page", page).unwrap();
        registry.register_template_string("users/row", "<li>{{name}}").unwrap();
        registry.register_template_string("layout", "<main>{{> @partial-block}}</main>").unwrap();
        unknown(&registry, &TemplateHelpers::default())
    }

    #[test]
    fn an_unknown_name_is_found_wherever_it_is_used() {
        for (page, line, reason) in [
            ("{{> nowhere}}", 1, "there is no template `nowhere`"),
            ("<p>\n{{> users/rows}}", 2, "there is no template `users/rows`"),
            ("{{#if a}}\n{{> nowhere}}{{/if}}", 2, "there is no template `nowhere`"),
            ("{{#if a}}{{else}}\n{{> nowhere}}{{/if}}", 2, "there is no template `nowhere`"),
            ("{{#if a}}{{else if b}}\n{{> nowhere}}{{/if}}", 2, "there is no template `nowhere`"),
            ("{{#> layout}}\n{{> nowhere}}{{/layout}}", 2, "there is no template `nowhere`"),
            ("\n{{shout name}}", 2, "there is no helper `shout`"),
            ("{{shout loud=true}}", 1, "there is no helper `shout`"),
            ("{{{shout name}}}", 1, "there is no helper `shout`"),
            ("{{#shout name}}{{/shout}}", 1, "there is no helper `shout`"),
            ("{{#if (shout name)}}{{/if}}", 1, "there is no helper `shout`"),
            ("{{#if (eq (shout name) 1)}}{{/if}}", 1, "there is no helper `shout`"),
        ] {
            let found = unknown_in(page).unwrap_or_else(|| panic!("nothing unknown in {page}"));
            assert_eq!((&*found.template, found.line), ("page", Some(line)), "{page}");
            assert!(found.reason.starts_with(reason), "{page}: {}", found.reason);
        }
        let reason = unknown_in("{{> nowhere}}").unwrap().reason;
        assert!(reason.ends_with("there are: layout, page, users/row"), "{reason}");
    }

    #[test]
    fn names_that_may_exist_are_accepted() {
        for page in [
            "{{> users/row}}",
            "{{#each users}}{{> users/row}}{{/each}}",
            "{{#> layout}}text{{/layout}}",
            "{{#> nowhere}}instead{{/nowhere}}",
            "{{#*inline \"own\"}}text{{/inline}}{{> own}}",
            "{{> (lookup names \"kind\")}}",
            "{{name}} {{user.name}} {{#if (eq a 1)}}{{len b}}{{else if c}}{{/if}}",
            "{{#with a as |b|}}{{b.c}}{{/with}} {{log \"x\"}} {{lookup a 1}} {{#unless a}}{{/unless}}",
            "{{!-- {{> nowhere}} --}}",
            "\\{{> nowhere}}",
        ] {
            assert_eq!(unknown_in(page), None, "{page}");
        }
    }
}
