//! Types and interfaces.

use super::super::model::{Body, Definition, Docs, Literal, Member, Object, Type};
use super::{WIDTH, comment, property, string};

/// Returns an interface, or a type with a name.
pub(super) fn definition(Definition { name, docs, body }: &Definition) -> String {
    match body {
        Body::Object(object) => interface(name, docs, object),
        Body::Alias(ty) => alias(name, docs, ty),
    }
}

fn alias(name: &str, docs: &Docs, ty: &Type) -> String {
    let alternatives = match ty {
        Type::Union(types) => types.iter().map(inline).collect(),
        other => vec![inline(other)],
    };
    comment(docs, &[], 0) + &alias_of(name, &alternatives)
}

/// Returns the declaration of a type that is one of several.
pub(super) fn alias_of(name: &str, alternatives: &[String]) -> String {
    let (head, all) = (format!("export type {name} ="), alternatives.join(" | "));
    let fits = |indent: usize| indent + all.chars().count() < WIDTH;
    match alternatives {
        _ if fits(head.chars().count() + 1) => format!("{head} {all};\n"),
        [_, _, ..] if !fits(2) => {
            format!("{head}{};\n", alternatives.iter().map(|ty| format!("\n  | {ty}")).collect::<String>())
        }
        _ => format!("{head}\n  {all};\n"),
    }
}

/// Returns the interface of an object.
pub(super) fn interface(name: &str, docs: &Docs, object: &Object) -> String {
    let mut text = comment(docs, &[], 0);
    text += &format!("export interface {name} {{\n");
    for member in &object.members {
        text += &comment(&member.docs, &[], 2);
        text += &member_line(member);
    }
    if let Some(more) = &object.more {
        // What TypeScript demands: the type of all members, the listed ones included.
        let listed = object.members.iter().map(|member| member.ty.clone());
        let any = Type::any_of([more.clone()].into_iter().chain(listed));
        let missing = object.members.iter().any(|member| !member.required) && any != Type::Any;
        let missing = if missing { " | undefined" } else { "" };
        text += &format!("  [name: string]: {}{missing};\n", inline(&any));
    }
    text + "}\n"
}

fn member_line(member: &Member) -> String {
    let mark = if member.required { "" } else { "?" };
    let flat = format!("  {}{mark}: {};\n", property(&member.name), inline(&member.ty));
    match &member.ty {
        Type::Union(types) if flat.chars().count() > WIDTH + 1 => {
            let alternatives: String = types.iter().map(|ty| format!("\n    | {}", inline(ty))).collect();
            format!("  {}{mark}:{alternatives};\n", property(&member.name))
        }
        _ => flat,
    }
}

/// Returns a type in one line.
pub(super) fn inline(ty: &Type) -> String {
    match ty {
        Type::Any => "unknown".to_owned(),
        Type::Never => "never".to_owned(),
        Type::Null => "null".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Integer | Type::Number => "number".to_owned(),
        Type::String => "string".to_owned(),
        Type::Literal(Literal::Boolean(value)) => value.to_string(),
        Type::Literal(Literal::Integer(value)) => value.to_string(),
        Type::Literal(Literal::String(text)) => string(text),
        Type::List(item) => match **item {
            Type::Union(_) => format!("({})[]", inline(item)),
            _ => format!("{}[]", inline(item)),
        },
        Type::Tuple(places, more) => {
            let places = places.iter().map(inline);
            let more = more.iter().map(|more| format!("...{}", inline(&Type::List(more.clone()))));
            format!("[{}]", places.chain(more).collect::<Vec<_>>().join(", "))
        }
        Type::Map(value) => format!("{{ [key: string]: {} }}", inline(value)),
        Type::Union(types) => types.iter().map(inline).collect::<Vec<_>>().join(" | "),
        Type::Named(name) => name.clone(),
    }
}
