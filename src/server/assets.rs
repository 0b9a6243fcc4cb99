//! Where the program's own directories are: its templates, and its static files.

use std::env;
use std::path::{Path, PathBuf};

/// The directory that a path leads to; one that is not absolute starts in `assets`.
///
/// Without `assets` it starts in the working directory, as `cargo run` and most shells have it, or
/// else beside the program, where an image or an archive has it. Of one that is nowhere the first
/// of these is given, for the error that tells of it.
pub(super) fn find(path: &Path, assets: Option<&Path>) -> PathBuf {
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
        assert_eq!(find(name.as_ref(), None), Path::new(&name), "it is nowhere");
        fs::create_dir(&beside).unwrap();
        let found = find(name.as_ref(), None);
        fs::remove_dir(&beside).unwrap();
        assert_eq!(found, beside);
        // The working directory of a test is that of its package.
        assert_eq!(find("src".as_ref(), None), Path::new("src"));
    }

    #[test]
    fn a_directory_that_is_set_is_where_a_relative_path_starts() {
        for (path, expected) in [("src", "/srv/shop/src"), ("/etc/pages", "/etc/pages")] {
            assert_eq!(find(path.as_ref(), Some("/srv/shop".as_ref())), Path::new(expected));
        }
    }
}
