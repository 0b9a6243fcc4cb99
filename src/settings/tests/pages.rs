//! The pages that list the settings, and the builder that sets them.

use super::super::source;
use super::super::table::SETTINGS;

#[test]
fn the_security_page_names_existing_settings_with_their_defaults() {
    let page = include_str!("../../../SECURITY.md");
    let flags = page.split('`').filter(|word| word.starts_with("--")).filter(|flag| *flag != "--show-settings");
    let row = |flag: &str| SETTINGS.iter().find(|row| source::flag_name(row.key) == flag);
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
fn the_guide_lists_every_setting_with_its_default_and_its_name_in_the_program() {
    let page = include_str!("../../docs/settings.md");
    let listed: Vec<Vec<_>> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    assert_eq!(listed.len(), SETTINGS.len(), "{listed:#?}");
    for (row, cells) in SETTINGS.iter().zip(listed) {
        let default = if row.default.is_empty() { String::new() } else { format!("`{}`", row.default) };
        assert_eq!((cells[1], cells[3]), (&*format!("`{}`", row.key), &*default));
        // rustdoc checks that there is such a method.
        let method = cells[2].starts_with("[`") && cells[2].contains("](crate::Server::");
        assert!(method || row.key == "log", "{cells:?}");
        assert!(!cells[4].is_empty(), "{cells:?}");
    }
}

/// Settings whose builder method has another name, or that have none.
const OTHER_METHODS: &[(&str, Option<&str>, &str)] = &[
    ("host", Some("bind"), "an address is one text, `host:port`"),
    ("port", None, "`bind` sets it, too"),
    ("tls_cert", Some("tls"), "neither file is of use without the other"),
    ("tls_key", None, "`tls` sets it, too"),
    ("nats_key", None, "`nats_cert` sets it, too"),
    ("metrics", Some("metrics_at"), "`metrics` gives the registry"),
    ("log", None, "a program that decides on its log sets up `tracing` itself"),
];

/// Methods that belong to the setting after them, and are not named after it.
const COMPANIONS: &[(&str, &str)] = &[("token_file", "`tokens` takes code that checks tokens, this one the file")];

#[test]
fn the_builder_has_a_method_for_each_setting_in_the_order_of_the_table() {
    let most = include_str!("../../server/builder/mod.rs");
    let limits = include_str!("../../server/builder/limits.rs");
    for (source, has_limits) in [(most, false), (limits, true)] {
        let methods = source.lines().filter_map(|line| line.strip_prefix("    pub fn "));
        let methods = methods.map(|line| line.split(['<', '(']).next().unwrap_or_default());
        let methods: Vec<_> = methods.filter(|name| COMPANIONS.iter().all(|(other, _)| other != name)).collect();
        let rows = SETTINGS.iter().filter(|row| (row.group == "Limits") == has_limits);
        let expected = rows.filter_map(|row| match OTHER_METHODS.iter().find(|(key, ..)| *key == row.key) {
            Some((_, method, _)) => *method,
            None => Some(row.key),
        });
        assert_eq!(methods, expected.collect::<Vec<_>>());
    }
    for (method, _) in COMPANIONS {
        assert!(most.contains(&format!("    pub fn {method}(")), "{method}");
    }
}
