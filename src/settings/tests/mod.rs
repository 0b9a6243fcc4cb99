mod mistakes;
mod output;
mod pages;
mod sources;

use std::collections::HashMap;
use std::path::PathBuf;

use super::*;

const ABOUT: ProgramInfo<'_> = ProgramInfo { service: "name.your.service", app: OwnSettings::None };

/// The builder, the file, the environment and the flags of one test.
#[derive(Default)]
struct Scenario {
    builder: BuilderSettings,
    file: Option<&'static str>,
    env: &'static [(&'static str, &'static str)],
    flags: &'static [&'static str],
}

impl Scenario {
    fn resolve(&self) -> Result<Resolved, StartError> {
        let file = self.file.map(TempFile::new);
        let named = file.iter().flat_map(|file| ["--config".into(), file.0.clone().into_os_string()]);
        let args = ["server".into()].into_iter().chain(named).chain(self.flags.iter().map(OsString::from));
        let env: HashMap<_, _> = self.env.iter().copied().collect();
        resolve_from(&self.builder, args, |name| env.get(name).map(ToString::to_string), &ABOUT)
    }

    fn settings(&self) -> Settings {
        match self.resolve() {
            Ok(Resolved::Run(settings)) => *settings,
            other => panic!("{other:?}"),
        }
    }

    /// Returns the error, without the directory of the file.
    fn error(&self) -> String {
        let error = self.resolve().expect_err("a mistake").to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        error.replace(&format!("{}/", std::env::temp_dir().display()), "").replace(&unique(), "callbox")
    }

    fn printed(&self) -> String {
        match self.resolve() {
            Ok(Resolved::Print(text)) => text,
            other => panic!("{other:?}"),
        }
    }
}

struct TempFile(PathBuf);

impl TempFile {
    fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{}.toml", unique()));
        std::fs::write(&path, text).expect("a temporary file");
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Returns a name that no other test uses: each test has its own thread.
fn unique() -> String {
    format!("callbox-settings-{}-{:?}", std::process::id(), std::thread::current().id())
}
