//! The seeds of the fuzz targets are the shorter ones of the wire's cases.
//!
//! After a change of the cases, write the seeds again:
//! `CALLBOX_WRITE_SEEDS=1 cargo test -p callbox-tests --test wire seeds`

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use callbox_test_cases::{params, wire};

/// Files by their names.
type Seeds = BTreeMap<String, Vec<u8>>;

fn bodies() -> Seeds {
    seeds(wire::cases().into_iter().map(|case| (case.name, case.body)))
}

/// The fuzz target chooses a method by the first byte and takes the others for parameters.
fn parameters() -> Seeds {
    let cases = params::cases().into_iter().zip("012345".bytes().cycle());
    seeds(cases.map(|(case, choice)| {
        (format!("{} {}", case.method, case.params), [&[choice], case.params.as_bytes()].concat())
    }))
}

fn seeds(cases: impl Iterator<Item = (String, Vec<u8>)>) -> Seeds {
    let mut seeds = Seeds::new();
    for (name, content) in cases.filter(|(_, content)| content.len() <= 300) {
        let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let mut name = words.collect::<Vec<_>>().join("-").to_lowercase();
        name.truncate(60);
        while seeds.contains_key(&name) {
            name.push('+');
        }
        seeds.insert(name, content);
    }
    seeds
}

fn assert_written(folder: &str, seeds: &Seeds) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(folder);
    if std::env::var_os("CALLBOX_WRITE_SEEDS").is_some() {
        // It may not be there yet.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        seeds.iter().for_each(|(name, content)| fs::write(folder.join(name), content).unwrap());
    }
    let written: Seeds = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect();
    assert!(&written == seeds, "{} differs from the cases: see the head of this file", folder.display());
}

#[test]
fn the_seeds_of_the_fuzz_targets_are_the_cases() {
    assert_written("bodies", &bodies());
    assert_written("parameters", &parameters());
}
