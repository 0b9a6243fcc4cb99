//! The names of a new service: which are valid, and what to write instead of the others.

use std::path::Path;

use crate::Result;
use crate::role::Role;

/// Names that code expects to have another meaning, even if a role's code does not use them.
const PRELUDE: &[&str] = &[
    "Box", "Clone", "Copy", "Debug", "Default", "Drop", "Err", "Fn", "FnMut", "FnOnce", "From", "Into", "Iterator",
    "None", "Ok", "Option", "Result", "Self", "Send", "Sized", "Some", "String", "Sync", "ToOwned", "ToString",
    "TryFrom", "TryInto", "Vec",
];

/// Rust's keywords, which cannot name a crate.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Crates that the new crate uses, and names that cargo reserves.
const RESERVED: &[&str] = &[
    "actix_web",
    "alloc",
    "build",
    "callbox",
    "core",
    "deps",
    "examples",
    "incremental",
    "proc_macro",
    "schemars",
    "serde",
    "serde_json",
    "std",
    "test",
];

/// Checks the name of the service's type.
///
/// # Errors
///
/// If the name is not in upper camel case, or has another meaning in the new code.
pub(crate) fn check_type(name: &str, role: Role) -> Result<()> {
    let camel = name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric());
    if !camel {
        let instead = camel_case(name);
        return Err(format!(
            "{name:?} cannot name the service's type: write it in upper camel case, such as {instead}"
        ));
    }
    let used = role.templates().filter(|file| file.path.ends_with(".rs")).any(|file| uses(file.text, name));
    let is_placeholder = role.type_placeholders().contains(&name);
    if PRELUDE.contains(&name) || (used && !is_placeholder) {
        return Err(format!(
            "{name:?} has another meaning in the new code: choose another name, such as {name}Service"
        ));
    }
    Ok(())
}

/// Returns the name of the crate in this directory: the last part of the path.
///
/// # Errors
///
/// If that part cannot name a crate.
pub(crate) fn crate_name(directory: &Path) -> Result<&str> {
    let Some(name) = directory.file_name().and_then(|name| name.to_str()) else {
        return Err(format!(
            "{} does not end with a name for the crate: write a directory such as my_service",
            directory.display()
        ));
    };
    if let Some(stem) = name.strip_suffix(".rs").or_else(|| name.strip_suffix(".py")) {
        let instead = directory.with_file_name(snake_case(stem));
        return Err(format!(
            "{name:?} is the name of a file, and a service is a whole crate: write a directory, such as {}",
            instead.display()
        ));
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) {
        let instead = directory.with_file_name(snake_case(name));
        return Err(format!("{name:?} cannot name a crate: write it in snake case, such as {}", instead.display()));
    }
    let identifier = identifier(name);
    if KEYWORDS.contains(&identifier.as_str()) || RESERVED.contains(&identifier.as_str()) {
        let instead = directory.with_file_name(format!("{name}_service"));
        return Err(format!(
            "{name:?} has another meaning for Rust or cargo: choose another name, such as {}",
            instead.display()
        ));
    }
    Ok(name)
}

/// Returns the name of a crate as code writes it.
pub(crate) fn identifier(crate_name: &str) -> String {
    crate_name.replace('-', "_")
}

/// Replaces a word wherever it is not a part of a longer one, and where it is the service in the
/// name of a message or of the client, as in `MyService_Count` and `MyServiceClient`.
pub(crate) fn replace_word(text: &str, word: &str, with: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for at in word_positions(text, word) {
        out.push_str(&text[done..at]);
        out.push_str(with);
        done = at + word.len();
    }
    out.push_str(&text[done..]);
    out
}

/// Whether the code contains this word outside whole-line comments.
fn uses(code: &str, word: &str) -> bool {
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .any(|line| word_positions(line, word).next().is_some())
}

fn word_positions<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let after = &text[at + word.len()..];
        let is_whole = !after.starts_with(part_of_word);
        let in_a_message = after.strip_prefix('_').is_some_and(|rest| rest.starts_with(char::is_uppercase));
        let in_a_client = after.strip_prefix("Client").is_some_and(|rest| !rest.starts_with(part_of_word));
        !text[..at].ends_with(part_of_word) && (is_whole || in_a_message || in_a_client)
    })
}

fn camel_case(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let camel: String = words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect();
    if camel.starts_with(|c: char| c.is_ascii_uppercase()) { camel } else { "MyService".to_owned() }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && snake.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()) {
            snake.push('_');
        }
        snake.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    }
    if snake.starts_with(|c: char| c.is_ascii_lowercase()) { snake } else { "my_service".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_replaced() {
        let text = "MyService MyServices MyService_Count MyServiceClient MyService_ my_service::MyService\"my_service\" not_my_service";
        let text = replace_word(text, "MyService", "Shop");
        assert_eq!(
            replace_word(&text, "my_service", "shop"),
            "Shop MyServices Shop_Count ShopClient MyService_ shop::Shop\"shop\" not_my_service"
        );
    }

    #[test]
    fn a_type_name_that_the_role_uses_is_rejected() {
        for (name, role) in [("User", Role::Entity), ("Server", Role::Compute), ("Vec", Role::Basic)] {
            let error = check_type(name, role).expect_err(name);
            assert!(error.ends_with(&format!("such as {name}Service")), "{error}");
        }
        for (name, role) in [
            ("User", Role::Basic),
            ("Count", Role::Basic),
            ("Users", Role::Entity),
            ("MyService", Role::Storage),
            ("X2", Role::Compute),
        ] {
            assert_eq!(check_type(name, role), Ok(()));
        }
    }

    #[test]
    fn an_error_for_an_invalid_name_suggests_a_valid_one() {
        for (name, instead) in
            [("my_service", "MyService"), ("myService", "MyService"), ("2nd", "MyService"), ("Zoë", "Zo")]
        {
            let error = check_type(name, Role::Basic).expect_err(name);
            assert!(error.ends_with(&format!("such as {instead}")), "{error}");
        }
        for (path, instead) in [
            ("a/MyService", "a/my_service"),
            ("my_service.py", "my_service"),
            ("MyService.rs", "my_service"),
            ("my service", "my_service"),
            ("9lives", "my_service"),
            ("match", "match_service"),
            ("serde-json", "serde-json_service"),
            ("..", "my_service"),
        ] {
            let error = crate_name(Path::new(path)).expect_err(path);
            assert!(error.ends_with(&format!("such as {instead}")), "{error}");
        }
        assert_eq!(crate_name(Path::new("/tmp/my-service_2")), Ok("my-service_2"));
    }
}
