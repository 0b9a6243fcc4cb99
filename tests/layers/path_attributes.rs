//! `#[path]` attributes: a package has its sources within its own directory.

use std::fs;
use std::path::{Path, PathBuf};

/// The one package that takes in sources of another: loom replaces the atomics of the mailbox when
/// it compiles them, so it needs the sources themselves.
const MODELS: &str = "tests/model";

/// A `#[path]` attribute: the file that has it, and the file that it names.
struct PathAttribute {
    from: PathBuf,
    to: PathBuf,
}

/// Returns the attributes of a file, whose path is relative to the checkout.
fn path_attributes(file: &Path, code: &str) -> Vec<PathAttribute> {
    let directory = file.parent().unwrap_or(Path::new(""));
    let attributes = code.lines().filter_map(|line| line.trim_start().strip_prefix("#["));
    let named = attributes.filter_map(|attribute| attribute.split_once("path = \"")?.1.split('"').next());
    named.map(|to| PathAttribute { from: file.to_owned(), to: normalized(&directory.join(to)) }).collect()
}

/// Returns the path without `..`.
fn normalized(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts
}

/// Returns the innermost of these directories of packages that contains a file.
fn package_of<'a>(file: &Path, packages: &'a [PathBuf]) -> Option<&'a PathBuf> {
    packages.iter().filter(|package| file.starts_with(package)).max_by_key(|package| package.iter().count())
}

/// Returns the attributes that lead out of their packages, as `from names to`.
fn out_of_package(attributes: &[PathAttribute], packages: &[PathBuf]) -> Vec<String> {
    let leads_out = |attribute: &&PathAttribute| {
        !attribute.from.starts_with(MODELS)
            && package_of(&attribute.from, packages) != package_of(&attribute.to, packages)
    };
    let shown = |attribute: &PathAttribute| format!("{} names {}", attribute.from.display(), attribute.to.display());
    attributes.iter().filter(leads_out).map(shown).collect()
}

#[test]
fn no_path_attribute_leads_out_of_its_package() {
    let (mut packages, mut attributes) = (Vec::new(), Vec::new());
    let mut open = vec![PathBuf::new()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(Path::new(crate::ROOT).join(&directory)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = directory.join(&name);
            if entry.file_type().unwrap().is_dir() {
                let is_built = directory == Path::new("") && name.starts_with("target");
                if !is_built && !name.starts_with('.') && name != "node_modules" {
                    open.push(path);
                }
            } else if name == "Cargo.toml" {
                packages.push(directory.clone());
            } else if name.ends_with(".rs") {
                let code = fs::read_to_string(entry.path()).unwrap();
                attributes.extend(path_attributes(&path, &code));
            }
        }
    }
    let models = attributes.iter().filter(|attribute| attribute.from.starts_with(MODELS)).count();
    assert!(models > 5 && packages.len() > 5, "the sources are read");
    let broken = out_of_package(&attributes, &packages);
    assert!(broken.is_empty(), "share the code through a crate instead:\n{}", broken.join("\n"));
}

#[test]
fn an_attribute_that_leads_out_of_its_package_is_found() {
    let packages = ["", "cli", "tests", "tests/model", "tests/support"].map(PathBuf::from);
    for (file, code, expected) in [
        ("cli/src/main.rs", "#[path = \"plot/mod.rs\"]\nmod plot;", ""),
        ("cli/tests/new.rs", "#[path = \"../src/plot.rs\"]\nmod plot;", ""),
        ("tests/model/src/lib.rs", "#[path = \"../../../src/sync.rs\"]\nmod sync;", ""),
        ("cli/src/main.rs", "// #[path = \"../../src/sync.rs\"]", ""),
        ("tests/http/main.rs", "#[path = \"../../src/sync.rs\"]\nmod sync;", "tests/http/main.rs names src/sync.rs"),
        (
            "tests/http/main.rs",
            "    #[cfg_attr(unix, path = \"../support/http.rs\")]",
            "tests/http/main.rs names tests/support/http.rs",
        ),
        ("src/lib.rs", "#[path = \"../cli/plot.rs\"]", "src/lib.rs names cli/plot.rs"),
    ] {
        let broken = out_of_package(&path_attributes(Path::new(file), code), &packages);
        assert_eq!(broken.join(" "), expected, "{file}: {code}");
    }
}
