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
    let check = |unit: &str| {
        std::fs::write(&path, unit).unwrap();
        run(Command::new("systemd-analyze").args(["verify", "--man=no", "--recursive-errors=no"]).arg(&path))
    };
    let unit = unit.replace(program, "ExecStart=/bin/true");
    assert_eq!(check(&unit).trim(), "", "verify");
    // It does notice a name that does not exist.
    let mistaken = check(&unit.replace("\nRestartSec=", "\nRestartSeconds="));
    assert!(mistaken.contains("RestartSeconds"), "{mistaken}");

    std::fs::write(&path, &unit).unwrap();
    let mut security = Command::new("systemd-analyze");
    run(security.args(["security", "--no-pager", "--offline=true", MAX_EXPOSURE]).arg(&path));
}
