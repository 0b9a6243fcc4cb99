//! Settings from flags, variables and a file: each mistake is one line, and the settings that are
//! shown can be given again.

#![no_main]

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use callbox::__fuzzing::resolve_settings;
use libfuzzer_sys::fuzz_target;

/// A configuration file that no other process uses.
static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("callbox-fuzz-{}.toml", std::process::id())));

// The input is a list of flags, one per line, then an empty line, a list of variables, an empty
// line, and the file.
fuzz_target!(|input: &str| {
    let mut parts = input.splitn(3, "\n\n");
    let [flags, variables, file] = [(); 3].map(|()| parts.next().unwrap_or_default());
    // A flag or a variable must not name another file.
    if input.to_ascii_lowercase().contains("conf") {
        return;
    }
    let flags: Vec<_> = flags.lines().collect();
    let variables: HashMap<_, _> = variables.lines().filter_map(|line| line.split_once('=')).collect();
    fs::write(&*FILE, file).expect("a file");
    let resolve = |flags: &[&str], variables: &HashMap<&str, &str>| -> callbox::Result<Option<String>> {
        let config = ["fuzz".into(), "--config".into(), FILE.clone().into_os_string()];
        let args = config.into_iter().chain(flags.iter().map(OsString::from));
        resolve_settings(args, |name| variables.get(name).map(ToString::to_string))
    };
    match resolve(&flags, &variables) {
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
        Ok(Some(text)) => assert!(!text.is_empty()),
        Ok(None) => {
            let flags = [&["--show-settings"], &flags[..]].concat();
            let Ok(Some(table)) = resolve(&flags, &variables) else { panic!("they can be shown") };
            // Each value as a variable, and nothing else.
            fs::write(&*FILE, "").expect("a file");
            let again: HashMap<_, _> = table.lines().skip(1).filter_map(variable).collect();
            let again: HashMap<_, _> = again.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            let Ok(Some(table_again)) = resolve(&["--show-settings"], &again) else {
                panic!("they can be given again: {table}")
            };
            assert_eq!(values(&table), values(&table_again));
        }
    }
});

/// Returns the variable of a line, such as `CALLBOX_BODY_LIMIT`, and its value. The columns of the
/// table are at least two spaces apart, and no value contains two.
fn variable(line: &str) -> Option<(String, &str)> {
    let (key, rest) = line.split_once(' ')?;
    let (value, _) = rest.trim_start().split_once("  ")?;
    Some((format!("CALLBOX_{}", key.to_uppercase()), if value == "-" { "" } else { value }))
}

fn values(table: &str) -> Vec<Option<(String, &str)>> {
    table.lines().skip(1).map(variable).collect()
}
