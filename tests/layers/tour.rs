//! The tour of `src/lib.rs`: it visits all layers, and the files that it names are there.

use std::path::Path;

use crate::table::LAYERS;
use crate::{ROOT, root};

/// The lines of the root's own documentation.
fn tour() -> Vec<String> {
    root().lines().filter_map(|line| line.strip_prefix("//! ").map(str::to_owned)).collect()
}

#[test]
fn the_tour_of_the_root_visits_all_layers_from_the_top_down() {
    let name = |line: &String| {
        let rest = line.strip_prefix("- ")?;
        rest.split('`').nth(1).map(str::to_owned)
    };
    let visited: Vec<_> = tour().iter().filter_map(name).collect();
    let layers: Vec<_> = LAYERS.iter().rev().map(|layer| layer.module).collect();
    assert_eq!(visited, layers);
}

#[test]
fn the_files_that_the_root_names_are_there() {
    let named = tour().into_iter().filter(|line| line.starts_with("| "));
    let parts: Vec<_> = named.flat_map(|line| line.split('`').map(str::to_owned).collect::<Vec<_>>()).collect();
    let files: Vec<_> = parts.iter().filter(|part| part.ends_with(".rs") || part.ends_with('/')).collect();
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let places = ["src", "."].map(|base| Path::new(ROOT).join(base).join(file));
        assert!(places.iter().any(|place| place.exists()), "the root names {file}, which is not there");
    }
}
