//! Types, and the classes of errors.

use std::collections::BTreeSet;

use super::super::model::{Api, Body, Definition, Docs, ErrorType, Literal, Member, Object, Type};
use super::super::naming::is_identifier;
use super::{KEYWORDS, WIDTH, docstring, list, prose, string};

/// Names that annotations use. A member or method of this name would take their place within its
/// class.
const USED: [&str; 15] = [
    "Any",
    "Callable",
    "Literal",
    "Mapping",
    "Never",
    "NotRequired",
    "Sequence",
    "Unset",
    "bool",
    "dict",
    "float",
    "int",
    "list",
    "str",
    "tuple",
];

/// Returns a `TypedDict`, or a type with a name.
pub(super) fn definition(Definition { name, docs, body }: &Definition, api: &Api) -> String {
    match body {
        Body::Object(object) if can_be_class(object, api) => class(name, docs, object),
        Body::Object(object) => call(name, docs, object),
        Body::Alias(ty) => alias(name, docs, ty),
    }
}

/// Whether all members are names that a class may have, and none hides a type.
fn can_be_class(object: &Object, api: &Api) -> bool {
    object.members.iter().all(|Member { name, .. }| {
        let name = name.as_str();
        is_identifier(name)
            && !name.starts_with("__")
            && !KEYWORDS.contains(&name)
            && !USED.contains(&name)
            && !api.types.iter().any(|ty| ty.name == name)
    })
}

fn class(name: &str, docs: &Docs, object: &Object) -> String {
    let mut text = format!("\n\nclass {name}(TypedDict):\n");
    let docs = with_more(docs, object);
    if !docs.is_empty() {
        text += &format!("{}\n\n", docstring(&prose(&docs), 4));
    }
    for member in &object.members {
        text += &format!("    {}: {}\n", member.name, member_type(member));
        if !member.docs.is_empty() {
            text += &format!("{}\n", docstring(&prose(&member.docs), 4));
        }
    }
    text
}

/// Returns a type whose members cannot be written as those of a class.
fn call(name: &str, docs: &Docs, object: &Object) -> String {
    let mut text = format!("\n\n{name} = TypedDict(\n    {},\n    {{\n", string(name));
    for member in &object.members {
        for line in prose(&member.docs).lines() {
            text += format!("        # {line}").trim_end();
            text += "\n";
        }
        text += &format!("        {}: {},\n", string(&member.name), string(&member_type(member)));
    }
    text += "    },\n)\n";
    let docs = with_more(docs, object);
    if !docs.is_empty() {
        text += &format!("{}\n", docstring(&prose(&docs), 0));
    }
    text
}

/// Adds the members that a `TypedDict` cannot have to the docs.
fn with_more(docs: &Docs, object: &Object) -> Docs {
    let mut docs = docs.clone();
    if let Some(more) = &object.more {
        docs.facts.push(format!("There may be further members, of the type `{}`.", inline(more, &BTreeSet::new())));
    }
    docs
}

fn member_type(member: &Member) -> String {
    let ty = inline(&member.ty, &BTreeSet::new());
    if member.required { ty } else { format!("NotRequired[{ty}]") }
}

fn alias(name: &str, docs: &Docs, ty: &Type) -> String {
    let ty_text = inline(ty, &BTreeSet::new());
    let text = if names_a_type(ty) {
        // The types that it names may stand below.
        let ty_text = string(&ty_text);
        let flat = format!("{name}: TypeAlias = {ty_text}");
        if flat.chars().count() > WIDTH && ty_text.chars().count() + 4 <= WIDTH {
            format!("{name}: TypeAlias = (\n    {ty_text}\n)")
        } else {
            flat
        }
    } else {
        let flat = format!("{name}: TypeAlias = {ty_text}");
        match literals(ty) {
            Some(values) if flat.chars().count() > WIDTH => {
                list(&format!("{name}: TypeAlias = Literal["), &values, "]", 0)
            }
            _ => flat,
        }
    };
    let docs = if docs.is_empty() { String::new() } else { format!("{}\n", docstring(&prose(docs), 0)) };
    format!("\n\n{text}\n{docs}")
}

/// Returns the values of a type that has nothing but known values.
fn literals(ty: &Type) -> Option<Vec<String>> {
    let Type::Union(types) = ty else { return None };
    types.iter().map(|ty| if let Type::Literal(value) = ty { Some(literal(value)) } else { None }).collect()
}

fn names_a_type(ty: &Type) -> bool {
    match ty {
        Type::Named(_) => true,
        Type::List(item) | Type::Map(item) => names_a_type(item),
        Type::Tuple(places, more) => places.iter().chain(more.as_deref()).any(names_a_type),
        Type::Union(types) => types.iter().any(names_a_type),
        _ => false,
    }
}

/// Returns the class of an error.
pub(super) fn error(error: &ErrorType) -> String {
    let data = match &error.data {
        None => "None".to_owned(),
        Some(data) if error.optional_data => inline(&data.clone().or_null(), &BTreeSet::new()),
        Some(data) => inline(data, &BTreeSet::new()),
    };
    format!("\n\nclass {}(RpcError):\n{}\n\n    data: {data}\n", error.name, docstring(&prose(&error.docs), 4))
}

/// Returns the names in annotations that these names of a class would hide.
pub(super) fn hidden<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<&'static str> {
    let names: BTreeSet<_> = names.collect();
    USED.into_iter().filter(|used| names.contains(used)).collect()
}

/// Returns a type in one line. `hidden` are the names of builtins that mean something else there.
pub(super) fn inline(ty: &Type, hidden: &BTreeSet<&str>) -> String {
    let builtin = |name: &str| if hidden.contains(name) { format!("builtins.{name}") } else { name.to_owned() };
    match ty {
        Type::Any => "Any".to_owned(),
        Type::Never => "Never".to_owned(),
        Type::Null => "None".to_owned(),
        Type::Boolean => builtin("bool"),
        Type::Integer => builtin("int"),
        Type::Number => builtin("float"),
        Type::String => builtin("str"),
        Type::Literal(value) => format!("Literal[{}]", literal(value)),
        Type::List(item) => format!("{}[{}]", builtin("list"), inline(item, hidden)),
        // `json` reads arrays as lists, which have one type for all places.
        Type::Tuple(places, more) => {
            let any = Type::any_of(places.iter().cloned().chain(more.as_deref().cloned()));
            format!("Sequence[{}]", inline(&any, hidden))
        }
        Type::Map(value) => format!("{}[{}, {}]", builtin("dict"), builtin("str"), inline(value, hidden)),
        Type::Union(types) => {
            let mut parts: Vec<String> = Vec::new();
            let values: Vec<_> = types
                .iter()
                .filter_map(|ty| if let Type::Literal(value) = ty { Some(literal(value)) } else { None })
                .collect();
            for ty in types {
                let part = match ty {
                    Type::Literal(_) => format!("Literal[{}]", values.join(", ")),
                    other => inline(other, hidden),
                };
                if !parts.contains(&part) {
                    parts.push(part);
                }
            }
            parts.join(" | ")
        }
        Type::Named(name) => name.clone(),
    }
}

fn literal(value: &Literal) -> String {
    match value {
        Literal::Boolean(true) => "True".to_owned(),
        Literal::Boolean(false) => "False".to_owned(),
        Literal::Integer(value) => value.to_string(),
        Literal::String(text) => string(text),
    }
}
