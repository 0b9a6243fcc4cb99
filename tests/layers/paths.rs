//! The paths that Rust code names, read from its tokens: the arguments of macros count, comments
//! and strings do not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// What the root exports under a name, as a path: `RpcError` → `jsonrpc::RpcError`.
pub(crate) type Exports = BTreeMap<String, String>;

/// What a file names.
pub(crate) struct Named {
    /// Paths into this crate, from its root: `jsonrpc::RpcError`.
    pub(crate) ours: BTreeSet<String>,
    /// First segments of all other paths: crates among them.
    pub(crate) crates: BTreeSet<String>,
}

/// The crates that the library depends on, as code names them.
pub(crate) fn dependencies() -> BTreeSet<String> {
    let manifest: toml::Table = include_str!("../../Cargo.toml").parse().unwrap();
    manifest["dependencies"].as_table().unwrap().keys().map(|name| name.replace('-', "_")).collect()
}

/// The root's own `use` lines, but what comes from other crates.
pub(crate) fn exports(root: &str) -> Exports {
    let mut found = Vec::new();
    collect(&tokens(root), &mut Vec::new(), &mut found);
    let others = dependencies();
    let exported = found.into_iter().map(|found| (found.name(), found.path));
    exported.filter(|(_, path)| !others.contains(&path[0])).map(|(name, path)| (name, path.join("::"))).collect()
}

/// Returns the exports of the file of a module as paths from the root: for `engine/mod.rs`, `Core`
/// → `engine::core::Core`.
pub(crate) fn exports_of(file: &Path, code: &str) -> Exports {
    let mut found = Vec::new();
    collect(&tokens(code), &mut Vec::new(), &mut found);
    let module = module_of(file);
    let exported = found.into_iter().filter(|found| found.inside.is_empty() && found.path.len() > 1);
    exported
        .filter(|found| !["crate", "super", "std"].contains(&found.path[0].as_str()))
        .map(|found| {
            let own = found.path.iter().filter(|part| *part != "self");
            (found.name(), module.iter().chain(own).cloned().collect::<Vec<_>>().join("::"))
        })
        .collect()
}

/// What the code of a file names, outside of its tests. `file` is relative to `src`.
pub(crate) fn named(file: &Path, code: &str, exports: &Exports) -> Named {
    let mut found = Vec::new();
    collect(&tokens(code), &mut Vec::new(), &mut found);
    let mut named = Named { ours: BTreeSet::new(), crates: BTreeSet::new() };
    for Found { inside, path, .. } in found {
        let mut module = module_of(file);
        module.extend(inside);
        let mut rest = &path[..];
        match rest[0].as_str() {
            "crate" => module.clear(),
            "self" | "super" => {}
            name => {
                named.crates.insert(name.to_owned());
                continue;
            }
        }
        while let Some(first) = rest.first().filter(|first| ["crate", "self", "super"].contains(&first.as_str())) {
            if first == "super" {
                module.pop();
            }
            rest = &rest[1..];
        }
        module.extend_from_slice(rest);
        match module.first().and_then(|first| exports.get(first)) {
            Some(exported) => named.ours.insert(exported.clone()),
            None => named.ours.insert(module.join("::")),
        };
    }
    named
}

/// `["engine", "gate"]` for `engine/gate.rs`, `["engine"]` for `engine/mod.rs`.
fn module_of(file: &Path) -> Vec<String> {
    let path = file.with_extension("");
    let parts = path.iter().map(|part| part.to_string_lossy().into_owned());
    parts.filter(|part| part != "mod").collect()
}

fn tokens(code: &str) -> Vec<TokenTree> {
    code.parse::<TokenStream>().unwrap().into_iter().collect()
}

/// One path, and the modules within the file that it stands in.
struct Found {
    inside: Vec<String>,
    path: Vec<String>,
    renamed: Option<String>,
}

impl Found {
    fn name(&self) -> String {
        self.renamed.as_ref().or(self.path.last()).cloned().unwrap_or_default()
    }
}

fn collect(tokens: &[TokenTree], inside: &mut Vec<String>, found: &mut Vec<Found>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Punct(hash) if hash.as_char() == '#' && is_cfg_test(tokens.get(at)) => {
                at = after_item(tokens, at + 1);
            }
            TokenTree::Ident(word) if word == "use" => at = path(tokens, after_colons(tokens, at), &[], inside, found),
            TokenTree::Ident(word) if word == "mod" => {
                if let (Some(name), Some(TokenTree::Group(body))) = (ident(tokens, at), tokens.get(at + 1)) {
                    inside.push(name);
                    collect(&body.stream().into_iter().collect::<Vec<_>>(), inside, found);
                    inside.pop();
                    at += 2;
                }
            }
            TokenTree::Ident(_) if after_colons(tokens, at) != at => at = path(tokens, at - 1, &[], inside, found),
            TokenTree::Group(group) => collect(&group.stream().into_iter().collect::<Vec<_>>(), inside, found),
            _ => {}
        }
    }
}

/// Reads the path that begins at `at`, with all its branches, and gives where it ends.
fn path(tokens: &[TokenTree], mut at: usize, before: &[String], inside: &[String], found: &mut Vec<Found>) -> usize {
    let mut segments = before.to_vec();
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(word)) => segments.push(word.to_string()),
            Some(TokenTree::Punct(star)) if star.as_char() == '*' => segments.push("*".to_owned()),
            Some(TokenTree::Group(branches)) if branches.delimiter() == Delimiter::Brace => {
                let tokens: Vec<_> = branches.stream().into_iter().collect();
                for branch in tokens.split(|token| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ',')) {
                    path(branch, 0, &segments, inside, found);
                }
                return at + 1;
            }
            // Type arguments, which are read as what follows.
            _ => break,
        }
        at += 1;
        let next = after_colons(tokens, at);
        if next == at {
            break;
        }
        at = next;
    }
    let renamed = ident(tokens, at).filter(|word| word == "as").and_then(|_| ident(tokens, at + 1));
    if segments.len() > before.len() {
        found.push(Found { inside: inside.to_vec(), path: segments, renamed });
    }
    at
}

fn ident(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at) {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    }
}

/// Where it goes on behind the `::` at `at`; `at` itself if there is none.
fn after_colons(tokens: &[TokenTree], at: usize) -> usize {
    let colon = |at: usize| match tokens.get(at) {
        Some(TokenTree::Punct(punct)) if punct.as_char() == ':' => Some(punct.spacing()),
        _ => None,
    };
    if colon(at) == Some(Spacing::Joint) && colon(at + 1).is_some() { at + 2 } else { at }
}

fn is_cfg_test(attribute: Option<&TokenTree>) -> bool {
    matches!(attribute, Some(TokenTree::Group(group)) if group.to_string().replace(' ', "") == "[cfg(test)]")
}

/// Where the item that begins at `at` has ended: behind a semicolon, or behind braces.
fn after_item(tokens: &[TokenTree], at: usize) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    };
    tokens[at..].iter().position(ends).map_or(tokens.len(), |end| at + end + 1)
}
