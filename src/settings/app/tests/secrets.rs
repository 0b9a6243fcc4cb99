//! What is shown of settings that hold secrets.

use super::*;

#[test]
fn show_settings_lists_the_settings_of_the_program_and_hides_secrets() {
    let file = "[app]\ndatabase_url = 'postgres://shop:secret@db/shop'\ntags = ['a', 'b']\nsmtp.host = 'mail'\nsmtp.password = 'secret'";
    let flags = &["--show-settings", "--app", "open=yes"];
    let given = Given { file, env: &[("APP_PAGE_SIZE", "50"), ("APP_API_KEY", "secret")], flags };
    let (_, _, printed) = given.resolve::<Shop>().unwrap();
    let rows: HashMap<_, _> = printed
        .lines()
        .filter(|line| line.starts_with("app."))
        .map(|line| line.split_once(' ').unwrap())
        .map(|(key, rest)| (key, rest.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect();
    for (key, expected) in [
        ("app.database_url", "postgres://shop:***@db/shop callbox.toml:2"),
        ("app.page_size", "50 environment APP_PAGE_SIZE"),
        ("app.open", "yes flag --app open"),
        ("app.tags", "a,b callbox.toml:3"),
        ("app.smtp.password", "(hidden) callbox.toml:5"),
        ("app.api_key", "(hidden) environment APP_API_KEY"),
        ("app.max-price", "- default"),
        ("app.smtp.ports", "- default"),
    ] {
        assert_eq!(rows.get(key).map(String::as_str), Some(expected), "{key}: {printed}");
    }
    assert!(!printed.contains("secret"), "{printed}");
}

#[test]
fn show_settings_hides_secrets_within_tables_lists_and_texts() {
    let file = "[app]\nurls = ['postgres://u:hun,ter2@db']\ninner.list = [[{ a.password = 'hunter2' }]]\n\
                [[app.databases]]\nname = 'db'\npassword = 'hunter2'";
    let env = &[
        ("APP_SMTP", r#"{ host = "m", password = "hunter2" }"#),
        ("APP_DATABASE_URL", "postgres://u:hun,ter2@db"),
        ("APP_TAGS", r#"[{ name = "a", "api-key" = "hunter2" }]"#),
    ];
    let (_, _, printed) =
        Given { file, env, flags: &["--show-settings"] }.resolve::<BTreeMap<String, toml::Value>>().unwrap();
    for expected in [
        "{ host = m, password = (hidden) }",
        "{ name = db, password = (hidden) }",
        "[{ a = { password = (hidden) } }]",
        "[{ api-key = (hidden), name = a }]",
        "postgres://u:***@db",
    ] {
        assert!(printed.contains(expected), "{expected}: {printed}");
    }
    assert!(!printed.contains("ter2"), "{printed}");
}

#[test]
fn an_error_hides_secrets_within_tables_lists_and_texts() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Even;

    impl TryFrom<String> for Even {
        type Error = String;

        fn try_from(text: String) -> Result<Self, String> {
            if text.len().is_multiple_of(2) { Ok(Self) } else { Err(format!("{text:?} has an odd length")) }
        }
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code)]
    struct Mail {
        page_size: Option<u32>,
        numbers: Option<Vec<u16>>,
        smtp: Option<Smtp>,
        password: Option<Even>,
        names: Option<Vec<Even>>,
    }
    for (variable, text, expected) in [
        ("APP_PAGE_SIZE", "{ a = { password = 'hunter2' } }", "{ a = { password = (hidden) } }"),
        ("APP_PAGE_SIZE", "postgres://u:hun,ter2@db", "postgres://u:***@db"),
        ("APP_NUMBERS", "postgres://u:hun,ter2@db", "postgres://u:***@db"),
        ("APP_NUMBERS", r#"{ a = 1, password = "hunter2" }"#, "{ a = 1, password = (hidden) }"),
        ("APP_NUMBERS", r#"[{ password = "hunter2" }]"#, "[{ password = (hidden) }]"),
        ("APP_SMTP", r#"{ "host": "m", "password": "hunter2" }"#, "(hidden)"),
        ("APP_PASSWORD", "hunter2", r#"(hidden)": "(hidden)" has an odd length"#),
        ("APP_NAMES", "db://u:hunt,ter2@db", r#"db://u:***@db": "(hidden)" has an odd length"#),
    ] {
        let variables = Box::leak(Box::new([(variable, text)]));
        let error = Given { env: variables, ..Given::default() }.error::<Mail>();
        assert!(error.starts_with(&format!("{variable} is \"{expected}")), "{error}");
        assert!(!error.contains("ter2"), "{error}");
    }
    for (flag, expected) in [("smtp.password:hunter2", "(hidden)"), ("=hunter2", "=(hidden)")] {
        let flags = Box::leak(Box::new(["--app", flag]));
        let error = Given { flags, ..Given::default() }.error::<Mail>();
        assert!(error.starts_with(&format!("--app is \"{expected}\": write")), "{error}");
    }
}
