//! Import cycles between files, found from the paths in their code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::paths::{Exports, exports_of, named};

/// The files that each file names, whoever exports what is in them.
pub(crate) type Graph = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

/// Who names whom. `sources` are relative to `src`; `root` is what its root exports.
pub(crate) fn graph(sources: &BTreeMap<PathBuf, String>, root: &Exports) -> Graph {
    let doors: BTreeMap<_, _> = sources
        .iter()
        .filter(|(file, _)| file.ends_with("mod.rs"))
        .map(|(file, code)| (module_of(file), exports_of(file, code)))
        .collect();
    let files: BTreeMap<_, _> = sources.keys().map(|file| (module_of(file), file.clone())).collect();
    let edges = |(file, code): (&PathBuf, &String)| {
        let named = named(file, code, root).ours;
        let to = named.iter().filter_map(|path| home(path, &doors, &files)).filter(|to| to != file);
        // A module's own file only says which parts there are, and what of them others may see.
        let to = if file.ends_with("mod.rs") { to.filter(|to| !is_part_of(to, file)).collect() } else { to.collect() };
        (file.clone(), to)
    };
    sources.iter().map(edges).collect()
}

/// The file in which the thing with this path is written, however often it is exported on.
fn home(path: &str, doors: &BTreeMap<String, Exports>, files: &BTreeMap<String, PathBuf>) -> Option<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..10 {
        let mut module = path.as_str();
        while !files.contains_key(module) {
            module = module.rsplit_once("::")?.0;
        }
        let name = path[module.len()..].trim_start_matches("::").split("::").next().unwrap_or_default();
        match doors.get(module).and_then(|door| door.get(name)) {
            Some(exported) if *exported != path => path = exported.clone(),
            _ => return files.get(module).cloned(),
        }
    }
    None
}

/// `a::b` for `a/b.rs` and for `a/b/mod.rs`.
fn module_of(file: &Path) -> String {
    let path = file.with_extension("");
    let parts = path.iter().map(|part| part.to_string_lossy()).filter(|part| part != "mod");
    parts.collect::<Vec<_>>().join("::")
}

fn is_part_of(part: &Path, module: &Path) -> bool {
    module.parent().is_some_and(|folder| part.starts_with(folder))
}

/// The cycles: sets of files in which each file leads to each other one.
pub(crate) fn circles(graph: &Graph) -> Vec<BTreeSet<PathBuf>> {
    let reached: BTreeMap<_, _> = graph.keys().map(|file| (file, reach(graph, file))).collect();
    let circle = |file: &PathBuf| -> BTreeSet<PathBuf> {
        let back = reached[file].iter().filter(|other| reached.get(other).is_some_and(|reach| reach.contains(file)));
        back.cloned().collect()
    };
    let all: BTreeSet<_> = graph.keys().map(circle).filter(|circle| circle.len() > 1).collect();
    all.into_iter().collect()
}

fn reach(graph: &Graph, from: &Path) -> BTreeSet<PathBuf> {
    let (mut open, mut found) = (vec![from.to_owned()], BTreeSet::new());
    while let Some(file) = open.pop() {
        for next in graph.get(&file).into_iter().flatten() {
            if found.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    found
}
