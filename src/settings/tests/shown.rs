//! What `--help`, `--version` and `--show-settings` print.

use super::super::table::ROWS;
use super::*;

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
