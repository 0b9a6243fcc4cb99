//! Flags, environment, file and builder, and which of them counts.

use std::path::PathBuf;
use std::time::Duration;

use super::super::table::SETTINGS;
use super::*;

#[test]
fn the_address_to_listen_on_may_have_the_brackets_of_a_url() {
    for (flag, host) in [("[::1]", "::1"), ("::1", "::1"), ("[2001:db8::1]", "2001:db8::1"), ("127.0.0.1", "127.0.0.1")]
    {
        let args = ["server", "--host", flag].map(OsString::from);
        let resolved = resolve_from(&BuilderSettings::default(), args, |_| None, &ABOUT);
        let Ok(Resolved::Run(settings)) = resolved else { panic!("{flag}: {resolved:?}") };
        assert_eq!(settings.host, host);
    }
    for flag in ["[::1", "::1]", "[::1]:5000", "[localhost]", "[]"] {
        let args = ["server", "--host", flag].map(OsString::from);
        let mistake = resolve_from(&BuilderSettings::default(), args, |_| None, &ABOUT).expect_err(flag).to_string();
        assert!(mistake.contains("--host") && mistake.contains("without a port"), "{mistake}");
    }
}

#[test]
fn each_source_overrides_the_ones_below_it() {
    let mut given = Scenario::default();
    let mut check = |change: fn(&mut Scenario), port: u16, origin: &str| {
        change(&mut given);
        let settings = given.settings();
        assert_eq!(settings.port, Some(port));
        assert!(settings.source("port").to_string().ends_with(origin), "{:?}", settings.source("port"));
    };
    check(|_| {}, 5000, "default");
    check(|given| given.builder.port = Some(Some(1)), 1, "builder");
    check(|given| given.file = Some("# the port\nport = 2"), 2, ".toml:2");
    check(|given| given.env = &[("CALLBOX_PORT", "3")], 3, "environment CALLBOX_PORT");
    check(|given| given.flags = &["--port", "4"], 4, "flag --port");
    check(|given| given.flags = &["--port=5"], 5, "flag --port");
}

#[test]
fn a_service_link_of_a_cluster_counts_as_not_set() {
    let env = &[("CALLBOX_PORT", "tcp://10.0.0.1:5000"), ("CALLBOX_HOST", "0.0.0.0")];
    let mut given = Scenario { env, ..Scenario::default() };
    let settings = given.settings();
    assert_eq!((settings.port, settings.source("port").to_string()), (Some(5000), "default".to_owned()));
    assert_eq!(
        (&*settings.host, settings.ignored_variables),
        ("0.0.0.0", vec![r#"CALLBOX_PORT is "tcp://10.0.0.1:5000""#.to_owned()])
    );
    given.file = Some("port = 2");
    assert_eq!(given.settings().port, Some(2), "the next source has it");
    given.flags = &["--port", "3"];
    let settings = given.settings();
    assert_eq!((settings.port, settings.ignored_variables.len()), (Some(3), 0), "it was not looked at");
}

#[test]
fn a_file_may_begin_with_a_byte_order_mark() {
    let given = Scenario { file: Some("\u{feff}port = 7"), ..Scenario::default() };
    assert_eq!(given.settings().port, Some(7));
}

#[test]
fn a_builder_alone_resolves_over_the_defaults() {
    let builder = BuilderSettings {
        endpoint: Some("/rpc".into()),
        templates: Some(Some("pages".into())),
        ..BuilderSettings::default()
    };
    let settings = resolve(&builder).unwrap();
    assert_eq!(settings.endpoint, "/rpc");
    assert_eq!(settings.templates, Some(PathBuf::from("pages")));
    assert_eq!(settings.body_limit, 1024 * 1024);
    assert_eq!(settings.shutdown_timeout, Duration::from_secs(25));
    assert!(settings.workers >= 1);
}

#[test]
fn every_setting_is_read_from_flag_environment_and_file_alike() {
    let samples = [
        ("host", "0.0.0.0"),
        ("port", "0"),
        ("endpoint", "/v0/rpc"),
        ("openrpc", "/docs/schema.json"),
        ("public_url", "https://example.org:8443/shop/v2"),
        ("title", "Shop"),
        ("tls_cert", "cert.pem"),
        ("tls_key", "key.pem"),
        ("dialect", "gemstone"),
        ("error_status", "mapped"),
        ("tokens", "keys.toml"),
        ("token_header", "X-Token"),
        ("hide_private", "true"),
        ("remote", "prices=http://10.0.0.7:5000/api,rates=https://b.example/api"),
        ("service_token", "service-token.txt"),
        ("nats", "nats://a.example:4222,tls://b.example"),
        ("nats_prefix", "eu.callbox"),
        ("nats_creds", "shop.creds"),
        ("nats_ca", "ca.pem"),
        ("nats_cert", "cert.pem"),
        ("nats_key", "key.pem"),
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
        ("websocket_calls", "16"),
        ("websocket_subscriptions", "8"),
        ("websocket_ping", "45s"),
        ("websocket_timeout", "500ms"),
        ("websocket_stall", "700ms"),
        ("token_failures", "off"),
        ("allowed_hosts", "example.org,localhost:5000,[::1]"),
        ("allowed_origins", "https://a.example,http://b.example:8080"),
        ("cors_headers", "traceparent,x-client"),
        ("trusted_proxies", "10.0.0.7,172.16.0.0/12,fd00::/8"),
        ("allow_half_closed", "true"),
        ("workers", "3"),
        ("compute_threads", "2"),
        ("placement", "actor"),
        ("templates", "pages"),
        ("assets", "/srv/shop"),
        ("watch_templates", "true"),
        ("console", "on"),
        ("metrics", "0.0.0.0:9100"),
        ("shutdown_delay", "5s"),
        ("shutdown_timeout", "2m"),
        ("log", "warn,callbox=debug"),
        ("log_format", "json"),
        ("access_log", "true"),
    ];
    assert_eq!(samples.map(|(key, _)| key).to_vec(), SETTINGS.iter().map(|row| row.key).collect::<Vec<_>>());
    for (key, text) in samples {
        let flag = format!("--{}={text}", key.replace('_', "-"));
        let variable = format!("CALLBOX_{}", key.to_uppercase());
        let file = TempFile::new(&format!("{key} = {text:?}"));
        let show = |args: &[&str], env: &dyn Fn(&str) -> Option<String>| {
            let args = ["server", "--show-settings"].iter().chain(args).map(OsString::from);
            match resolve_from(&BuilderSettings::default(), args, env, &ABOUT) {
                Ok(Resolved::Print(table)) => table,
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
    let file = "port = 5_001\nhide_private = true\nallowed_origins = [\"https://a.example\", 'https://b.example']\nbody_limit = 9";
    let settings = Scenario { file: Some(file), ..Scenario::default() }.settings();
    assert_eq!((settings.port, settings.hide_private, settings.body_limit), (Some(5001), true, 9));
    assert_eq!(settings.allowed_origins, ["https://a.example", "https://b.example"]);
}

#[test]
fn flags_of_lists_add_up_and_flags_of_switches_need_no_value() {
    let flags = &[
        "--allowed-origins",
        "https://a.example",
        "--allowed-origins=https://b.example,https://c.example",
        "--hide-private",
    ];
    let settings = Scenario { flags, ..Scenario::default() }.settings();
    assert_eq!(settings.allowed_origins, ["https://a.example", "https://b.example", "https://c.example"]);
    assert!(settings.hide_private);
    let settings =
        Scenario { env: &[("CALLBOX_HIDE_PRIVATE", "1")], flags: &["--hide-private=false"], ..Scenario::default() };
    assert!(!settings.settings().hide_private);
}

#[test]
fn an_empty_variable_is_not_set() {
    let given = Scenario { env: &[("CALLBOX_PORT", ""), ("CALLBOX_CONFIG", "")], ..Scenario::default() };
    assert_eq!(given.settings().port, Some(5000));
}

#[test]
fn rust_log_sets_the_log_unless_callbox_log_does() {
    let mut given = Scenario { file: Some("log = \"error\""), env: &[("RUST_LOG", "debug")], ..Scenario::default() };
    assert_eq!(given.settings().log, "debug");
    given.env = &[("RUST_LOG", "debug"), ("CALLBOX_LOG", "trace")];
    assert_eq!(given.settings().log, "trace");
}

#[test]
fn a_stronger_source_stands_in_for_a_broken_one() {
    let given = Scenario { env: &[("CALLBOX_PORT", "eighty")], flags: &["--port", "80"], ..Scenario::default() };
    assert_eq!(given.settings().port, Some(80));
}
