use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use super::table::ROWS;
use super::*;

const ABOUT: About<'_> = About { service: "name.your.service" };

/// What the program, the environment, the file and the flags say in one test.
#[derive(Default)]
struct Given {
    builder: Layer,
    file: Option<&'static str>,
    env: &'static [(&'static str, &'static str)],
    flags: &'static [&'static str],
}

impl Given {
    fn resolve(&self) -> Result<Resolved, StartError> {
        let file = self.file.map(TempFile::new);
        let named = file.iter().flat_map(|file| ["--config".into(), file.0.clone().into_os_string()]);
        let args = ["server".into()].into_iter().chain(named).chain(self.flags.iter().map(OsString::from));
        let env: HashMap<_, _> = self.env.iter().copied().collect();
        resolve_from(&self.builder, args, |name| env.get(name).map(ToString::to_string), &ABOUT)
    }

    fn settings(&self) -> Settings {
        match self.resolve() {
            Ok(Resolved::Run(settings)) => *settings,
            other => panic!("{other:?}"),
        }
    }

    /// The error, with the directory of the file left out.
    fn error(&self) -> String {
        let error = self.resolve().expect_err("a mistake").to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        error.replace(&format!("{}/", std::env::temp_dir().display()), "").replace(&unique(), "callbox")
    }

    fn shown(&self) -> String {
        match self.resolve() {
            Ok(Resolved::Show(text)) => text,
            other => panic!("{other:?}"),
        }
    }
}

struct TempFile(PathBuf);

impl TempFile {
    fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{}.toml", unique()));
        std::fs::write(&path, text).expect("a temporary file");
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A name that no other test uses: each test has a thread of its own.
fn unique() -> String {
    format!("callbox-settings-{}-{:?}", std::process::id(), std::thread::current().id())
}

#[test]
fn the_address_to_listen_on_may_have_the_brackets_of_a_url() {
    for (flag, host) in [("[::1]", "::1"), ("::1", "::1"), ("[2001:db8::1]", "2001:db8::1"), ("127.0.0.1", "127.0.0.1")]
    {
        let args = ["server", "--host", flag].map(OsString::from);
        let resolved = resolve_from(&Layer::default(), args, |_| None, &ABOUT);
        let Ok(Resolved::Run(settings)) = resolved else { panic!("{flag}: {resolved:?}") };
        assert_eq!(settings.host, host);
    }
    for flag in ["[::1", "::1]", "[::1]:5000", "[localhost]", "[]"] {
        let args = ["server", "--host", flag].map(OsString::from);
        let mistake = resolve_from(&Layer::default(), args, |_| None, &ABOUT).expect_err(flag).to_string();
        assert!(mistake.contains("--host") && mistake.contains("without a port"), "{mistake}");
    }
}

#[test]
fn each_source_overrides_the_ones_below_it() {
    let mut given = Given::default();
    let mut check = |change: fn(&mut Given), port: u16, origin: &str| {
        change(&mut given);
        let settings = given.settings();
        assert_eq!(settings.port, port);
        assert!(settings.origin("port").to_string().ends_with(origin), "{:?}", settings.origin("port"));
    };
    check(|_| {}, 5000, "default");
    check(|given| given.builder.port = Some(1), 1, "builder");
    check(|given| given.file = Some("# the port\nport = 2"), 2, ".toml:2");
    check(|given| given.env = &[("CALLBOX_PORT", "3")], 3, "environment CALLBOX_PORT");
    check(|given| given.flags = &["--port", "4"], 4, "flag --port");
    check(|given| given.flags = &["--port=5"], 5, "flag --port");
}

#[test]
fn what_a_cluster_sets_beside_a_service_of_our_name_counts_as_not_set() {
    let env = &[("CALLBOX_PORT", "tcp://10.0.0.1:5000"), ("CALLBOX_HOST", "0.0.0.0")];
    let mut given = Given { env, ..Given::default() };
    let settings = given.settings();
    assert_eq!((settings.port, settings.origin("port").to_string()), (5000, "default".to_owned()));
    assert_eq!(
        (&*settings.host, settings.foreign),
        ("0.0.0.0", vec![r#"CALLBOX_PORT is "tcp://10.0.0.1:5000""#.to_owned()])
    );
    given.file = Some("port = 2");
    assert_eq!(given.settings().port, 2, "the next source has it");
    given.flags = &["--port", "3"];
    let settings = given.settings();
    assert_eq!((settings.port, settings.foreign.len()), (3, 0), "it was not looked at");
}

#[test]
fn a_file_may_begin_with_a_byte_order_mark() {
    let given = Given { file: Some("\u{feff}port = 7"), ..Given::default() };
    assert_eq!(given.settings().port, 7);
}

#[test]
fn a_builder_alone_resolves_over_the_defaults() {
    let builder = Layer { endpoint: Some("/rpc".into()), templates: Some(Some("pages".into())), ..Layer::default() };
    let settings = resolve(&builder).unwrap();
    assert_eq!(settings.endpoint, "/rpc");
    assert_eq!(settings.templates, Some(PathBuf::from("pages")));
    assert_eq!(settings.body_limit, 1024 * 1024);
    assert_eq!(settings.drain, Duration::from_secs(25));
    assert!(settings.workers >= 1);
}

#[test]
fn a_program_that_sets_a_wrong_value_is_told_so() {
    let builder = Layer { endpoint: Some("api".into()), ..Layer::default() };
    let error = resolve(&builder).expect_err("no slash").to_string();
    assert_eq!(error, r#"the endpoint that the program itself sets is "api": give a path such as /api"#);
}

#[test]
fn every_setting_is_read_from_flag_environment_and_file_alike() {
    let samples = [
        ("host", "0.0.0.0"),
        ("port", "0"),
        ("endpoint", "/v0/rpc"),
        ("openrpc", "/docs/schema.json"),
        ("tls_cert", "cert.pem"),
        ("tls_key", "key.pem"),
        ("dialect", "gemstone"),
        ("http_status", "mapped"),
        ("tokens", "keys.toml"),
        ("token_header", "X-Token"),
        ("hide_private", "true"),
        ("body_limit", "64KiB"),
        ("response_limit", "1GiB"),
        ("batch_limit", "7"),
        ("depth_limit", "127"),
        ("id_limit", "100"),
        ("method_limit", "1KiB"),
        ("body_timeout", "500ms"),
        ("keep_alive", "2m"),
        ("max_connections", "12"),
        ("max_connections_per_peer", "3"),
        ("token_failures", "off"),
        ("allowed_hosts", "example.org,localhost:5000,[::1]"),
        ("origins", "https://a.example,http://b.example:8080"),
        ("cors_headers", "traceparent,x-client"),
        ("allow_half_closed", "true"),
        ("workers", "3"),
        ("compute_threads", "2"),
        ("placement", "actor"),
        ("templates", "pages"),
        ("assets", "/srv/shop"),
        ("watch_templates", "true"),
        ("console", "on"),
        ("shutdown_delay", "5s"),
        ("drain", "2m"),
        ("log", "warn,callbox=debug"),
    ];
    assert_eq!(samples.map(|(key, _)| key).to_vec(), ROWS.iter().map(|row| row.key).collect::<Vec<_>>());
    for (key, text) in samples {
        let flag = format!("--{}={text}", key.replace('_', "-"));
        let variable = format!("CALLBOX_{}", key.to_uppercase());
        let file = TempFile::new(&format!("{key} = {text:?}"));
        let show = |args: &[&str], env: &dyn Fn(&str) -> Option<String>| {
            let args = ["server", "--show-settings"].iter().chain(args).map(OsString::from);
            match resolve_from(&Layer::default(), args, env, &ABOUT) {
                Ok(Resolved::Show(table)) => table,
                other => panic!("{key}: {other:?}"),
            }
        };
        let path = file.0.display().to_string();
        for (table, origin) in [
            (show(&[&flag], &|_| None), format!("flag --{}", key.replace('_', "-"))),
            (show(&[], &|name| (name == variable).then(|| text.to_owned())), format!("environment {variable}")),
            (show(&["--config", &path], &|_| None), format!("{path}:1")),
        ] {
            let line = table.lines().find(|line| line.starts_with(&format!("{key} "))).unwrap_or_default();
            let words: Vec<_> = line.split_whitespace().collect();
            assert_eq!(words.join(" "), format!("{key} {text} {origin}"));
        }
    }
}

#[test]
fn a_file_may_use_the_types_of_toml() {
    let file =
        "port = 5_001\nhide_private = true\norigins = [\"https://a.example\", 'https://b.example']\nbody_limit = 9";
    let settings = Given { file: Some(file), ..Given::default() }.settings();
    assert_eq!((settings.port, settings.hide_private, settings.body_limit), (5001, true, 9));
    assert_eq!(settings.origins, ["https://a.example", "https://b.example"]);
}

#[test]
fn flags_of_lists_add_up_and_flags_of_switches_need_no_value() {
    let flags = &["--origins", "https://a.example", "--origins=https://b.example,https://c.example", "--hide-private"];
    let settings = Given { flags, ..Given::default() }.settings();
    assert_eq!(settings.origins, ["https://a.example", "https://b.example", "https://c.example"]);
    assert!(settings.hide_private);
    let settings =
        Given { env: &[("CALLBOX_HIDE_PRIVATE", "1")], flags: &["--hide-private=false"], ..Given::default() };
    assert!(!settings.settings().hide_private);
}

#[test]
fn an_empty_variable_is_not_set() {
    let given = Given { env: &[("CALLBOX_PORT", ""), ("CALLBOX_CONFIG", "")], ..Given::default() };
    assert_eq!(given.settings().port, 5000);
}

#[test]
fn rust_log_sets_the_log_unless_callbox_log_does() {
    let mut given = Given { file: Some("log = \"error\""), env: &[("RUST_LOG", "debug")], ..Given::default() };
    assert_eq!(given.settings().log, "debug");
    given.env = &[("RUST_LOG", "debug"), ("CALLBOX_LOG", "trace")];
    assert_eq!(given.settings().log, "trace");
}

#[test]
fn a_stronger_source_stands_in_for_a_broken_one() {
    let given = Given { env: &[("CALLBOX_PORT", "eighty")], flags: &["--port", "80"], ..Given::default() };
    assert_eq!(given.settings().port, 80);
}

#[test]
fn mistakes_name_their_place_and_their_remedy() {
    let flags = |flags| Given { flags, ..Given::default() };
    let env = |env| Given { env, ..Given::default() };
    let file = |file| Given { file: Some(file), ..Given::default() };
    let cases = [
        (flags(&["--prot", "1"]), r#"unknown argument "--prot": did you mean "--port"?"#),
        (flags(&["--qqq"]), r#"unknown argument "--qqq": --help lists what there is"#),
        (flags(&["stray"]), r#"unknown argument "stray": --help lists what there is"#),
        (flags(&["--port"]), "--port <PORT> has no value: write one after it"),
        (flags(&["--port", "1", "--port", "2"]), "--port <PORT> is given twice: keep one of them"),
        (flags(&["--port", "70000"]), r#"--port is "70000": give a port number from 0 to 65535 (0 picks a free one)"#),
        (
            flags(&["--host", "127.0.0.1:80"]),
            r#"--host is "127.0.0.1:80": give an IP address or a host name, without a port"#,
        ),
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
            env(&[("CALLBOX_DRAIN", "25")]),
            r#"CALLBOX_DRAIN is "25": give a time with its unit, such as 500ms, 2s or 1m"#,
        ),
        (
            env(&[("CALLBOX_BODY_TIMEOUT", "0s")]),
            r#"CALLBOX_BODY_TIMEOUT is "0s": give a time above 0 with its unit, such as 500ms, 2s or 1m"#,
        ),
        (
            env(&[("CALLBOX_ORIGINS", "https://a.example/")]),
            r#"CALLBOX_ORIGINS is "https://a.example/": give origins with commas between, each a scheme, a host and maybe a port: https://app.example.org; or * for any"#,
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
            r#"callbox.toml:3: port is "a": give a port number from 0 to 65535 (0 picks a free one)"#,
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

#[test]
fn help_names_every_flag_with_its_default_and_variable() {
    let help = Given { flags: &["--help"], ..Given::default() }.shown();
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("name.your.service"), "{help}");
    for row in ROWS {
        assert!(words.contains(&format!("--{}", row.key.replace('_', "-"))), "{help}");
        assert!(words.contains(&format!("CALLBOX_{}", row.key.to_uppercase())), "{help}");
    }
    assert!(words.contains("[default: 1MiB] [env: CALLBOX_BODY_LIMIT]"), "{help}");
    assert!(help.contains("Who may connect:"), "{help}");
}

#[test]
fn version_names_the_program_and_callbox() {
    let version = Given { flags: &["--version"], ..Given::default() }.shown();
    assert_eq!(version.trim_end(), concat!("server (callbox ", env!("CARGO_PKG_VERSION"), ")"));
}

#[test]
fn show_settings_is_a_table_with_aligned_columns() {
    let table = Given { flags: &["--show-settings", "--host", "::1"], ..Given::default() }.shown();
    let mut lines = table.lines();
    let heading = lines.next().unwrap_or_default();
    let column = heading.find("from").expect("a heading");
    assert_eq!(lines.clone().count(), ROWS.len());
    for line in lines {
        assert_eq!(&line[column - 2..column], "  ", "{table}");
        assert!(["default", "flag --host"].contains(&&line[column..]), "{table}");
    }
}

#[test]
fn text_that_is_shown_can_be_read_again() {
    for text in ["1", "1023", "1KiB", "1536", "3MiB", "1GiB"] {
        let size = (kind::SIZE.read)(text).unwrap();
        assert_eq!((kind::SIZE.show)(&size), text);
    }
    for text in ["0ms", "999ms", "1s", "90s", "2m", "1h"] {
        let time = (kind::DURATION.read)(text).unwrap();
        assert_eq!((kind::DURATION.show)(&time), text);
    }
    assert_eq!((kind::SIZE.read)("64 kib"), Some(65536));
    assert_eq!((kind::SIZE.read)("99999999999GiB"), None, "no overflow");
    assert_eq!((kind::DURATION.read)("99999999999999999999s"), None, "no overflow");
}

#[test]
fn the_page_on_security_names_settings_that_there_are_with_their_defaults() {
    let page = include_str!("../../SECURITY.md");
    let flags = page.split('`').filter(|word| word.starts_with("--")).filter(|flag| *flag != "--show-settings");
    let row = |flag: &str| ROWS.iter().find(|row| source::flag_name(row.key) == flag);
    let unknown: Vec<_> = flags.filter(|flag| row(flag).is_none()).collect();
    assert_eq!(unknown, [""; 0]);
    let table = page.lines().filter(|line| line.starts_with("| `--"));
    assert!(table.clone().count() > 8, "the table is there");
    for line in table {
        let cells: Vec<_> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        assert_eq!(row(cells[1]).map(|row| row.default), Some(cells[2]), "{line}");
    }
}

#[test]
fn the_readme_lists_every_setting_with_its_default() {
    let readme = include_str!("../../README.md");
    let listed: Vec<_> = readme.lines().filter(|line| line.starts_with("| `--")).collect();
    assert_eq!(listed.len(), ROWS.len(), "{listed:#?}");
    for (row, line) in ROWS.iter().zip(listed) {
        let default = if row.default.is_empty() { String::new() } else { format!(" `{}`", row.default) };
        let start = format!("| `{}` |{default} | ", source::flag_name(row.key));
        assert!(line.starts_with(&start), "`{line}` does not begin with `{start}`");
    }
}

#[test]
fn the_guide_lists_every_setting_with_its_default_and_its_name_in_the_program() {
    let page = include_str!("../docs/settings.md");
    let listed: Vec<Vec<_>> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    assert_eq!(listed.len(), ROWS.len(), "{listed:#?}");
    for (row, cells) in ROWS.iter().zip(listed) {
        let default = if row.default.is_empty() { String::new() } else { format!("`{}`", row.default) };
        assert_eq!((cells[1], cells[3]), (&*format!("`{}`", row.key), &*default));
        // rustdoc checks that there is such a method.
        let method = cells[2].starts_with("[`") && cells[2].contains("](crate::Server::");
        assert!(method || row.key == "log", "{cells:?}");
        assert!(!cells[4].is_empty(), "{cells:?}");
    }
}
