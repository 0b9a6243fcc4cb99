//! Where relative directories of templates and static files start.

use std::env;
use std::path::{Path, PathBuf};

/// Returns the directory that `path` names; a relative path starts in `assets`.
///
/// Without `assets` it starts in the working directory, as with `cargo run`, or else beside the
/// program, as in an image or an archive. If the directory is in neither place, the path is
/// returned as it is, so that the error about it names what was configured.
pub(super) fn resolve_directory(path: &Path, assets: Option<&Path>) -> PathBuf {
    if let Some(assets) = assets {
        return assets.join(path);
    }
    let program = || env::current_exe().and_then(|program| program.canonicalize()).ok();
    let beside = || Some(program()?.parent()?.join(path)).filter(|directory| directory.is_dir());
    if path.is_dir() { path.to_owned() } else { beside().unwrap_or_else(|| path.to_owned()) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_relative_path_starts_in_the_working_directory_or_beside_the_program() {
        let program = env::current_exe().unwrap().canonicalize().unwrap();
        let name = format!("callbox-assets-{}", std::process::id());
        let beside = program.parent().unwrap().join(&name);
        assert_eq!(resolve_directory(name.as_ref(), None), Path::new(&name), "it is nowhere");
        fs::create_dir(&beside).unwrap();
        let found = resolve_directory(name.as_ref(), None);
        fs::remove_dir(&beside).unwrap();
        assert_eq!(found, beside);
        // The working directory of a test is that of its package.
        assert_eq!(resolve_directory("src".as_ref(), None), Path::new("src"));
    }

    #[test]
    fn a_relative_path_starts_in_the_directory_of_the_assets_setting() {
        for (path, expected) in [("src", "/srv/shop/src"), ("/etc/pages", "/etc/pages")] {
            assert_eq!(resolve_directory(path.as_ref(), Some("/srv/shop".as_ref())), Path::new(expected));
        }
    }
}
