//! Paths that lead out of the directory of the static files.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;

use callbox_test_cases::paths::OUTSIDE_PATHS;

use crate::client::Connection;
use crate::report::Report;
use crate::server_process::ServerProcess;

const SECRET: &str = "a secret from outside";

/// Paths through symlinks to a file and to a directory.
const LINKS: [&str; 2] = ["/link.txt", "/up/secret.txt"];

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    let root = directory.path().join("root");
    for folder in [root.join("sub"), directory.path().join("root-of-another")] {
        fs::create_dir_all(folder)?;
    }
    fs::write(root.join("inside.txt"), "inside")?;
    for file in ["secret.txt", "root-of-another/secret.txt"] {
        fs::write(directory.path().join(file), SECRET)?;
    }
    symlink(directory.path().join("secret.txt"), root.join("link.txt"))?;
    symlink(directory.path(), root.join("up"))?;

    let server = ServerProcess::start(&["files", root.to_str().ok_or(io::ErrorKind::InvalidFilename)?])?;
    // One mount below a path, and one at the root, where nothing precedes the first slash.
    let mounts = ["/static", ""];
    for mount in mounts {
        let inside = Connection::open(server.address)?.get(&format!("{mount}/inside.txt"))?;
        let served = inside.body == b"inside";
        report.exact(format!("{mount}/inside.txt is served"), inside.status, served);
    }
    for (what, paths) in [("paths", OUTSIDE_PATHS), ("symlinks", &LINKS)] {
        let (mut asked, mut leaked) = (0, Vec::new());
        for (mount, path) in mounts.iter().flat_map(|mount| paths.iter().map(move |path| (mount, path))) {
            let path = format!("{mount}{path}");
            asked += 1;
            let answer = Connection::open(server.address)?.get(&path)?;
            let text = String::from_utf8_lossy(&answer.body);
            if !(400..500).contains(&answer.status) || text.contains(SECRET) || text.contains("root:") {
                leaked.push(path);
            }
        }
        let reached = format!("{} of {asked} rejected {}", asked - leaked.len(), leaked.join(" "));
        report.exact(
            format!("{} {what}, twice: 0 bytes from outside", paths.len()),
            reached.trim_end(),
            leaked.is_empty(),
        );
    }
    Ok(())
}
