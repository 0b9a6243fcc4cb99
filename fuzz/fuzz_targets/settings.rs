//! Settings from flags, variables and a file: mistakes are told in one line, and what is shown can be given again.

#![no_main]

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

// First, as its macros are for all that come after it.
#[allow(dead_code, unused_imports, unused_macros, reason = "the target uses a part of it")]
#[macro_use]
#[path = "../../src/log/mod.rs"]
mod log;

#[allow(dead_code, unused_imports, unreachable_pub, reason = "the target uses a part of it")]
#[path = "../../src/jsonrpc/mod.rs"]
mod jsonrpc;
#[path = "../../src/regular_file.rs"]
mod regular_file;
#[allow(dead_code, unused_imports, unreachable_pub, reason = "the target uses a part of it")]
#[path = "../../src/settings/mod.rs"]
mod settings;
#[allow(dead_code, unreachable_pub, reason = "the target uses a part of it")]
#[path = "../../src/start_error.rs"]
mod start_error;
#[allow(unused_imports, reason = "the target uses a part of it")]
#[path = "../../src/sync.rs"]
mod sync;

/// What settings know of the modules that are not taken in.
mod engine {
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) enum Placement {
        #[default]
        Inline,
        Actor,
    }
}

use settings::{ProgramInfo, BuilderSettings, Resolved, resolve_from};
use start_error::StartError;

/// A file of this process alone.
static FILE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::temp_dir().join(format!("callbox-fuzz-{}.toml", std::process::id())));

// The input has flags, one a line, up to an empty line; variables up to the next; and the file.
fuzz_target!(|input: &str| {
    let mut parts = input.splitn(3, "\n\n");
    let [flags, variables, file] = [(); 3].map(|()| parts.next().unwrap_or_default());
    // No other files than ours.
    if input.to_ascii_lowercase().contains("conf") {
        return;
    }
    let flags: Vec<_> = flags.lines().collect();
    let variables: HashMap<_, _> = variables.lines().filter_map(|line| line.split_once('=')).collect();
    fs::write(&*FILE, file).expect("a file");
    let given = |flags: &[&str], variables: &HashMap<&str, &str>| -> Result<Resolved, StartError> {
        let named = ["fuzz".into(), "--config".into(), FILE.clone().into_os_string()];
        let args = named.into_iter().chain(flags.iter().map(OsString::from));
        resolve_from(
            &BuilderSettings::default(),
            args,
            |name| variables.get(name).map(ToString::to_string),
            &ProgramInfo { service: "fuzz" },
        )
    };
    match given(&flags, &variables) {
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
        Ok(Resolved::Print(text)) => assert!(!text.is_empty()),
        Ok(Resolved::Run(_)) => {
            let shown = [&["--show-settings"], &flags[..]].concat();
            let Ok(Resolved::Print(table)) = given(&shown, &variables) else { panic!("it can be shown") };
            // Each value as a variable, and nothing else.
            fs::write(&*FILE, "").expect("a file");
            let again: HashMap<_, _> = table.lines().skip(1).filter_map(variable).collect();
            let again: HashMap<_, _> = again.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            let Ok(Resolved::Print(table_again)) = given(&["--show-settings"], &again) else {
                panic!("it can be given again: {table}")
            };
            assert_eq!(values(&table), values(&table_again));
        }
    }
});

/// `CALLBOX_BODY_LIMIT` and its value. The columns of the table are two spaces apart at least, and no value has two within.
fn variable(line: &str) -> Option<(String, &str)> {
    let (key, rest) = line.split_once(' ')?;
    let (value, _) = rest.trim_start().split_once("  ")?;
    Some((format!("CALLBOX_{}", key.to_uppercase()), if value == "-" { "" } else { value }))
}

fn values(table: &str) -> Vec<Option<(String, &str)>> {
    table.lines().skip(1).map(variable).collect()
}
