//! Clients of documents that want to do harm.

use serde_json::{Value, json};

use super::*;

/// Code, if it ever stands outside of comments and strings: the names of the client have no
/// parentheses.
const CODE: &str = "(HARM)";

/// Everything that ends a comment, a string or a line, with code behind it.
fn harmful() -> String {
    let ends = ["*/", "\"\"\"", "\\\"\"\"", "'", "\"", "`", "\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}"];
    let ends = ends.into_iter().chain(["\u{2029}", "*\0/", "*\u{2028}/", "\\", "${", "'''"]);
    ends.map(|end| format!("a{end}{CODE}")).chain([CODE.to_owned(), "\"\"\"".to_owned()]).collect()
}

/// A document in which every text is harmful that can be.
fn harmful_document() -> Value {
    let text = &harmful();
    let dotted = format!("{text}.{text}.{text}");
    let object = |more: &str| {
        json!({
            "description": text,
            "type": "object",
            "properties": {
                (more): { "type": "string", "description": text, "pattern": text, "format": text, "default": text },
                "const": { "const": text },
                "enum": { "enum": [text, "b"] },
                "oneOf": { "oneOf": [{ "const": text, "description": text }] },
                "elsewhere": { "$ref": text },
                "type": { "type": text },
            },
            "additionalProperties": { "enum": [text, "b"] },
        })
    };
    json!({
        "openrpc": "1.3.2",
        "info": { "title": text, "version": text, "description": text },
        "methods": [
            {
                "name": dotted,
                "description": text,
                "deprecated": true,
                "x-scope": text,
                "params": [
                    { "name": text, "description": text, "schema": { "const": text } },
                    { "name": "named", "schema": { "$ref": "#/components/schemas/Named" } },
                ],
                "paramStructure": "by-position",
                "result": { "name": text, "description": text, "schema": object("plain") },
                "errors": [{ "code": 1, "message": text, "data": { "const": text } }],
                "x-error-names": { "1": [text] },
            },
            { "name": text, "summary": text, "params": [] },
        ],
        "components": {
            "schemas": { "Named": object(text), (text): { "enum": [text, text] } },
            "errors": { (text): { "code": 2, "message": text } },
        },
    })
}

/// Returns the code of a client without its comments and strings.
fn bare_code(language: Language, client: &str) -> String {
    let (comments, strings): (&[[&str; 2]], &[&str]) = match language {
        Language::TypeScript => (&[["/*", "*/"], ["//", ""]], &["\"", "'", "`"]),
        Language::Python => (&[["#", ""]], &["\"\"\"", "'''", "\"", "'"]),
    };
    let line_ends: &[char] = match language {
        Language::TypeScript => &['\n', '\r', '\u{2028}', '\u{2029}'],
        Language::Python => &['\n', '\r'],
    };
    let (mut code, mut rest) = (String::new(), client);
    while let Some(first) = rest.chars().next() {
        if let Some([start, end]) = comments.iter().find(|[start, _]| rest.starts_with(start)) {
            let inside = &rest[start.len()..];
            let end = if end.is_empty() { inside.find(line_ends) } else { inside.find(end).map(|at| at + end.len()) };
            rest = &inside[end.expect("a comment ends")..];
        } else if let Some(quote) = strings.iter().find(|quote| rest.starts_with(**quote)) {
            rest = &rest[quote.len()..];
            while !rest.starts_with(quote) {
                let mut inside = rest.chars();
                let first = inside.next().expect("a string ends");
                assert!(quote.len() == 3 || *quote == "`" || !"\n\r".contains(first), "a string ends in its line");
                if first == '\\' {
                    inside.next();
                }
                rest = inside.as_str();
            }
            rest = &rest[quote.len()..];
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    code
}

#[test]
fn no_text_of_a_document_becomes_code_of_a_client() {
    let document = harmful_document().to_string();
    for language in [Language::TypeScript, Language::Python] {
        let client = generate(language, &document).unwrap();
        // The end of the TypeScript client is the same for all documents, and it has regular
        // expressions with quotes.
        let client = client.strip_suffix(include_str!("typescript/runtime.ts")).unwrap_or(&client);
        assert!(client.contains(CODE), "{client}");
        let code = bare_code(language, client);
        assert!(!code.contains(CODE), "{language:?}:\n{code}");
    }
}

/// Returns the client of methods that take nothing.
fn client_of(language: Language, methods: &[&str]) -> String {
    let methods: Vec<_> = methods.iter().map(|name| json!({ "name": name, "params": [] })).collect();
    generate(language, &json!({ "openrpc": "1.3.2", "methods": methods }).to_string()).unwrap()
}

#[test]
fn a_docstring_ends_where_its_text_ends() {
    for (text, expected) in [
        (r#"Says """"#, r#""""Says ""\"""""#),
        (r#"Says """""#, r#""""Says \"\"\"\"""""#),
        (r#"Says "yes""#, r#""""Says "yes\"""""#),
        (r#"Ends with \""#, r#""""Ends with \\\"""""#),
        (r"Ends with \", r#""""Ends with \\""""#),
        (r#""""Removal""" is final"#, r#""""\"\"\"Removal\"\"\" is final""""#),
    ] {
        let method = json!({ "name": "m", "description": text, "params": [] });
        let client = generate(Language::Python, &json!({ "openrpc": "1.3.2", "methods": [method] }).to_string());
        let client = client.unwrap();
        let (_, docs) = client.split_once("def m(self) -> None:\n").expect("the method");
        assert_eq!(docs.lines().next().map(str::trim_start), Some(expected), "{text}");
        bare_code(Language::Python, &client);
    }
}

#[test]
fn a_name_with_empty_parts_has_a_class_for_each() {
    for language in [Language::TypeScript, Language::Python] {
        let client = client_of(language, &[".b.c", "..a", "b.c", "d"]);
        let classes = client.lines().filter_map(|line| line.trim_start_matches("export ").strip_prefix("class "));
        let classes = classes.filter_map(|class| class.split_once("Methods").map(|(name, rest)| (name, &rest[..1])));
        let expected = if matches!(language, Language::Python) { ":" } else { " " };
        let expected = [("Type", expected), ("B", expected), ("Type", "2"), ("B", "2")];
        assert_eq!(classes.collect::<Vec<_>>(), expected, "{client}");
    }
}

#[test]
fn a_method_does_not_replace_a_part_of_the_python_client() {
    let client = client_of(Language::Python, &["_connect", "_connection", "_invoke", "n._invoke", "n._connect"]);
    for name in ["_connect_", "_connection_", "_invoke_", "_connect"] {
        assert!(client.contains(&format!("def {name}(self) -> None:\n        \"\"\"Calls")), "{name}:\n{client}");
    }
    assert_eq!(client.matches("def _connect(").count(), 2, "{client}");
}

#[test]
fn a_name_with_two_underscores_in_front_is_not_mangled_by_python() {
    let names = ["__x", "_x", "method__x", "__init__", "__n.__m", "_n.m"];
    let mut methods: Vec<_> = names.iter().map(|name| json!({ "name": name, "params": [] })).collect();
    methods[0]["params"] = json!([{ "name": "__p", "schema": {} }, { "name": "_p", "schema": {} }]);
    methods[1]["params"] = json!([{ "name": "_X2", "schema": {} }]);
    let client = generate(Language::Python, &json!({ "openrpc": "1.3.2", "methods": methods }).to_string()).unwrap();
    for code in [
        "self._n = ",
        "self._n_ = ",
        "def _x(self, _p: Any = UNSET, _p_: Any = UNSET)",
        r#"{"__p": _p, "_p": _p_}"#,
        // The constant of the method is called `_X2`.
        r#"self._invoke(_X2, {"_X2": _X2_})"#,
        "def _x_(",
        "def method__x(",
        "def _init__(",
        "def _m(",
        "def m(",
    ] {
        assert_eq!(client.matches(code).count(), 1, "{code}:\n{client}");
    }
}
