//! The output of `--help`, `--version` and `--show-settings`.

use super::super::table::SETTINGS;
use super::*;

#[test]
fn help_names_every_flag_with_its_default_and_variable() {
    let help = Scenario { flags: &["--help"], ..Scenario::default() }.printed();
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("name.your.service"), "{help}");
    for row in SETTINGS {
        assert!(words.contains(&format!("--{}", row.key.replace('_', "-"))), "{help}");
        assert!(words.contains(&format!("CALLBOX_{}", row.key.to_uppercase())), "{help}");
    }
    assert!(words.contains("[default: 1MiB] [env: CALLBOX_BODY_LIMIT]"), "{help}");
    assert!(help.contains("Who may connect:"), "{help}");
}

#[test]
fn version_names_the_program_and_callbox() {
    let version = Scenario { flags: &["--version"], ..Scenario::default() }.printed();
    assert_eq!(version.trim_end(), concat!("server (callbox ", env!("CARGO_PKG_VERSION"), ")"));
}

#[test]
fn show_settings_is_a_table_with_aligned_columns() {
    let table = Scenario { flags: &["--show-settings", "--host", "::1"], ..Scenario::default() }.printed();
    let mut lines = table.lines();
    let heading = lines.next().unwrap_or_default();
    let column = heading.find("from").expect("a heading");
    assert_eq!(lines.clone().count(), SETTINGS.len());
    for line in lines {
        assert_eq!(&line[column - 2..column], "  ", "{table}");
        assert!(["default", "flag --host"].contains(&&line[column..]), "{table}");
    }
}

#[test]
fn text_that_is_shown_can_be_read_again() {
    for text in ["1", "1023", "1KiB", "1536", "3MiB", "1GiB"] {
        let size = (value_type::SIZE.read)(text).unwrap();
        assert_eq!((value_type::SIZE.show)(&size), text);
    }
    for text in ["0ms", "999ms", "1s", "90s", "2m", "1h"] {
        let time = (value_type::DURATION.read)(text).unwrap();
        assert_eq!((value_type::DURATION.show)(&time), text);
    }
    assert_eq!((value_type::SIZE.read)("64 kib"), Some(65536));
    assert_eq!((value_type::SIZE.read)("99999999999GiB"), None, "no overflow");
    assert_eq!((value_type::DURATION.read)("99999999999999999999s"), None, "no overflow");
}
