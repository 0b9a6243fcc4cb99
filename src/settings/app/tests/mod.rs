use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;

use serde::Deserialize;

use super::super::{BuilderSettings, OwnSettings, ProgramInfo, Resolved, resolve_from};
use super::*;

mod secrets;

#[derive(Debug, Deserialize, PartialEq)]
struct Shop {
    database_url: String,
    #[serde(default)]
    page_size: u32,
    open: Option<bool>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default, rename = "max-price")]
    max_price: f64,
    #[serde(default)]
    mode: Mode,
    smtp: Option<Smtp>,
    #[serde(default)]
    rates: BTreeMap<String, u16>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Live,
    Test,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Smtp {
    host: String,
    password: Option<String>,
    ports: Option<Vec<u16>>,
}

/// The sources of one test.
#[derive(Clone, Copy, Default)]
struct Given {
    file: &'static str,
    env: &'static [(&'static str, &'static str)],
    flags: &'static [&'static str],
}

impl Given {
    /// Resolves all settings. Returns those of the program, the warnings, and what is printed.
    fn resolve<T: DeserializeOwned>(self) -> Result<(Option<T>, Vec<String>, String), StartError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("callbox.toml");
        std::fs::write(&path, self.file).unwrap();
        let own = ["server".into(), "--config".into(), path.clone().into_os_string()];
        let args = own.into_iter().chain(self.flags.iter().map(OsString::from));
        let found = RefCell::new(None);
        let read = |settings: &AppSettings| {
            let (value, notes) = settings.read::<T>()?;
            found.replace(Some(value));
            Ok(notes)
        };
        let variables = self.env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let about = ProgramInfo { service: "shop", app: OwnSettings::Read { variables, read: &read } };
        let resolved = resolve_from(&BuilderSettings::default(), args, |_| None, &about)?;
        let (warnings, printed) = match resolved {
            Resolved::Run(settings) => (settings.app_warnings, String::new()),
            Resolved::Print(text) => (Vec::new(), text.replace(&path.display().to_string(), "callbox.toml")),
        };
        let short = |text: String| text.replace(&path.display().to_string(), "callbox.toml");
        Ok((found.take(), warnings.into_iter().map(short).collect(), printed))
    }

    fn shop(self) -> Shop {
        self.resolve().unwrap().0.unwrap()
    }

    /// Returns the error without the directory of the file.
    fn error<T: DeserializeOwned + std::fmt::Debug>(self) -> String {
        let error = self.resolve::<T>().unwrap_err().to_string();
        let begin = error.find("callbox.toml").filter(|_| error.starts_with('/')).unwrap_or(0);
        error[begin..].to_owned()
    }
}

const URL: (&str, &str) = ("APP_DATABASE_URL", "db");

#[test]
fn text_is_read_as_its_field_requires() {
    let env = &[
        ("APP_DATABASE_URL", "123"),
        ("APP_PAGE_SIZE", " 50"),
        ("APP_OPEN", "on"),
        ("APP_TAGS", "new, sale"),
        ("APP_MAX_PRICE", "9.5"),
        ("APP_MODE", "test"),
        ("APP_SMTP__HOST", "mail"),
        ("APP_SMTP__PORTS", "[25, 587]"),
        ("APP_RATES", "{ usd = 108, gbp = 85 }"),
    ];
    let shop = Given { env, ..Given::default() }.shop();
    let expected = Shop {
        database_url: "123".into(),
        page_size: 50,
        open: Some(true),
        tags: vec!["new".into(), "sale".into()],
        max_price: 9.5,
        mode: Mode::Test,
        smtp: Some(Smtp { host: "mail".into(), password: None, ports: Some(vec![25, 587]) }),
        rates: BTreeMap::from([("gbp".into(), 85), ("usd".into(), 108)]),
    };
    assert_eq!(shop, expected);
    let file = "[app]\ndatabase_url = '123'\npage_size = 50\nopen = true\ntags = ['new', 'sale']\nmax-price = 9.5\nmode = 'test'\n\
                [app.smtp]\nhost = 'mail'\nports = [25, 587]\n[app.rates]\nusd = 108\ngbp = 85";
    assert_eq!(Given { file, ..Given::default() }.shop(), expected, "the same in a file");
}

#[test]
fn flags_override_the_environment_which_overrides_the_file_key_by_key() {
    let file = "port = 1\n[app]\ndatabase_url = 'file'\npage_size = 1\nmax-price = 1\nsmtp.host = 'file'\nsmtp.password = 'file'";
    let env = &[("APP_PAGE_SIZE", "2"), ("APP_MAX_PRICE", "2"), ("APP_SMTP__HOST", "env"), ("APP_TAGS", "")];
    let flags = &["--app", "page_size=3", "--app=smtp.host=flag=x"];
    let mut given = Given { file, env, ..Given::default() };
    let seen = |shop: Shop| (shop.page_size, shop.max_price, shop.smtp.unwrap());
    let smtp = |host: &str| Smtp { host: host.into(), password: Some("file".into()), ports: None };
    assert_eq!(seen(given.shop()), (2, 2.0, smtp("env")));
    given.flags = flags;
    assert_eq!(seen(given.shop()), (3, 2.0, smtp("flag=x")));
    assert_eq!(given.shop().database_url, "file");
}

#[test]
fn a_mistake_names_the_key_its_source_and_the_fix() {
    let file = |file| Given { file, env: &[URL], flags: &[] };
    let env = |env| Given { env, ..Given::default() };
    for (given, expected) in [
        (
            Given::default(),
            "the setting app.database_url is missing: set database_url in the section [app] of callbox.toml, or APP_DATABASE_URL",
        ),
        (
            file("[app.smtp]"),
            "the setting app.smtp.host is missing: set host in the section [app.smtp] of callbox.toml, or APP_SMTP__HOST",
        ),
        (
            env(&[URL, ("APP_PAGE_SIZE", "many")]),
            r#"APP_PAGE_SIZE is "many": give a whole number that is not negative (u32)"#,
        ),
        (
            file("[app]\npage_size = -1"),
            r#"callbox.toml:2: app.page_size is "-1": give a whole number that is not negative (u32)"#,
        ),
        (file("[app]\nopen = 'maybe'"), r#"callbox.toml:2: app.open is "maybe": give true or false"#),
        (env(&[URL, ("APP_OPEN", "maybe")]), r#"APP_OPEN is "maybe": give true or false"#),
        (file("[app]\nmode = 'fast'"), r#"callbox.toml:2: app.mode is "fast": give one of live, test"#),
        (file("[app]\ntags = 1"), r#"callbox.toml:2: app.tags is "1": give a list"#),
        (file("[app]\nsmtp = 1"), r#"callbox.toml:2: app.smtp is "1": give a section of its own"#),
        (
            file("[app.smtp]\nhost = 'a'\nprots = [1]"),
            r#"callbox.toml:3: app.smtp.prots is not a setting of this program: did you mean "ports"?"#,
        ),
        (file("[app.smtp]\nhost = 'a'\npassword = 1"), r#"callbox.toml:3: app.smtp.password is "(hidden)": give text"#),
        (
            env(&[URL, ("APP_SMTP__HOST", "a"), ("APP_SMTP__PORTS", "25,x")]),
            r#"APP_SMTP__PORTS is "x": give a whole number that is not negative (u16)"#,
        ),
        (
            Given { flags: &["--app", "open"], ..Given::default() },
            r#"--app is "open": write a key and its value: --app page_size=50"#,
        ),
        (Given { flags: &["--app", "open=x"], env: &[URL], file: "" }, r#"--app open is "x": give true or false"#),
        (file("app = 1"), r#"callbox.toml:1: unknown key "app": remove it; --show-settings lists the keys"#),
        (file("[shop]\na = 1"), r#"callbox.toml:1: unknown key "shop": remove it; --show-settings lists the keys"#),
    ] {
        assert_eq!(given.error::<Shop>(), expected);
    }
}

#[test]
fn what_no_field_takes_is_a_warning_unless_the_type_denies_it() {
    let file = "[app]\ndatabase_url = 'db'\npage_sise = 3";
    let env = &[("APP_ENV", "production"), ("APP_SMTP__HOST", "a"), ("APP_SMTP__HOTS", "b"), ("APP_", "x")];
    let (_, warnings, _) = Given { file, env, flags: &[] }.resolve::<Shop>().unwrap();
    assert_eq!(
        warnings,
        [
            "APP_ENV is not a setting of this program: it is ignored",
            r#"callbox.toml:3: app.page_sise is not a setting of this program: did you mean "page_size"?"#,
            r#"APP_SMTP__HOTS is not a setting of this program: did you mean "host"?"#,
        ]
    );

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[expect(dead_code)]
        page_size: u32,
    }
    let given = Given { file: "[app]\npage_size = 1", env, ..Given::default() };
    assert_eq!(given.resolve::<Strict>().unwrap().1.len(), 2, "a variable may be meant for another program");
    let given = Given { file: "[app]\npage_size = 1\npage_sise = 2", ..Given::default() };
    assert_eq!(
        given.error::<Strict>(),
        r#"callbox.toml:3: app.page_sise is not a setting of this program: did you mean "page_size"?"#
    );
}

#[test]
fn a_key_is_set_within_a_table_that_is_text() {
    const TABLE: (&str, &str) = ("APP_SMTP", r#"{ host = "m", Ports = [25] }"#);
    let read = |env: &'static [_], flags| {
        let (found, ..) = Given { env, flags, ..Given::default() }.resolve::<BTreeMap<String, toml::Value>>().unwrap();
        found.unwrap()["smtp"].to_string()
    };
    let merged = r#"{ Ports = 26, host = "m" }"#;
    assert_eq!(read(&[TABLE, ("APP_SMTP__PORTS", "26")], &[]), merged);
    assert_eq!(read(&[TABLE], &["--app", "smtp.ports=26"]), merged);
    assert_eq!(read(&[("APP_SMTP", "{ host"), ("APP_SMTP__PORTS", "26")], &[]), "{ ports = 26 }");
}

#[test]
fn a_section_of_a_program_without_own_settings_is_a_mistake_and_those_of_another_program_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("callbox.toml");
    std::fs::write(&path, "port = 7\n[app]\na = 1").unwrap();
    let resolve = |app| {
        let args = ["server".into(), "--config".into(), path.clone().into_os_string()];
        resolve_from(&BuilderSettings::default(), args, |_| None, &ProgramInfo { service: "shop", app })
    };
    let error = resolve(OwnSettings::None).unwrap_err().to_string();
    let expected = "callbox.toml:2: the section [app]: this program has no settings of its own; remove the section, or \
                    read it with Server::app_config";
    assert!(error.ends_with(expected), "{error}");
    assert!(matches!(resolve(OwnSettings::Ignored), Ok(Resolved::Run(settings)) if settings.port == Some(7)));
}

#[test]
fn types_that_read_anything_get_what_the_text_is_in_toml() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Any {
        values: BTreeMap<String, toml::Value>,
        wait: Wait,
        limit: Limit,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(untagged)]
    enum Wait {
        Seconds(u64),
        Text(String),
    }
    #[derive(Debug, Deserialize, PartialEq)]
    enum Limit {
        Calls(u8),
    }
    let env = &[
        ("APP_VALUES__A", "1"),
        ("APP_VALUES__B", "x y"),
        ("APP_VALUES__C", "[true]"),
        ("APP_WAIT", "30"),
        ("APP_LIMIT__CALLS", "7"),
    ];
    let file = "[app.limit]\nCalls = 3";
    let (any, ..) = Given { file, env, ..Given::default() }.resolve::<Any>().unwrap();
    let values = BTreeMap::from([
        ("a".to_owned(), toml::Value::Integer(1)),
        ("b".to_owned(), toml::Value::String("x y".into())),
        ("c".to_owned(), toml::Value::Array(vec![toml::Value::Boolean(true)])),
    ]);
    assert_eq!(any, Some(Any { values, wait: Wait::Seconds(30), limit: Limit::Calls(7) }));
    let number = Given { env: &[("APP_N", "170141183460469231731687303715884105727")], ..Given::default() };
    let read = number.resolve::<HashMap<String, i128>>().unwrap().0.unwrap();
    assert_eq!(read["n"], i128::MAX);
}

#[test]
fn a_program_without_sources_reads_defaults_and_is_told_what_it_lacks() {
    #[derive(Deserialize)]
    struct Page {
        #[serde(default = "ten")]
        size: u32,
    }
    fn ten() -> u32 {
        10
    }
    assert_eq!(AppSettings::none().read::<Page>().unwrap().0.size, 10);
    let error = AppSettings::none().read::<Shop>().unwrap_err().to_string();
    assert!(error.contains("app.database_url is missing") && error.contains(".with_args()"), "{error}");
}
