//! Who may import whom: the layers of `src/`, checked over every path that its code names.

mod circles;
mod path_attributes;
mod paths;
mod table;
mod tour;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use circles::{circles, graph};
use paths::{Exports, dependencies, exports, named};
use table::{FREE, LAYERS};

/// The checkout.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What a file names that its layer must not know, each as `path: what`.
fn broken_rules(file: &Path, code: &str, exports: &Exports, dependencies: &BTreeSet<String>) -> Vec<String> {
    let module = top_module(file);
    let Some(layer) = LAYERS.iter().find(|layer| layer.module == module) else {
        return vec![format!("{}: the module {module} is in no layer: add it to LAYERS", file.display())];
    };
    let named = named(file, code, exports);
    let ours = named.ours.into_iter().filter(|path| {
        let allowed = |rule: &&str| *path == **rule || path.starts_with(&format!("{rule}::"));
        path.split("::").next() != Some(module.as_str()) && !layer.knows.iter().any(allowed)
    });
    let crates = named.crates.into_iter().filter(|name| {
        dependencies.contains(name) && !FREE.contains(&name.as_str()) && !layer.crates.contains(&name.as_str())
    });
    ours.map(|path| format!("crate::{path}"))
        .chain(crates)
        .map(|what| format!("{}: {module} must not know {what}", file.display()))
        .collect()
}

/// `engine` for `engine/gate.rs`, `router` for `router.rs`.
fn top_module(file: &Path) -> String {
    let first = file.iter().next().unwrap_or_default().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// All files of the library, but its root and what is compiled for its own tests only.
fn sources() -> BTreeMap<PathBuf, String> {
    let root = Path::new(ROOT).join("src");
    let (mut open, mut found) = (vec![root.clone()], BTreeMap::new());
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let short = path.strip_prefix(&root).unwrap().to_owned();
            let for_tests = name.ends_with("tests.rs") || name == "test_server.rs";
            if path.is_dir() && name != "bin" {
                open.push(path);
            } else if name.ends_with(".rs") && name != "lib.rs" && !for_tests {
                found.insert(short, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

fn root() -> String {
    fs::read_to_string(Path::new(ROOT).join("src/lib.rs")).unwrap()
}

#[test]
fn no_module_names_what_its_layer_must_not_know() {
    let (exports, dependencies, sources) = (exports(&root()), dependencies(), sources());
    assert!(sources.len() > 50 && exports.len() > 15 && dependencies.len() > 15, "the sources are read");
    let broken: Vec<_> =
        sources.iter().flat_map(|(file, code)| broken_rules(file, code, &exports, &dependencies)).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn no_layer_knows_a_later_one() {
    for (at, layer) in LAYERS.iter().enumerate() {
        for rule in layer.knows {
            let known = rule.split("::").next();
            let before = LAYERS[..at].iter().any(|earlier| Some(earlier.module) == known);
            assert!(before, "{} knows {rule}, which does not stand before it", layer.module);
        }
    }
}

#[test]
fn every_layer_is_there_and_every_allowance_is_used() {
    let (exports, sources) = (exports(&root()), sources());
    let mut unused = Vec::new();
    for layer in LAYERS {
        let own = sources.iter().filter(|(file, _)| top_module(file) == layer.module);
        let named: Vec<_> = own.map(|(file, code)| named(file, code, &exports)).collect();
        assert!(!named.is_empty(), "there is no module {}", layer.module);
        let knows = |rule: &str| named.iter().flat_map(|named| &named.ours).any(|path| path.starts_with(rule));
        let uses = |name: &str| named.iter().any(|named| named.crates.contains(name));
        let rules = layer.knows.iter().filter(|rule| !knows(rule));
        unused.extend(rules.chain(layer.crates.iter().filter(|name| !uses(name))).map(|rule| (layer.module, *rule)));
    }
    assert!(unused.is_empty(), "no longer used, so remove them from LAYERS: {unused:?}");
}

#[test]
fn a_path_that_is_not_allowed_is_found_however_it_is_written() {
    let exports = exports("pub use http::{TemplateError, Templates}; pub use actor::Host as Actor; mod http;");
    let dependencies = dependencies();
    let broken = |file: &str, code: &str| {
        let lines = broken_rules(Path::new(file), code, &exports, &dependencies);
        lines.iter().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    for (file, code, expected) in [
        ("mailbox/bell.rs", "use crate::actor::Host;", "crate::actor::Host"),
        (
            "mailbox/bell.rs",
            "use crate::{sync::Arc, actor::{Host, gate::Gate}};",
            "crate::actor::Host crate::actor::gate::Gate",
        ),
        ("mailbox/bell.rs", "fn f() { g(|| crate::http::guard()) }", "crate::http::guard"),
        ("mailbox/bell.rs", "use crate::Templates;", "crate::http::Templates"),
        ("mailbox/bell.rs", "use crate::Actor;", "crate::actor::Host"),
        ("mailbox/bell.rs", "use super::super::http::Guard;", "crate::http::Guard"),
        ("mailbox/bell.rs", "mod inner { use super::super::super::http::Guard; }", "crate::http::Guard"),
        ("mailbox/mod.rs", "use super::router;", "crate::router"),
        ("mailbox/mod.rs", "type T = Vec<super::router::Router>;", "crate::router::Router"),
        ("router.rs", "pub(super) use super::dispatch::*;", "crate::dispatch::*"),
        ("mailbox/call/mod.rs", "use crate::jsonrpc::{RpcError, Envelope};", "crate::jsonrpc::Envelope"),
        ("engine/host.rs", "fn f(r: actix_web::HttpRequest) {}", "actix_web"),
        ("engine/host.rs", "fn f() { tracing::error!(\"not caught\") }", "tracing"),
        ("engine/host.rs", "use ::actix_web;", "actix_web"),
        ("engine/host.rs", "info!(\"{}\", actix_web::rt::X);", "actix_web"),
        ("jsonrpc/id.rs", "async fn f() { tokio::spawn(g()).await }", "tokio"),
        ("http/rpc/mod.rs", "use crate::settings::Settings;", "crate::settings::Settings"),
        ("brand_new/mod.rs", "", "LAYERS"),
    ] {
        assert_eq!(broken(file, code), expected, "{file}: {code}");
    }
    for (file, code) in [
        ("mailbox/bell.rs", "use crate::sync::Arc; use super::super::mailbox::call::Call; use std::sync::Weak;"),
        ("mailbox/bell.rs", "/// See [`crate::actor::Host`].\n// crate::http\nconst S: &str = \"crate::http::x\";"),
        ("mailbox/bell.rs", "#[cfg(test)] mod tests { use crate::http::Guard; } #[cfg(test)] use crate::http::Guard;"),
        ("http/mod.rs", "use actix_web::web; use super::dispatch::Dispatch; use self::guard::Guard;"),
    ] {
        assert_eq!(broken(file, code), "", "{file}: {code}");
    }
}

/// Maximum number of files in an import cycle.
const CIRCLE: usize = 3;

#[test]
fn no_more_than_three_files_know_each_other_in_a_circle() {
    let graph = graph(&sources(), &exports(&root()));
    let known: usize = graph.values().map(BTreeSet::len).sum();
    assert!(known > 500, "the paths lead to files: {known}");
    let large: Vec<_> = circles(&graph).into_iter().filter(|circle| circle.len() > CIRCLE).collect();
    assert!(large.is_empty(), "{large:#?}");
}

#[test]
fn a_circle_is_found_through_what_a_module_exports() {
    let file = |name: &str, code: &str| (PathBuf::from(name), code.to_owned());
    let sources = BTreeMap::from([
        file("a/mod.rs", "mod one; mod two; pub(crate) use one::One; pub(crate) use self::two::{Two as Second};"),
        file("a/one.rs", "use super::two::Two;"),
        file("a/two.rs", "use crate::b::Third;"),
        file("b.rs", "use crate::a::One; use crate::c;"),
        file("c.rs", "use std::fmt; use crate::a::Second;"),
    ]);
    let found = circles(&graph(&sources, &Exports::new()));
    let expected: Vec<BTreeSet<PathBuf>> = vec![["a/one.rs", "a/two.rs", "b.rs", "c.rs"].map(PathBuf::from).into()];
    assert_eq!(found, expected);
}
