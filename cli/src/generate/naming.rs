//! Names in the generated code. They depend on nothing but the document.

use std::collections::BTreeSet;

/// Names of types that the generated code uses itself, in either language. One list for both, so
/// that a type has one name in all clients of a service.
const TYPES: &[&str] = &[
    // Of both.
    "Batch",
    "CallError",
    "Client",
    "RpcError",
    "UnlistedError",
    "TransportError",
    "TimedOutError",
    "BadResponseError",
    "Error",
    // Of TypeScript.
    "AbortController",
    "AbortSignal",
    "Array",
    "BatchCall",
    "BatchOutcomes",
    "BigInt",
    "CallOptions",
    "ClientOptions",
    "CommonError",
    "Connection",
    "ErrorOptions",
    "Infinity",
    "JSON",
    "Map",
    "Math",
    "MethodArguments",
    "MethodName",
    "MethodSpec",
    "Methods",
    "NaN",
    "NoParams",
    "Number",
    "Object",
    "Outcome",
    "Promise",
    "RangeError",
    "Readonly",
    "Record",
    "RequestInit",
    "Response",
    "String",
    "Symbol",
    "TypeError",
    "URL",
    // Of Python.
    "Any",
    "Callable",
    "ClassVar",
    "Exception",
    "False",
    "Final",
    "Generic",
    "HTTPError",
    "KeyError",
    "Literal",
    "Mapping",
    "Never",
    "None",
    "NotRequired",
    "OSError",
    "P",
    "ParamSpec",
    "Reply",
    "Request",
    "RuntimeError",
    "Sequence",
    "T",
    "TimeoutError",
    "Transport",
    "True",
    "TypeAlias",
    "TypeVar",
    "TypedDict",
    "Unset",
    "UNSET",
    "URLError",
    "ValueError",
    "DeprecationWarning",
    "Enum",
    "Protocol",
    "RecursionError",
];

/// Names of one scope, each given out once.
#[derive(Debug)]
pub(super) struct Scope(BTreeSet<String>);

impl Scope {
    /// Returns the scope of types and errors.
    pub(super) fn of_types() -> Self {
        Self::with(TYPES)
    }

    /// Returns a scope in which these names are taken.
    pub(super) fn with(taken: &[&str]) -> Self {
        Self(taken.iter().map(|name| (*name).to_owned()).collect())
    }

    /// Takes these names for something else.
    pub(super) fn reserve(&mut self, names: &[&str]) {
        self.0.extend(names.iter().map(|name| (*name).to_owned()));
    }

    /// Takes this name for a type, or the name with the first number that makes it free.
    pub(super) fn numbered(&mut self, name: &str) -> String {
        let others = (2..).map(|number| format!("{name}{number}"));
        self.first_free(std::iter::once(name.to_owned()).chain(others))
    }

    /// Takes this name for a member, or the name with as many underscores as make it free.
    pub(super) fn underscored(&mut self, name: &str) -> String {
        self.first_free(std::iter::successors(Some(name.to_owned()), |name| Some(format!("{name}_"))))
    }

    /// Takes the first of these names that is free.
    pub(super) fn first_free(&mut self, names: impl IntoIterator<Item = String>) -> String {
        let mut last = String::new();
        for name in names {
            if self.0.insert(name.clone()) {
                return name;
            }
            last = name;
        }
        self.numbered(&last)
    }
}

/// Returns a name as that of a type, which begins with a capital letter: `say_hello` becomes
/// `SayHello`. What is such a name already stays as it is.
pub(super) fn type_name(text: &str) -> String {
    if is_identifier(text) && text.starts_with(|c: char| c.is_ascii_uppercase()) {
        return text.to_owned();
    }
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name: String = words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect();
    if name.starts_with(|c: char| c.is_ascii_uppercase()) { name } else { format!("Type{name}") }
}

/// Returns a name as that of a function or parameter: other characters than those of identifiers
/// become underscores.
pub(super) fn identifier(text: &str) -> String {
    let name: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if is_identifier(&name) { name } else { format!("_{name}") }
}

/// Whether the text is an identifier in each language, but for reserved words.
pub(super) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Returns the quotes that formatters put around a text: those of which it has fewer.
pub(super) fn quote_for(text: &str) -> char {
    if text.matches('"').count() > text.matches('\'').count() { '\'' } else { '"' }
}

/// Returns a short message as the name of an error: `No such pet` becomes `NoSuchPet`. Nothing if
/// it has values in it, or is a whole sentence.
pub(super) fn error_name(message: &str) -> Option<String> {
    let words: Vec<_> = message.split_whitespace().collect();
    let is_name = (1..=5).contains(&words.len())
        && message.len() <= 40
        && message.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, ' ' | '-' | '_' | '.' | '\''));
    let is_name = is_name && message.contains(|c: char| c.is_ascii_alphabetic());
    is_name.then(|| type_name(&message.replace('\'', "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_document_becomes_one_of_the_code() {
        for (text, expected) in [
            ("User", "User"),
            ("Page_of_User", "Page_of_User"),
            ("Page<User>", "PageUser"),
            ("users.say_hello", "UsersSayHello"),
            ("pet", "Pet"),
            ("2nd", "Type2nd"),
            ("größe", "GrE"),
            ("日本", "Type"),
            ("", "Type"),
        ] {
            assert_eq!(type_name(text), expected, "{text}");
        }
        for (text, expected) in
            [("say-hello", "say_hello"), ("2nd", "_2nd"), ("", "_"), ("a b", "a_b"), ("class", "class")]
        {
            assert_eq!(identifier(text), expected, "{text}");
        }
    }

    #[test]
    fn a_name_is_given_out_once() {
        let mut scope = Scope::of_types();
        assert_eq!(
            ["User", "User", "User2", "Error"].map(|name| scope.numbered(name)),
            ["User", "User2", "User22", "Error2"]
        );
        let mut scope = Scope::with(&["batch", "batch_"]);
        assert_eq!(["batch", "notify", "batch"].map(|name| scope.underscored(name)), ["batch__", "notify", "batch___"]);
    }

    #[test]
    fn only_a_short_message_is_the_name_of_an_error() {
        for (message, expected) in [
            ("No such pet", Some("NoSuchPet")),
            ("Can't divide", Some("CantDivide")),
            ("There is no order {number}", None),
            ("Too many requests were sent within a minute", None),
            ("", None),
            ("404", None),
        ] {
            assert_eq!(error_name(message).as_deref(), expected, "{message}");
        }
    }
}
