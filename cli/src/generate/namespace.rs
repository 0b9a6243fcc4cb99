//! The methods of a client as a tree: `users.add` becomes `client.users.add(…)`.

use super::model::{Api, Method};
use super::naming::{Scope, identifier};

/// The methods that have a common beginning of their names.
#[derive(Debug)]
pub(super) struct Namespace<'a> {
    /// What the names of the methods begin with, such as `users`. Empty for the client itself.
    pub(super) prefix: String,
    /// The methods in the order of the document, with their names in the code.
    pub(super) methods: Vec<(String, &'a Method)>,
    /// The namespaces within, with their names in the code.
    pub(super) children: Vec<(String, Self)>,
}

/// The names that methods and namespaces cannot have.
pub(super) struct ReservedNames {
    /// In the client, which has functions of its own.
    pub(super) of_client: &'static [&'static str],
    /// In each namespace, the client included.
    pub(super) everywhere: &'static [&'static str],
}

impl<'a> Namespace<'a> {
    /// Returns the methods of a client, in namespaces.
    pub(super) fn of(api: &'a Api, reserved: &ReservedNames) -> Self {
        let methods = api.methods.iter().map(|method| (method.name.as_str(), method)).collect();
        Self::with(String::new(), methods, reserved)
    }

    /// `methods` have the parts of their names behind the prefix.
    fn with(prefix: String, methods: Vec<(&'a str, &'a Method)>, reserved: &ReservedNames) -> Self {
        let mut scope = Scope::with(reserved.everywhere);
        if prefix.is_empty() {
            scope.reserve(reserved.of_client);
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
            let path = if prefix.is_empty() { first.to_owned() } else { format!("{prefix}.{first}") };
            (scope.underscored(&identifier(first)), Self::with(path, methods, reserved))
        });
        let children = children.collect();
        let methods = own.into_iter().map(|(name, method)| (scope.underscored(&identifier(name)), method)).collect();
        Self { prefix, methods, children }
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
    use super::*;

    #[test]
    fn methods_are_where_their_names_say_and_no_two_have_one_name() {
        let names = ["users.add", "users", "a.b.c", "a.b-d", "a.b_d", "batch", "users.batch", "a."];
        let methods: Vec<_> = names.iter().map(|name| serde_json::json!({ "name": name })).collect();
        let document = serde_json::json!({ "openrpc": "1.3.2", "methods": methods }).to_string();
        let api = Api::of(&Document::parse(&document).unwrap()).unwrap();
        let root = Namespace::of(&api, &ReservedNames { of_client: &["batch"], everywhere: &[] });
        let listed = root.all().into_iter().map(|namespace| {
            let methods = namespace.methods.iter().map(|(name, method)| format!("{name} = {}", method.name));
            (namespace.prefix.as_str(), methods.collect::<Vec<_>>().join(", "))
        });
        assert_eq!(
            listed.collect::<Vec<_>>(),
            [
                ("", "users_ = users, batch_ = batch".to_owned()),
                ("users", "add = users.add, batch = users.batch".to_owned()),
                ("a", "b_d = a.b-d, b_d_ = a.b_d, _ = a.".to_owned()),
                ("a.b", "c = a.b.c".to_owned()),
            ]
        );
        let classes: Vec<_> = api.namespaces.iter().map(|(prefix, class)| format!("{prefix} {class}")).collect();
        assert_eq!(classes, ["a AMethods", "a.b ABMethods", "users UsersMethods"]);
    }
}
