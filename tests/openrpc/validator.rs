//! OpenRPC's own validator, which is a package for Node: `bash tests/node/setup` makes it ready.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What the validator says of each document: nothing, or why it is none.
pub(crate) fn judge(documents: &BTreeMap<String, Value>) -> BTreeMap<String, Option<String>> {
    let advice =
        "`bash tests/node/setup` makes the packages for Node ready; Node itself is `apt-get install nodejs npm`";
    // Beside what this test was built into.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the directory above tmp");
    let mut node = Command::new("node")
        // A schema that leads back to itself must not take the machine.
        .arg("--max-old-space-size=256")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/node/openrpc.js"))
        .env("NODE_PATH", target.join("node/node_modules"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("node: {error}: {advice}"));
    // If Node ends early, for want of a package, it does not read everything. The assertion below
    // shows its error.
    let sent = node.stdin.take().expect("a pipe").write_all(&serde_json::to_vec(documents).expect("JSON"));
    let output = node.wait_with_output().expect("node has ended");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{advice}");
    sent.expect("node has read all of it");
    serde_json::from_slice(&output.stdout).expect("what tests/node/openrpc.js writes")
}
