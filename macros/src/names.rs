//! Names that the macros derive from other names.

use syn::ext::IdentExt;
use syn::{Ident, Type};

use crate::types::last_segment;

/// Returns the name of a method's message: `Greeter_SayHello` for the method `say_hello` of the
/// service `Greeter`.
///
/// The name of the service keeps the messages of two services in one module apart. The underscore
/// makes it a name that no other type has by Rust's naming rules. So it neither collides with a
/// type nor hides one of the standard library: a method may be called `option` or `send`.
pub(crate) fn message_name(service: &Ident, method: &Ident) -> Ident {
    Ident::new(&format!("{}_{}", service.unraw(), upper_camel(method).unraw()), method.span())
}

/// Returns the same for a service as it is written, with its path.
pub(crate) fn message_name_of(service: &Type, method: &Ident) -> Ident {
    match last_segment(service) {
        Some(segment) => message_name(&segment.ident, method),
        None => upper_camel(method),
    }
}

/// Returns a name in upper camel case: `say_hello` → `SayHello`.
fn upper_camel(ident: &Ident) -> Ident {
    let name = ident.unraw().to_string();
    let capitalised = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    let camel: String = name.split('_').map(capitalised).collect();
    // A name of underscores only, or with a digit first, makes no type name. Keep it as it is.
    syn::parse_str::<Ident>(&camel).map_or_else(|_| ident.clone(), |camel| Ident::new(&camel.to_string(), ident.span()))
}

/// Returns a name as words: `NoSuchUser` → `No such user`, `HTTPTimeout` → `HTTP timeout`.
pub(crate) fn in_words(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (at, &char) in chars.iter().enumerate() {
        let after_lower = at > 0 && !chars[at - 1].is_uppercase();
        let before_lower = chars.get(at + 1).is_some_and(|next| next.is_lowercase());
        match words.last_mut() {
            Some(word) if !char.is_uppercase() || !(after_lower || before_lower) => word.push(char),
            _ => words.push(char.into()),
        }
    }
    for word in words.iter_mut().skip(1) {
        let acronym = word.len() > 1 && word.chars().all(char::is_uppercase);
        if !acronym {
            *word = word.to_lowercase();
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{in_words, message_name_of, upper_camel};

    #[test]
    fn a_method_name_becomes_upper_camel_case() {
        for (method, message) in [
            ("say_hello", "SayHello"),
            ("get", "Get"),
            ("__get__all_2", "GetAll2"),
            ("r#type", "Type"),
            ("fooBar", "FooBar"),
            ("über_all", "ÜberAll"),
            ("_1", "_1"),
            ("self_", "self_"),
        ] {
            assert_eq!(upper_camel(&syn::parse_str(method).unwrap()).to_string(), message);
        }
    }

    #[test]
    fn a_message_is_named_after_its_service_and_its_method() {
        for (service, method, message) in [
            ("Greeter", "say_hello", "Greeter_SayHello"),
            ("crate::shop::Greeter", "r#type", "Greeter_Type"),
            ("r#type", "send", "type_Send"),
            ("S", "_1", "S__1"),
        ] {
            let name = message_name_of(&syn::parse_str(service).unwrap(), &syn::parse_str(method).unwrap());
            assert_eq!(name.to_string(), message);
        }
    }

    #[test]
    fn a_variant_name_becomes_words() {
        for (name, words) in [
            ("NoSuchUser", "No such user"),
            ("HTTPTimeout", "HTTP timeout"),
            ("NoDB", "No DB"),
            ("BadJSONBody", "Bad JSON body"),
            ("Gone", "Gone"),
            ("X", "X"),
            ("Http2Only", "Http2 only"),
            ("IsA", "Is a"),
            ("NotAUser", "Not a user"),
        ] {
            assert_eq!(in_words(name), words);
        }
    }
}
