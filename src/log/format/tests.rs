use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

/// What was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Returns what is logged in a format.
fn logged(format: LogFormat, ansi: bool, log: impl FnOnce()) -> String {
    let written = Written::default();
    let lines = tracing_subscriber::fmt::layer().event_format(format).with_writer(written.clone()).with_ansi(ansi);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), log);
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn json(log: impl FnOnce()) -> Value {
    let line = logged(LogFormat::Json, false, log);
    assert_eq!(line.find('\n'), Some(line.len() - 1), "{line}");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn a_json_line_has_the_fixed_fields_first_and_then_its_own() {
    let line = logged(LogFormat::Json, false, || tracing::warn!(port = 5000, host = "a", "listening on {}", "b"));
    let (time, rest) = line.split_once(",\"level\"").unwrap();
    assert_eq!((&time[..9], &time[time.len() - 2..], time.len()), ("{\"time\":\"", "Z\"", 37), "{time}");
    let expected = concat!(
        r#":"WARN","target":"callbox::log::format::tests","message":"listening on b","#,
        r#""port":5000,"host":"a"}"#,
        "\n"
    );
    assert_eq!(rest, expected);
}

#[test]
fn whatever_a_field_holds_a_json_line_is_one_object_in_one_line() {
    let nasty = "a\nb\r\u{85}\u{2028}\u{2029}\0\u{1b}[31m\"\\ü\u{10ffff}";
    let line = json(|| tracing::error!(text = nasty, shown = %nasty, debug = ?nasty, "{nasty}"));
    assert_eq!((line["text"].as_str(), line["shown"].as_str()), (Some(nasty), Some(nasty)));
    assert_eq!(line["message"].as_str(), Some(nasty));
    assert_eq!(line["debug"].as_str(), Some(&*format!("{nasty:?}")));
    let raw = logged(LogFormat::Json, false, || tracing::error!("{nasty}"));
    assert!(!raw.trim_end_matches('\n').contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']), "{raw:?}");
}

#[test]
fn whatever_a_field_holds_a_text_line_is_one_line_without_commands_for_a_terminal() {
    let nasty = "a\nb\r\u{85}\u{2028}\u{2029}\0\u{1b}[31m\u{9b}31m\"\\ü\u{10ffff}\tc";
    let shown = "a\\nb\\r\\u{85}\\u{2028}\\u{2029}\\u{0}\\u{1b}[31m\\u{9b}31m\"\\ü\u{10ffff}\tc";
    for ansi in [false, true] {
        let line = logged(LogFormat::Text, ansi, || tracing::error!(text = nasty, shown = %nasty, "m {nasty}"));
        let ends = |character: char| character != '\t' && character != '\u{1b}' && character.is_control();
        assert_eq!(line.find(ends), Some(line.len() - 1), "{line:?}");
        assert!(line.contains(&format!("shown={shown}")), "{line:?}");
        // In a message `tracing-subscriber` itself has written some of them.
        assert!(line.contains(&format!("m {}", shown.replace("\\u{1b}", "\\x1b"))), "{line:?}");
        let colours = |line: &str| line.matches('\u{1b}').count();
        let plain = logged(LogFormat::Text, ansi, || tracing::error!(text = "a", shown = %"b", "m"));
        assert_eq!(colours(&line), colours(&plain), "{line:?}");

        let inside = || tracing::info_span!("outer", shown = %"a\nb").in_scope(|| tracing::info!("m"));
        let line = logged(LogFormat::Text, ansi, inside);
        assert_eq!(line.find('\n'), Some(line.len() - 1), "{line:?}");
        assert!(line.contains("a\\nb"), "{line:?}");
    }
}

#[test]
fn values_of_a_json_line_keep_their_types() {
    let line = json(|| {
        tracing::info!(
            yes = true,
            small = -1_i64,
            large = u64::MAX,
            half = 0.5,
            none = None::<u64>,
            some = Some(3),
            infinite = f64::INFINITY,
            r#type = "t",
            time = "mine",
            "m"
        );
    });
    let expected = serde_json::json!({"yes": true, "small": -1, "large": u64::MAX, "half": 0.5, "some": 3,
        "infinite": "inf", "type": "t", "time_": "mine"});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&line[name], value, "{name}: {line}");
    }
    assert!(line.get("none").is_none() && line["time"] != "mine", "{line}");
}

#[test]
fn a_line_has_its_spans() {
    let spans = || {
        let _outer = tracing::info_span!("outer", a = 1).entered();
        let _inner = tracing::info_span!("inner").entered();
        tracing::info!("m");
    };
    assert_eq!(json(spans)["spans"], "outer{a=1}:inner");
    assert!(logged(LogFormat::Text, false, spans).contains("INFO outer{a=1}:inner: callbox::log"));
}

#[test]
fn a_text_line_is_that_of_tracing_subscriber() {
    let log = || tracing::info!(port = 5000, host = "a\nb", "listening");
    for ansi in [false, true] {
        let ours = logged(LogFormat::Text, ansi, log);
        let written = Written::default();
        let usual = tracing_subscriber::fmt::layer().with_writer(written.clone()).with_ansi(ansi);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(usual), log);
        let usual = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        // All but the time.
        let after_time = |line: &str| line.split_once("Z").map(|(_, rest)| plain(rest)).unwrap();
        assert_eq!(after_time(&ours), after_time(&usual), "{ours:?} {usual:?}");
        assert_eq!(ours.contains('\u{1b}'), ansi);
    }
}

/// Leaves out the codes of colours, which may be set once more or once less.
fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}
