//! The source from which a new crate takes callbox.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;

/// The `callbox` dependency of a new crate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The release that this command belongs to.
    Version,
    /// A checkout of callbox.
    Path(PathBuf),
}

impl Source {
    /// Returns the requested checkout; without one, the checkout that this command was built from,
    /// if it still exists (as for `cargo run --package callbox-cli -- new …`); otherwise the
    /// release.
    pub(crate) fn choose(asked: Option<&Path>) -> Result<Self> {
        if let Some(path) = asked {
            let path = path.canonicalize().map_err(|error| {
                format!("--callbox-path {}: {error}: name the directory of a callbox checkout", path.display())
            })?;
            return if is_callbox(&path) {
                Ok(Self::Path(path))
            } else {
                Err(format!(
                    "--callbox-path {} does not contain callbox: name the directory of a callbox checkout",
                    path.display()
                ))
            };
        }
        // For a command that was installed from a release, there is no callbox in the directory
        // above.
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).parent().filter(|root| is_callbox(root));
        Ok(built_from.map_or(Self::Version, |root| Self::Path(root.to_owned())))
    }

    /// Returns the dependency as a key of an inline table in TOML.
    pub(crate) fn to_toml(&self) -> String {
        match self {
            Self::Version => format!("version = {:?}", env!("CARGO_PKG_VERSION")),
            // The `toml` crate quotes any path correctly.
            Self::Path(path) => format!("path = {}", toml::Value::from(path.to_string_lossy().into_owned())),
        }
    }
}

fn is_callbox(directory: &Path) -> bool {
    let manifest =
        fs::read_to_string(directory.join("Cargo.toml")).ok().and_then(|text| text.parse::<toml::Table>().ok());
    manifest.is_some_and(|manifest| {
        manifest.get("package").and_then(|package| package.get("name")?.as_str()) == Some("callbox")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_from_a_checkout_depends_on_the_checkout() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        assert_eq!(Source::choose(None), Ok(Source::Path(here.to_owned())));
        assert_eq!(Source::choose(Some(here)), Ok(Source::Path(here.canonicalize().unwrap())));
    }

    #[test]
    fn a_path_without_callbox_is_rejected() {
        for path in ["/nowhere", env!("CARGO_MANIFEST_DIR")] {
            let error = Source::choose(Some(Path::new(path))).expect_err(path);
            assert!(error.starts_with(&format!("--callbox-path {path}")), "{error}");
        }
    }

    #[test]
    fn a_path_is_quoted_for_toml() {
        let line = Source::Path(r#"C:\a "b""#.into()).to_toml();
        let table: toml::Table = line.parse().unwrap();
        assert_eq!(table["path"].as_str(), Some(r#"C:\a "b""#));
    }
}
