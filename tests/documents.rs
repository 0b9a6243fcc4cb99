//! The pages for users, held to the code and to each other: numbers, tables, links, and paths.
//!
//! The table of the settings is held to the settings by `src/settings/tests/pages.rs`, the exit
//! codes by `cli/src/exit.rs`, and the flags of `callbox stress` by `cli/src/stress.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use callbox::MethodOptions;
use callbox::client::Retry;

/// The checkout.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A page of the guide by its name, or another one by its path, as one line, in which no sentence
/// is broken.
fn prose(page: &str) -> String {
    let path = if page.ends_with(".md") { page.to_owned() } else { format!("src/docs/{page}.md") };
    read(&path).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names of all pages of the guide.
fn pages() -> BTreeSet<String> {
    let files = fs::read_dir(Path::new(ROOT).join("src/docs")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.map(|name| name.strip_suffix(".md").unwrap_or_else(|| panic!("{name} is no page")).to_owned()).collect()
}

/// The cells of the table whose head begins with `head`, without the head.
fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let lines = text.lines().map(|line| line.trim_start_matches("///").trim());
    let rows: Vec<_> =
        lines.skip_while(|line| !line.starts_with(head)).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 2, "there is no table that begins with `{head}`");
    let cells = |row: &str| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    rows.into_iter().skip(2).map(cells).collect()
}

fn first_cells(table: &[Vec<String>]) -> Vec<&str> {
    table.iter().map(|row| row[0].trim_matches('`')).collect()
}

/// A source, or all sources in a folder.
fn sources(path: &Path) -> String {
    if path.is_file() {
        return fs::read_to_string(path).unwrap();
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    entries.map(|entry| sources(&entry.unwrap().path())).collect()
}

/// The value of a constant in a file or folder of `src`, as the guide writes it.
fn constant(place: &str, name: &str) -> String {
    let source = sources(&Path::new(ROOT).join("src").join(place));
    let start = format!("const {name}: ");
    assert_eq!(source.matches(&start).count(), 1, "constants {name} in src/{place}");
    let declaration = source.split_once(&start).unwrap().1;
    let value = declaration.split_once('=').and_then(|(_, rest)| rest.split_once(';')).unwrap().0.trim();
    let number = |text: &str| text.replace('_', "").parse::<u64>().unwrap_or_else(|_| panic!("{name} is {value}"));
    if let Some((unit, amount)) = value.strip_suffix(')').and_then(|call| call.split_once('(')) {
        let amount = number(amount);
        return written(match unit {
            "Duration::from_micros" => Duration::from_micros(amount),
            "Duration::from_millis" => Duration::from_millis(amount),
            "Duration::from_secs" => Duration::from_secs(amount),
            _ => panic!("{name} is {value}"),
        });
    }
    match value.split_once(" << ") {
        Some((of, "20")) => format!("{of} MiB"),
        _ => with_commas(number(value)),
    }
}

/// The value of a field, as the guide writes it. `of` is the `Debug` form of what has the field.
fn field(of: &str, name: &str) -> String {
    let rest = of.split_once(&format!(" {name}: ")).unwrap_or_else(|| panic!("no field {name} in {of}")).1;
    setting(rest.split([',', '}']).next().unwrap().trim())
}

/// A value as settings and `Debug` write it (`25s`, `25000`), in the words of the guide.
fn setting(value: &str) -> String {
    if let Ok(number) = value.parse() {
        return with_commas(number);
    }
    let unit = value.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let amount = value.strip_suffix(unit).unwrap();
    if unit.is_empty() { amount.to_owned() } else { format!("{amount} {unit}") }
}

fn written(time: Duration) -> String {
    let (secs, micros) = (time.as_secs(), time.subsec_micros());
    match (secs, micros) {
        (0, 1..1000) => format!("{micros} µs"),
        (0, _) => format!("{} ms", micros / 1000),
        (60.., 0) if secs % 60 == 0 => format!("{} min", secs / 60),
        _ => format!("{secs} s"),
    }
}

fn with_commas(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|part| str::from_utf8(part).unwrap()).collect();
    parts.join(",")
}

#[test]
fn numbers_in_the_pages_are_those_of_the_code() {
    let method = format!("{:?}", MethodOptions::public());
    let retry = format!("{:?}", Retry::default());
    let rows: &[(&str, &str, &[String])] = &[
        ("overload", "| calls in a mailbox | {} |", &[field(&method, "mailbox")]),
        ("overload", "| calls that wait in a service | {} |", &[constant("mailbox", "SERVICE_CALLS")]),
        ("overload", "| parameters that wait in a service | {} |", &[constant("mailbox", "SERVICE_BYTES")]),
        ("overload", "| time from the arrival to the answer | {} |", &[field(&method, "deadline")]),
        ("overload", "calls of a method | {} |", &[field(&method, "in_flight")]),
        ("overload", "calls of a service | {} |", &[constant("engine/run", "SERVICE_IN_FLIGHT")]),
        ("overload", "| share of the service's time | {} |", &[field(&method, "weight")]),
        (
            "overload",
            "| restarts after panics | {} in {} |",
            &[constant("engine/host", "MAX_RESTARTS"), constant("engine/host", "WITHIN")],
        ),
        (
            "overload",
            "tried again after {}, 1 s, 2 s … {} |",
            &[constant("engine/host", "FIRST_PAUSE"), constant("engine/host", "LONGEST_PAUSE")],
        ),
        ("overload", "before {} calls of the method were measured", &[constant("mailbox", "MIN_SAMPLES")]),
        ("overload", "has had calls for {} without a break", &[constant("mailbox", "SHED_INTERVAL")]),
        ("promises", "a thread for less than {}, usually", &[constant("measure", "SHORT_RUN")]),
        ("promises", "holds a thread for {} or more", &[constant("measure", "LONG_HOLD")]),
        ("promises", "up to {} neighbours", &[constant("dispatch", "CLOCK_CHECK_INTERVAL")]),
        ("monitoring", "held its thread for {} or more", &[constant("measure", "LONG_HOLD")]),
        ("console", "for at most {} pages", &[constant("console", "MAX_PAGES")]),
        ("console", "of the last {},", &[constant("console", "SPAN")]),
        ("tokens", "asking again; at most {} count", &[constant("auth/cache.rs", "MAX_AGE")]),
        ("tokens", "may differ by {}.", &[constant("auth/jwt", "LEEWAY")]),
        (
            "tokens",
            "takes longer than {}, panics, or has {} questions open",
            &[constant("auth/handle/mod.rs", "TIMEOUT"), constant("auth/handle/mod.rs", "MAX_PENDING")],
        ),
        (
            "SECURITY.md",
            "takes longer than {} or has {} pending requests",
            &[constant("auth/handle/mod.rs", "TIMEOUT"), constant("auth/handle/mod.rs", "MAX_PENDING")],
        ),
        (
            "SECURITY.md",
            "checked again every {}, on at most {} pages",
            &[constant("dispatch/session/token_watch.rs", "CHECK_INTERVAL"), constant("console", "MAX_PAGES")],
        ),
        (
            "SECURITY.md",
            "{} waiting calls and {} of waiting parameters for each service, and {} running async",
            &[
                constant("mailbox", "SERVICE_CALLS"),
                constant("mailbox", "SERVICE_BYTES"),
                constant("engine/run", "SERVICE_IN_FLIGHT"),
            ],
        ),
        ("streams", "keeps the last {} items", &[constant("topic/mod.rs", "CAPACITY")]),
        ("streams", "A poll of {} or more", &[constant("dispatch/session", "LONG_POLL")]),
        (
            "streams",
            "checked again every {}, and within {} of a revocation",
            &[constant("dispatch/session", "CHECK_INTERVAL"), constant("dispatch/session", "LOOK_INTERVAL")],
        ),
        (
            "SECURITY.md",
            "checked again every {}, and within {} of a revocation",
            &[constant("dispatch/session", "CHECK_INTERVAL"), constant("dispatch/session", "LOOK_INTERVAL")],
        ),
        ("macros/docs/service.md", "| {} | Maximum number of waiting calls", &[field(&method, "mailbox")]),
        ("macros/docs/service.md", "| {} | Maximum time from the arrival", &[field(&method, "deadline")]),
        ("macros/docs/service.md", "it has not been empty for {}.", &[constant("mailbox", "SHED_INTERVAL")]),
        ("macros/docs/service.md", "| {} | The method's share", &[field(&method, "weight")]),
        ("macros/docs/service.md", "| {} | Maximum number of calls that run", &[field(&method, "in_flight")]),
        ("README.md", "| {}, can be set by method", &[field(&method, "deadline")]),
        ("deployment", "A handshake has {}.", &[constant("http", "HANDSHAKE_TIMEOUT")]),
        ("calling", "made at most {} times", &[field(&retry, "attempts")]),
        ("calling", "random pauses of up to {}, 100 ms and 200 ms", &[field(&retry, "first")]),
        (
            "calling",
            "{} of a retry for each call, and a reserve of {},",
            &[field(&retry, "share"), field(&retry, "reserve")],
        ),
    ];
    for (page, sentence, values) in rows {
        let expected = values.iter().fold((*sentence).to_owned(), |text, value| text.replacen("{}", value, 1));
        assert!(prose(page).contains(&expected), "{page} does not say `{expected}`");
    }
}

#[test]
fn defaults_in_the_guide_are_those_of_the_settings() {
    let settings = table(&read("src/docs/settings.md"), "| name |");
    let rows = [
        ("streams", "a batch is one | {} | `--websocket-calls`", "websocket_calls"),
        ("streams", "| subscriptions of one connection | {} | `--websocket-subscriptions`", "websocket_subscriptions"),
        ("streams", "| time between two pings | {} | `--websocket-ping`", "websocket_ping"),
        ("streams", "something must arrive | {} | `--websocket-timeout`", "websocket_timeout"),
        ("overload", "| time to stop | {} | `--shutdown-timeout` |", "shutdown_timeout"),
        ("deployment", "`--shutdown-timeout` ({})", "shutdown_timeout"),
        ("deployment", "`--keep-alive` ({})", "keep_alive"),
        ("deployment", "the {} of `--max-connections`", "max_connections"),
        ("tokens", "may send {} wrong tokens at once", "token_failures"),
    ];
    for (page, sentence, name) in rows {
        let row = settings.iter().find(|row| row[0] == format!("`{name}`"));
        let default = setting(row.unwrap_or_else(|| panic!("there is no setting {name}"))[2].trim_matches('`'));
        let expected = sentence.replace("{}", &default);
        assert!(prose(page).contains(&expected), "src/docs/{page}.md does not say `{expected}`");
    }
}

#[test]
fn each_row_of_the_failure_table_has_a_scenario() {
    // What happens, and a test that shows it: the file in `tests/`, and the beginning of its name.
    let scenarios = [
        ("it is rejected:", "failures/refusals.rs", "a_full_mailbox_"),
        ("its deadline passes while it waits", "failures/deadlines.rs", "in_the_queue_"),
        ("its deadline passes while it runs", "failures/deadlines.rs", "a_reader_under_way_"),
        ("its caller leaves while it waits", "failures/callers.rs", "a_call_whose_caller_leaves_while_it_waits_"),
        ("its caller leaves while it runs", "failures/callers.rs", "a_reader_whose_caller_leaves_"),
        ("a `&self` method panics", "failures/panics.rs", "of_a_sync_reader_"),
        ("a `&mut self` method panics", "failures/panics.rs", "of_a_sync_writer_"),
        ("a `compute` function panics", "failures/panics.rs", "on_the_worker_pool_"),
        ("a parameter, a result or a future panics", "failures/user_code_panics.rs", "parameters_that_panic_"),
        ("the log cannot be written", "process/logs/broken_log.rs", "unwritable"),
        ("the factory or `on_start` fails", "failures/restarts.rs", "a_factory_that_panics_"),
        ("the host's thread is lost", "failures/threads.rs", "under_a_reader_"),
        ("it arrives while the service starts", "process/early_calls.rs", "starts"),
        ("the server stops", "failures/stops.rs", "admitted_calls_run_"),
        ("a method does not end by then", "failures/stops.rs", "at_the_limit_a_sync_method_"),
    ];
    let rows = table(&read("src/docs/promises.md"), "| what happens |");
    assert_eq!(rows.len(), scenarios.len(), "{:#?}", first_cells(&rows));
    for (row, (what, file, test)) in rows.iter().zip(scenarios) {
        assert!(row[0].starts_with(what), "`{}` does not begin with `{what}`", row[0]);
        let source = read(&format!("tests/{file}"));
        assert!(source.contains(&format!("fn {test}")), "tests/{file} has no test {test}… for `{what}`");
    }
}

#[test]
fn the_table_of_errors_has_all_codes_and_their_messages() {
    let source = read("client/src/rpc_error/protocol.rs");
    let codes: BTreeSet<_> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub const ")?.split_once(": i32 = "))
        .map(|(_, code)| code.trim_end_matches(';'))
        .collect();
    let rows = table(&read("src/docs/errors.md"), "| code |");
    assert_eq!(rows.iter().map(|row| &*row[0]).collect::<BTreeSet<_>>(), codes);
    let sources = source + &read("client/src/rpc_error/internal.rs") + &read("src/mailbox/rejection.rs");
    for row in rows {
        assert!(sources.contains(&format!("\"{}\"", row[1])), "no error has the message `{}`", row[1]);
    }
}

#[test]
fn the_members_of_an_openrpc_method_are_listed() {
    let source = read("src/builtin/openrpc/method.rs");
    let members: BTreeSet<_> = source
        .split("rename = \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| name.starts_with("x-"))
        .collect();
    let rows = table(&read("src/docs/wire.md"), "| member |");
    assert_eq!(first_cells(&rows).into_iter().collect::<BTreeSet<_>>(), members);
}

#[test]
fn tables_that_stand_twice_are_the_same() {
    for header in ["| dialect | success |", "| dialect | error |"] {
        let dialects = |path| table(&read(path), header);
        assert_eq!(dialects("src/docs/wire.md"), dialects("src/jsonrpc/dialect.rs"));
    }

    let signatures = |path| {
        let table = table(&read(path), "| signature |");
        first_cells(&table).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(signatures("src/docs/services.md"), signatures("macros/docs/service.md"));
    assert_eq!(signatures("src/docs/promises.md"), signatures("macros/docs/service.md"));
}

#[test]
fn the_overview_lists_all_features_and_examples() {
    let overview = read("src/docs/overview.md");
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let features: BTreeSet<_> = manifest["features"].as_table().unwrap().keys().map(String::as_str).collect();
    let listed = table(&overview, "| feature |");
    let listed: BTreeSet<_> = first_cells(&listed).into_iter().chain(["default"]).collect();
    assert_eq!(listed, features);

    let files = fs::read_dir(Path::new(ROOT).join("examples")).unwrap();
    let examples: BTreeSet<_> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let listed = table(&overview, "| `cargo run --example …` |");
    let listed = listed.iter().map(|row| row[0].split('`').nth(1).unwrap().to_owned());
    assert_eq!(listed.collect::<BTreeSet<_>>(), examples);
}

#[test]
fn the_errors_of_a_client_are_listed() {
    let source = read("client/src/client_error.rs");
    let (_, body) = source.split_once("pub enum ClientError").unwrap();
    let body = body.split_once("\n}").unwrap().0;
    let variants = body.lines().filter(|line| line.starts_with("    ") && !line.trim().starts_with('/'));
    let name = |text: &str| text.trim().trim_matches('`').split(['(', ',']).next().unwrap().to_owned();
    let rows = table(&read("src/docs/calling.md"), "| [`ClientError`]");
    let listed: Vec<_> = first_cells(&rows).into_iter().map(name).collect();
    assert_eq!(listed, variants.map(name).collect::<Vec<_>>());
}

#[test]
fn measured_figures_are_those_of_the_benches() {
    let numbers = |text: &str| {
        let words = text.split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',')));
        let trimmed = words.map(|word| word.trim_matches(['.', ','])).filter(|word| !word.is_empty());
        trimmed.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let section = |text: &str, title: &str| {
        let (_, rest) = text.split_once(&format!("\n{title}\n")).unwrap_or_else(|| panic!("no section `{title}`"));
        rest.split("\n#").next().unwrap().to_owned()
    };
    let measured = numbers(&read("benches/README.md"));
    for (page, title) in [("README.md", "## Performance"), ("src/docs/overload.md", "# Measured")] {
        let shown = numbers(&section(&read(page), title));
        assert!(shown.len() > 5, "{page}: {shown:?}");
        let others: Vec<_> = shown.difference(&measured).collect();
        assert!(others.is_empty(), "{page} shows figures that benches/README.md has not: {others:?}");
    }
}

#[test]
fn every_page_is_in_the_guide_and_linked_from_the_readme() {
    let (guide, readme) = (read("src/guide.rs"), read("README.md"));
    for page in pages() {
        assert!(guide.contains(&format!("#[doc = include_str!(\"docs/{page}.md\")]\npub mod {page} {{}}")), "{page}");
        let listed = guide.contains(&format!("[`{page}`]")) || guide.contains(&format!("[`mod@{page}`]"));
        assert!(listed, "the guide's first page does not list {page}");
        assert!(readme.contains(&format!("](src/docs/{page}.md)")), "the README does not link {page}");
    }
}

#[test]
fn links_and_paths_lead_somewhere() {
    // As rustdoc and forges make the anchor of a heading.
    let anchor = |heading: &str| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        kept.chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .collect::<String>()
            .replace(' ', "-")
    };
    let has_anchor =
        |page: &str, fragment: &str| read(page).lines().any(|line| line.starts_with('#') && anchor(line) == fragment);
    let guide: Vec<_> = pages().into_iter().map(|page| format!("src/docs/{page}.md")).collect();
    for page in ["README.md", "SECURITY.md"].into_iter().chain(guide.iter().map(String::as_str)) {
        let text = read(page);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with("http") || target.contains("://") {
                continue;
            }
            let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
            let file = match path.split_once("crate::guide::") {
                Some((_, of_the_guide)) => format!("src/docs/{of_the_guide}.md"),
                // An item, which rustdoc checks.
                None if path.contains("::") || path.contains('@') => continue,
                None if path.is_empty() => page.to_owned(),
                None => path.to_owned(),
            };
            assert!(Path::new(ROOT).join(&file).exists(), "{page} links {target}");
            assert!(fragment.is_empty() || has_anchor(&file, fragment), "{page} links {target}");
        }
        let quoted = text.split('`').filter(|word| !word.contains(char::is_whitespace));
        let inside = ["src/", "tests/", "benches/", "cli/", "deploy/", "examples/", "fuzz/", "macros/"];
        for path in quoted.filter(|word| inside.iter().any(|dir| word.starts_with(dir))) {
            assert!(Path::new(ROOT).join(path).exists(), "{page} names {path}, which does not exist");
        }
    }
}
