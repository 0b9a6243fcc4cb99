//! The unit, checked by systemd's own checker.

use std::process::Command;

use super::{run, text_of};

/// How exposed the service may be, of 100 points, as `systemd-analyze security` counts.
const MAX_EXPOSURE: &str = "--threshold=20";

pub(crate) fn verified() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my_service.service");
    // The program has to exist.
    let program = "ExecStart=/usr/local/bin/my_service";
    let unit = text_of("callbox.service");
    assert_eq!(unit.matches(program).count(), 1);
    let verify = |unit: &str| {
        std::fs::write(&path, unit).unwrap();
        let mut command = Command::new("systemd-analyze");
        command.args(["verify", "--man=no"]).arg(&path);
        command
    };
    let unit = unit.replace(program, "ExecStart=/bin/true");
    // It does notice a name that does not exist.
    let output = verify(&unit.replace("\nRestartSec=", "\nRestartSeconds=")).output();
    let output = output.unwrap_or_else(|error| panic!("systemd-analyze: {error}: `bash tests/foreign` installs it"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("RestartSeconds"), "{said}");
    let said = run(&mut verify(&unit));
    assert!(!said.contains("my_service.service:"), "{said}");

    let mut security = Command::new("systemd-analyze");
    run(security.args(["security", "--no-pager", "--offline=true", MAX_EXPOSURE]).arg(&path));
}
