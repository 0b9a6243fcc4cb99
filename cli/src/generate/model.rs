//! What a client needs to know of a document, in no language: types, errors and methods.

use std::collections::BTreeMap;

use super::text::lines;

/// A document, ready to be printed.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) title: String,
    pub(super) version: String,
    pub(super) description: Option<String>,
    /// All types that have a name, sorted by name.
    pub(super) types: Vec<Definition>,
    /// The errors of the methods, and those that any method may return.
    pub(super) errors: Vec<ErrorType>,
    /// The methods in the order of the document.
    pub(super) methods: Vec<Method>,
    /// The names of the subscriptions, which the client has no functions for.
    pub(super) subscriptions: Vec<String>,
    /// The names of the classes of namespaces, by what the names of their methods begin with.
    pub(super) namespaces: BTreeMap<String, String>,
}

/// A type that has a name. Names are valid in each language, and begin with a capital letter.
#[derive(Debug, PartialEq)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) docs: Docs,
    pub(super) body: Body,
}

#[derive(Debug, PartialEq)]
pub(super) enum Body {
    Object(Object),
    Alias(Type),
}

/// A JSON object with known members.
#[derive(Debug, PartialEq)]
pub(super) struct Object {
    pub(super) members: Vec<Member>,
    /// The type of all other members, if there may be any.
    pub(super) more: Option<Type>,
}

/// A member of an object, or a parameter of a method.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    /// The name in JSON, which may be no identifier.
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) required: bool,
    pub(super) docs: Docs,
}

/// The type of a JSON value. Objects with known members are [`Definition`]s, so they have a name
/// here.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Any,
    /// No value at all.
    Never,
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Literal(Literal),
    List(Box<Type>),
    /// An array with a type for each place, and with one for all places behind these.
    Tuple(Vec<Type>, Option<Box<Type>>),
    Map(Box<Type>),
    /// At least two different types.
    Union(Vec<Type>),
    Named(String),
}

/// A value that is the only one of its type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Boolean(bool),
    Integer(i64),
    String(String),
}

/// What is said about an item in its doc comment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Docs {
    /// The description in the document.
    pub(super) text: Option<String>,
    /// Sentences about what the type cannot express, such as a range.
    pub(super) facts: Vec<String>,
    pub(super) deprecated: bool,
}

/// An error that a server answers with.
#[derive(Debug)]
pub(super) struct ErrorType {
    pub(super) name: String,
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) data: Option<Type>,
    /// Whether the data may be missing.
    pub(super) optional_data: bool,
    pub(super) docs: Docs,
    /// Whether any method may return it.
    pub(super) common: bool,
}

#[derive(Debug)]
pub(super) struct Method {
    /// The name on the wire.
    pub(super) name: String,
    /// The name of the type of its parameters, where they are one object.
    pub(super) params_name: String,
    pub(super) docs: Docs,
    pub(super) params: Vec<Member>,
    /// The type of named parameters that are not listed, if there may be any.
    pub(super) rest: Option<Type>,
    /// Whether the server takes the parameters by position only.
    pub(super) by_position: bool,
    /// `None` for a method that can only be sent as a notification.
    pub(super) result: Option<Type>,
    pub(super) result_docs: Docs,
    /// Places in [`Api::errors`] of the method's own errors.
    pub(super) errors: Vec<usize>,
    pub(super) deadline_ms: Option<u64>,
}

impl Api {
    /// Returns what the client says of the methods that it leaves out; nothing if there are none.
    pub(super) fn left_out(&self) -> Option<String> {
        let names = self.subscriptions.join(", ");
        (!names.is_empty())
            .then(|| format!("Subscriptions need a WebSocket, and this client calls over HTTP. Left out: {names}"))
    }

    /// Whether any value has such a type, by itself or within another one.
    pub(super) fn has_type(&self, is_wanted: impl Fn(&Type) -> bool) -> bool {
        let of_types = self.types.iter().flat_map(|ty| match &ty.body {
            Body::Alias(ty) => vec![ty],
            Body::Object(object) => object.members.iter().map(|member| &member.ty).chain(&object.more).collect(),
        });
        let of_methods = self
            .methods
            .iter()
            .flat_map(|method| method.params.iter().map(|param| &param.ty).chain(&method.rest).chain(&method.result));
        let mut open: Vec<_> =
            of_types.chain(of_methods).chain(self.errors.iter().filter_map(|error| error.data.as_ref())).collect();
        while let Some(ty) = open.pop() {
            if is_wanted(ty) {
                return true;
            }
            match ty {
                Type::List(inner) | Type::Map(inner) => open.push(inner),
                Type::Tuple(places, more) => open.extend(places.iter().chain(more.as_deref())),
                Type::Union(types) => open.extend(types),
                _ => {}
            }
        }
        false
    }
}

impl Type {
    /// Returns the type of values that have one of these types: without repetitions, and with null
    /// as the last.
    pub(super) fn any_of(types: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Vec::new();
        for ty in types {
            match ty {
                Self::Union(inner) => all.extend(inner),
                other => all.push(other),
            }
        }
        if all.contains(&Self::Any) {
            return Self::Any;
        }
        let has_null = all.contains(&Self::Null);
        let mut different = Vec::new();
        for ty in all {
            if !matches!(ty, Self::Never | Self::Null) && !different.contains(&ty) {
                different.push(ty);
            }
        }
        different.extend(has_null.then_some(Self::Null));
        match different.len() {
            0 => Self::Never,
            1 => different.remove(0),
            _ => Self::Union(different),
        }
    }

    /// Returns the type, or null.
    pub(super) fn or_null(self) -> Self {
        Self::any_of([self, Self::Null])
    }

    /// Returns the named types of which a value is one by itself, and not in a list or member.
    pub(super) fn named_directly(&self) -> Vec<&str> {
        match self {
            Self::Named(name) => vec![name],
            Self::Union(types) => types.iter().flat_map(Self::named_directly).collect(),
            _ => Vec::new(),
        }
    }
}

impl Docs {
    /// Returns docs that are a description alone.
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_none() && self.facts.is_empty() && !self.deprecated
    }

    /// Returns the paragraphs of a doc comment: the description, then the facts. Their lines end
    /// with `\n`, in whatever way they end in the document.
    pub(super) fn paragraphs(&self) -> Vec<String> {
        let facts = (!self.facts.is_empty()).then(|| self.facts.join("\n"));
        self.text.iter().chain(&facts).map(|text| lines(text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_union_has_each_type_once_and_null_last() {
        use Type::{Any, Boolean, Integer, Never, Null, String, Union};
        assert_eq!(Type::any_of([Null, String, Union(vec![String, Integer])]), Union(vec![String, Integer, Null]));
        assert_eq!(Type::any_of([Boolean, Boolean]), Boolean);
        assert_eq!(Type::any_of([Any, String]), Any);
        assert_eq!(Type::any_of([Never]), Never);
        assert_eq!(Type::any_of([Null, Null]), Null);
        assert_eq!(Integer.or_null(), Union(vec![Integer, Null]));
    }
}
