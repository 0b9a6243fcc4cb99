//! The errors for values that are not allowed.

use super::*;

#[test]
fn a_wrong_value_in_the_builder_is_an_error_that_names_the_program() {
    let builder = BuilderSettings { endpoint: Some("api".into()), ..BuilderSettings::default() };
    let error = resolve(&builder).expect_err("no slash").to_string();
    assert_eq!(error, r#"the endpoint that the program itself sets is "api": give a path such as /api"#);
}

#[test]
fn mistakes_name_their_place_and_their_remedy() {
    let flags = |flags| Scenario { flags, ..Scenario::default() };
    let env = |env| Scenario { env, ..Scenario::default() };
    let file = |file| Scenario { file: Some(file), ..Scenario::default() };
    let cases = [
        (flags(&["--prot", "1"]), r#"unknown argument "--prot": did you mean "--port"?"#),
        (flags(&["--qqq"]), r#"unknown argument "--qqq": --help lists the flags"#),
        (flags(&["stray"]), r#"unknown argument "stray": --help lists the flags"#),
        (flags(&["--port"]), "--port <PORT> has no value: write one after it"),
        (flags(&["--port", "1", "--port", "2"]), "--port <PORT> is given twice: keep one of them"),
        (
            flags(&["--port", "70000"]),
            r#"--port is "70000": give a port number from 0 to 65535 (0 picks a free one), or off"#,
        ),
        (
            flags(&["--host", "127.0.0.1:80"]),
            r#"--host is "127.0.0.1:80": give an IP address or a host name, without a port"#,
        ),
        (
            flags(&["--public-url", "example.org"]),
            r#"--public-url is "example.org": give a URL with http or https, without a query, such as https://api.example.org or https://example.org/shop"#,
        ),
        (flags(&["--title", "a\nb"]), r#"--title is "a\nb": give one line of text"#),
        (flags(&["--endpoint", "api"]), r#"--endpoint is "api": give a path such as /api"#),
        (flags(&["--endpoint", "/api/"]), r#"--endpoint is "/api/": give a path such as /api"#),
        (flags(&["--dialect", "soap"]), r#"--dialect is "soap": give jsonrpc, pymicroservice or gemstone"#),
        (flags(&["--hide-private=maybe"]), r#"--hide-private is "maybe": give true or false"#),
        (
            flags(&["--workers", "0"]),
            r#"--workers is "0": give a number of at least 1, or cores for as many as the machine has"#,
        ),
        (flags(&["--depth-limit", "128"]), r#"--depth-limit is "128": give a number from 1 to 127"#),
        (
            flags(&["--token-header", "X Token"]),
            r#"--token-header is "X Token": give the name of an HTTP header, such as X-Api-Token"#,
        ),
        (flags(&["--console", "maybe"]), r#"--console is "maybe": give on or off"#),
        (flags(&["--token-failures", "0"]), r#"--token-failures is "0": give a number of at least 1, or off"#),
        (
            env(&[("CALLBOX_BODY_LIMIT", "1MB")]),
            r#"CALLBOX_BODY_LIMIT is "1MB": give a number of bytes above 0, such as 65536, 64KiB, 1MiB or 1GiB"#,
        ),
        (
            env(&[("CALLBOX_SHUTDOWN_TIMEOUT", "25")]),
            r#"CALLBOX_SHUTDOWN_TIMEOUT is "25": give a time with its unit, such as 500ms, 2s or 1m"#,
        ),
        (
            env(&[("CALLBOX_BODY_TIMEOUT", "0s")]),
            r#"CALLBOX_BODY_TIMEOUT is "0s": give a time above 0 with its unit, such as 500ms, 2s or 1m"#,
        ),
        (
            env(&[("CALLBOX_ALLOWED_ORIGINS", "https://a.example/")]),
            r#"CALLBOX_ALLOWED_ORIGINS is "https://a.example/": give origins with commas between, each a scheme, a host and maybe a port: https://app.example.org; or * for any"#,
        ),
        (
            env(&[("RUST_LOG", "callbox=loud")]),
            r#"RUST_LOG is "callbox=loud": give a level (error, warn, info, debug, trace) or a filter such as warn,callbox=debug"#,
        ),
        (file("host = \"::1\"\nprot = 1"), r#"callbox.toml:2: unknown key "prot": did you mean "port"?"#),
        (file("token-header = \"X\""), r#"callbox.toml:1: unknown key "token-header": did you mean "token_header"?"#),
        (file("zzz = 1"), r#"callbox.toml:1: unknown key "zzz": remove it; --show-settings lists the keys"#),
        (
            file("\n\nport = 'a'"),
            r#"callbox.toml:3: port is "a": give a port number from 0 to 65535 (0 picks a free one), or off"#,
        ),
        (
            file("port.a = 1"),
            "callbox.toml:1: port cannot be a table: write one value, port = …, or a list of them where several are allowed",
        ),
        (file("port = 1\nport = 2"), "callbox.toml:2: not valid TOML: duplicate key"),
        (file("port = \n"), "callbox.toml:1: not valid TOML: string values must be quoted, expected literal string"),
        (
            env(&[("CALLBOX_CONFIG", "/nowhere.toml")]),
            "/nowhere.toml: there is no such file: name a TOML file, or leave --config and CALLBOX_CONFIG out",
        ),
    ];
    for (given, expected) in cases {
        assert_eq!(given.error(), expected);
    }
}
