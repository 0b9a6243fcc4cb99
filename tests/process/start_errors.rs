//! What keeps a server from starting.

use std::fs;
use std::net::TcpListener;

use callbox_test_support::program::{Program, ProgramOutput};

/// Each mistake, and what its one line has to say: what is wrong and how to fix it.
pub(crate) fn one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("an address").port().to_string();
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("lost")).expect("a directory");
    for (name, text) in [
        ("lost/page.hbs", "<p>\n{{> nowhere}}"),
        ("bad.toml", "port = 5000\nhots = \"localhost\"\n"),
        ("value.toml", "# limits\nbody_limit = \"much\"\n"),
        ("broken.toml", "port = \n"),
        ("bad-tokens.toml", "[[token]]\nid = \"0\"\n"),
        ("page.hbs", "<p>\n{{#if a}}"),
    ] {
        fs::write(directory.path().join(name), text).expect("a file");
    }
    let free = ["--port", "0"];
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "greeter",
            &["--port", &taken],
            &["cannot listen on 127.0.0.1:", "in use", "stop what listens there", "--port"],
        ),
        ("greeter", &["--host", "192.0.2.1"], &["cannot listen on 192.0.2.1:5000", "0.0.0.0", "flag --host"]),
        ("greeter", &["--port", "eighty"], &["--port", "\"eighty\"", "from 0 to 65535"]),
        ("greeter", &["--prot", "80"], &["\"--prot\"", "did you mean \"--port\"?"]),
        ("greeter", &["80"], &["unknown argument \"80\"", "--help"]),
        (
            "greeter",
            &["--port", "0", "--allowed-origins", "*"],
            &[
                "any web page could call `say_hello`",
                "loopback",
                "--allowed-origins https://",
                "flag --allowed-origins",
            ],
        ),
        ("greeter", &["--allowed-origins", "https://*"], &["--allowed-origins", "https://"]),
        ("greeter", &["--config", "bad.toml"], &["bad.toml:2", "\"hots\"", "did you mean \"host\"?"]),
        ("greeter", &["--config", "value.toml"], &["value.toml:2", "body_limit", "\"much\"", "give"]),
        ("greeter", &["--config", "broken.toml"], &["broken.toml:1", "not valid TOML"]),
        ("greeter", &["--config", "none.toml"], &["none.toml", "there is no such file", "CALLBOX_CONFIG"]),
        ("no templates", &free, &["there/is/none", "does not exist", "create it"]),
        ("broken template", &free, &["page.hbs:2", "left open", "fix the template"]),
        ("lost partial", &free, &["page.hbs:2", "there is no template `nowhere`", "fix the template"]),
        ("no static files", &free, &["there/is/none", "does not exist", "create it"]),
        ("two of one name", &free, &["two methods are called `say_hello`", "rename one", "namespace"]),
        ("private without tokens", &free, &["`hidden` needs a token", "`callbox token new --name ME`", ".tokens("]),
        (
            "private without tokens",
            &["--tokens", "bad-tokens.toml"],
            &["flag --tokens: bad-tokens.toml: line 1: missing field `name`", "correct the file"],
        ),
        (
            "private without tokens",
            &["--tokens", "none.toml"],
            &[
                "flag --tokens: the token file none.toml cannot be read",
                "`callbox token new --name ME --file none.toml`",
            ],
        ),
        ("scoped with a closure", &free, &["`administer` needs the scope `admin`", "callbox::auth::Authenticate"]),
        (
            "tokens twice",
            &free,
            &["the program has an authenticator and a token file", "keep one of .tokens(…) and .token_file(…)"],
        ),
        ("two endpoints of one path", &free, &["two endpoints are at `/api`", "a path of its own"]),
        ("no start", &free, &["test.unwell could not start", "on_start failed: invalid digit found in string"]),
        ("bad address", &free, &["cannot listen on `5000`", ".bind(\"127.0.0.1:5000\")"]),
    ];
    for (role, args, said) in cases {
        let ProgramOutput { status, out, log } = Program::with_role(role, args).in_directory(directory.path()).run();
        assert_eq!((status.code(), out.as_str()), (Some(1), ""), "{role} {args:?}: {log}");
        assert!(log.starts_with("Error: ") && log.lines().count() == 1 && log.len() < 300, "{role} {args:?}: {log}");
        for part in *said {
            assert!(log.contains(part), "{role} {args:?} does not say {part:?}: {log}");
        }
    }
}
