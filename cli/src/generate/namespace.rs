//! The methods of a client as a tree: `users.add` becomes `client.users.add(…)`.

use super::model::{Api, Docs, Method};
use super::naming::Scope;

/// The methods that have a common beginning of their names.
#[derive(Debug)]
pub(super) struct Namespace<'a> {
    /// What the names of the methods begin with, such as `users`; nothing for the client itself. It
    /// may be empty, as in `.add`.
    prefix: Option<String>,
    /// The methods in the order of the document, with their names in the code.
    pub(super) methods: Vec<(String, &'a Method)>,
    /// The namespaces within, with their names in the code.
    pub(super) children: Vec<(String, Self)>,
}

/// The names that a language has for methods and namespaces.
pub(super) struct Names {
    /// Returns a name of the document as one of the language.
    pub(super) identifier: fn(&str) -> String,
    /// Words that are no names.
    pub(super) keywords: &'static [&'static str],
    /// Names that are taken in the client, which has functions of its own.
    pub(super) of_client: &'static [&'static str],
    /// Names that are taken in each namespace, the client included.
    pub(super) everywhere: &'static [&'static str],
}

impl<'a> Namespace<'a> {
    /// Returns the methods of a client, in namespaces.
    pub(super) fn of(api: &'a Api, names: &Names) -> Self {
        let methods = api.methods.iter().map(|method| (method.name.as_str(), method)).collect();
        Self::with(None, methods, names)
    }

    /// `methods` have the parts of their names behind the prefix.
    fn with(prefix: Option<String>, methods: Vec<(&'a str, &'a Method)>, names: &Names) -> Self {
        let mut scope = Scope::with(names.keywords);
        scope.reserve(names.everywhere);
        if prefix.is_none() {
            scope.reserve(names.of_client);
        }
        let mut within: Vec<(&str, Vec<(&str, &Method)>)> = Vec::new();
        let mut own = Vec::new();
        for (name, method) in methods {
            match name.split_once('.') {
                None => own.push((name, method)),
                Some((first, rest)) => match within.iter_mut().find(|(known, _)| *known == first) {
                    Some((_, known)) => known.push((rest, method)),
                    None => within.push((first, vec![(rest, method)])),
                },
            }
        }
        let children = within.into_iter().map(|(first, methods)| {
            let path = prefix.as_ref().map_or_else(|| first.to_owned(), |prefix| format!("{prefix}.{first}"));
            (scope.underscored(&(names.identifier)(first)), Self::with(Some(path), methods, names))
        });
        let children = children.collect();
        let methods = own.into_iter().map(|(name, method)| (scope.underscored(&(names.identifier)(name)), method));
        let methods = methods.collect();
        Self { prefix, methods, children }
    }

    /// Returns what the names of the methods begin with; nothing for the client itself.
    pub(super) fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or_default()
    }

    /// Returns what the doc comment of the namespace says.
    pub(super) fn docs(&self) -> Docs {
        Docs::of(format!("The methods `{}.…`.", self.prefix()))
    }

    /// Returns this namespace and all within, the outer ones first.
    pub(super) fn all(&self) -> Vec<&Self> {
        let within = self.children.iter().flat_map(|(_, child)| child.all());
        std::iter::once(self).chain(within).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::super::naming::identifier;
    use super::*;

    #[test]
    fn methods_are_where_their_names_say_and_no_two_have_one_name() {
        let names = ["users.add", "users", "a.b.c", "a.b-d", "a.b_d", "batch", "users.batch", "a.", ".b.c", "..d"];
        let methods: Vec<_> = names.iter().map(|name| serde_json::json!({ "name": name })).collect();
        let document = serde_json::json!({ "openrpc": "1.3.2", "methods": methods }).to_string();
        let api = Api::of(&Document::parse(&document).unwrap()).unwrap();
        let names = Names { identifier, keywords: &["d"], of_client: &["batch"], everywhere: &["c"] };
        let root = Namespace::of(&api, &names);
        let listed = root.all().into_iter().map(|namespace| {
            let methods = namespace.methods.iter().map(|(name, method)| format!("{name} = {}", method.name));
            (namespace.prefix(), methods.collect::<Vec<_>>().join(", "))
        });
        assert_eq!(
            listed.collect::<Vec<_>>(),
            [
                ("", "users_ = users, batch_ = batch".to_owned()),
                ("users", "add = users.add, batch = users.batch".to_owned()),
                ("a", "b_d = a.b-d, b_d_ = a.b_d, _ = a.".to_owned()),
                ("a.b", "c_ = a.b.c".to_owned()),
                ("", String::new()),
                (".b", "c_ = .b.c".to_owned()),
                (".", "d_ = ..d".to_owned()),
            ]
        );
        let classes: Vec<_> = api.namespaces.iter().map(|(prefix, class)| format!("{prefix} {class}")).collect();
        assert_eq!(
            classes,
            [" TypeMethods", ". TypeMethods2", ".b BMethods", "a AMethods", "a.b ABMethods", "users UsersMethods"]
        );
    }
}
