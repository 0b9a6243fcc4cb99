//! Which lines there are: the log filter, wherever it was set.

use std::fs;

use callbox_test_support::program::Program;

use crate::logs::{call, lines, log_of, post};

pub(crate) fn filters() {
    let directory = tempfile::tempdir().expect("a directory");
    let only_server = "warn,callbox::server=info";
    let file = format!("port = 0\nlog = \"{only_server}\"\n");
    fs::write(directory.path().join("callbox.toml"), file).expect("a file");
    let plain = || Program::with_role("keeper", &["--port", "0"]);
    let debug = || plain().env("RUST_LOG", "debug");
    for (name, program, starts, calls) in [
        ("nothing set", plain(), true, false),
        ("RUST_LOG", debug(), true, true),
        ("RUST_LOG of one part", plain().env("RUST_LOG", only_server), false, false),
        ("CALLBOX_LOG goes first", debug().env("CALLBOX_LOG", only_server), false, false),
        ("the file", plain().in_directory(directory.path()), false, false),
    ] {
        let program = program.start();
        post(&program, &[], &call("echo", r#"["x"]"#));
        let log = log_of(program);
        assert!(log.contains("listening") && log.contains("stopped"), "{name}: {log}");
        assert_eq!(log.contains("the service is up"), starts, "{name}: {log}");
        assert_eq!(log.contains(r#"method="echo""#), calls, "{name}: {log}");
        assert!(lines(&log, "WARN").is_empty() && lines(&log, "ERROR").is_empty(), "{name}: {log}");
    }
    let ended = plain().env("RUST_LOG", "callbox=loud").run();
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.log.starts_with(r#"Error: RUST_LOG is "callbox=loud": give a level"#), "{}", ended.log);
}

pub(crate) fn no_effect() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("callbox.toml"), "port = 0\nlog = \"warn\"\n").expect("a file");
    let own = |args: &[&str]| Program::with_role("own log", &[&["--port", "0"], args].concat());
    for (program, from) in [
        (own(&["--log", "debug"]), Some("flag --log")),
        (own(&[]).env("CALLBOX_LOG", "debug"), Some("environment CALLBOX_LOG")),
        (own(&[]).in_directory(directory.path()), Some("callbox.toml:2")),
        // That is for every program, and may be what its subscriber has read.
        (own(&[]).env("RUST_LOG", "info"), None),
        (own(&[]), None),
        // Here the filter has an effect.
        (Program::with_role("greeter", &["--port", "0", "--log", "info"]), None),
    ] {
        let log = log_of(program.start());
        let warnings = lines(&log, "WARN");
        match from {
            Some(from) => {
                let warns = |line: &&&str| line.contains("this log filter has no effect") && line.contains(from);
                assert_eq!(warnings.iter().filter(warns).count(), 1, "{from}: {log}");
            }
            None => assert!(warnings.is_empty(), "{log}"),
        }
    }
}
