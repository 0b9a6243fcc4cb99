//! `callbox call`.

use std::fs;
use std::sync::Arc;

use callbox_test_support::free_port::free_address;
use callbox_test_support::wait::until;
use tokio::sync::Semaphore;

use crate::greeter::{Greeter, TOKEN, greeter, greeter_with};
use crate::program::{CommandOutput, command, run, run_on, run_with_input};
use crate::stub::stub;

#[test]
fn a_result_is_unchanged_in_a_pipe() {
    let server = greeter();
    for (words, expected) in [
        (&["say_hello", "name=world"][..], "\"hello world\"\n"),
        (&["say_hello", "name=world", "times=2"], "\"hello world, hello world\"\n"),
        (&["say_hello", "world", "2"], "\"hello world, hello world\"\n"),
        (&["say_hello", r#"{"name":"a=b"}"#], "\"hello a=b\"\n"),
        (&["say_hello", r#"["ann", 1]"#], "\"hello ann\"\n"),
        (&["say_hello", "name:=\"3\""], "\"hello 3\"\n"),
        (&["look_up", "ann"], "7\n"),
        (&["echo", "value:={\"a\":[1,{\"b\":null}]}"], "{\"a\":[1,{\"b\":null}]}\n"),
        (&["echo", "-1.5"], "-1.5\n"),
    ] {
        assert_eq!(run_on(&server, "call", words).stdout(), expected, "{words:?}");
    }
    let from_stdin = run_with_input(&["call", &server.url("/api"), "say_hello", "-"], "{\"name\": \"stdin\"}\n");
    assert_eq!(from_stdin.stdout(), "\"hello stdin\"\n");
}

#[test]
fn a_url_may_be_short() {
    let server = greeter();
    let port = format!(":{}", server.address().port());
    assert_eq!(run(&["call", &port, "look_up", "ann"]).stdout(), "7\n");
}

#[test]
fn an_invalid_command_line_is_reported_before_any_call() {
    for words in [
        &["call"][..],
        &["call", "ftp://127.0.0.1/", "x"],
        &["call", ":1", "x", "--deadline", "soon"],
        &["top", ":1", "--interval", "1ms", "--once"],
        &["stress", ":1", "x", "--rate", "0"],
        &["stress", ":1", "x", "--connections", "10001"],
        &["completions", "cobol"],
        &["nothing"],
    ] {
        let output = run(words);
        assert_eq!((output.code, output.out.as_str()), (Some(2), ""), "{words:?}: {output:?}");
    }
    for (words, part) in [
        (&["a=1", "2"][..], "2 has no name"),
        (&["a=1", "a=2"], "given twice"),
        (&["a:=x"], "takes JSON"),
        (&["{\"a\":"], "not valid JSON"),
    ] {
        let output = run(&[&["call", ":1", "x"], words].concat());
        assert!(output.error(2).contains(part), "{words:?}: {output:?}");
    }
}

#[test]
fn errors_of_the_method_and_of_its_parameters_have_code_3() {
    let server = greeter();
    for (words, expected) in [
        (&["look_up", "bob"][..], "Error: 404 Nobody is called bob"),
        (&["fail"], "Error: 1 no"),
        (&["say_hello"], "Error: -32602 Invalid params {\"param\":\"name\",\"reason\":\"missing\"}"),
    ] {
        assert_eq!(run_on(&server, "call", words).error(3), expected);
    }
}

#[test]
fn an_error_for_a_string_that_looks_like_json_suggests_how_to_write_it() {
    let server = greeter();
    for (words, remedy) in [
        (&["look_up", "123"][..], "name:='\"123\"'"),
        (&["look_up", "name=true"], "name:='\"true\"'"),
        (&["say_hello", "name=1.5", "times=2"], "name:='\"1.5\"'"),
    ] {
        let output = run_on(&server, "call", words);
        let line = output.error(3);
        assert!(line.contains("expected a string, got"), "{line}");
        assert!(line.ends_with(&format!("to send it as a string, write {remedy}")), "{line}");
    }
    // The suggestion works.
    let words = ["say_hello", "name:=\"1.5\"", "times=2"];
    assert_eq!(run_on(&server, "call", &words).stdout(), "\"hello 1.5, hello 1.5\"\n");
}

#[test]
fn the_secrets_of_a_url_are_never_printed() {
    let gone = free_address();
    let server = greeter();
    for url in [
        format!("http://user:s3cret@{gone}/api?key=s3cret"),
        "http://user:s3cret@127.0.0.1:99999/api".to_owned(),
        "http://user:s3/cret@127.0.0.1/api".to_owned(),
        "ftp://user:s3cret@127.0.0.1/api".to_owned(),
        "user:s3cret@no such host".to_owned(),
        format!("http://user:s3cret@{}/nowhere", server.address()),
        format!("http://user:s3cret@{}/api", server.address()),
    ] {
        for command in [&["call"][..], &["describe"], &["top", "--once"], &["stress", "--duration", "1ms"]] {
            let method: &[&str] = if matches!(command[0], "call" | "stress") { &["look_up", "ann"] } else { &[] };
            let output = run(&[&command[..1], &[&url], method, &command[1..]].concat());
            let printed = format!("{}{}", output.out, output.err);
            assert!(!printed.contains("s3") && !printed.contains("cret"), "{command:?} {url}: {printed}");
        }
    }
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let server = greeter();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = command(&["describe", &server.url("/api")]);
    let output = CommandOutput::from(command.stdout(writer).output().expect("it runs"));
    assert_eq!(output.stdout(), "");
}

#[test]
fn the_exit_code_does_not_depend_on_standard_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a disk that is full");
    let mut command = command(&["call", ":1", "x"]);
    assert_eq!(command.stderr(full).output().expect("it runs").status.code(), Some(5));
}

#[test]
fn an_error_for_an_unknown_method_suggests_a_similar_one() {
    let server = greeter();
    for (name, expected) in [
        ("sayhello", "Error: there is no method sayhello: did you mean say_hello?"),
        // The names of private methods are not secret unless they are hidden.
        ("who_am_i", "Error: there is no method who_am_i: did you mean whoami?"),
        ("zzz", "Error: there is no method zzz: `callbox describe` lists the methods"),
    ] {
        assert_eq!(run_on(&server, "call", &[name]).error(3), expected);
    }
}

#[test]
fn a_token_comes_from_a_flag_a_file_or_the_environment_in_that_order() {
    let server = greeter();
    let scratch = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = scratch.path().join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("text").to_owned()
    };
    let (good, bad) = (file("good", &format!("{TOKEN}\n")), file("bad", "guess"));
    let call = |more: &[&str], variable: Option<&str>| -> CommandOutput {
        let url = server.url("/api");
        let mut command = command(&[&["call", &url, "whoami"], more].concat());
        if let Some(token) = variable {
            command.env("CALLBOX_TOKEN", token);
        }
        command.output().expect("it runs").into()
    };
    for (more, variable) in [
        (&["--token", TOKEN][..], None),
        (&["--token", TOKEN], Some("guess")),
        (&["--token-file", &good], None),
        (&["--token-file", &good], Some("guess")),
        (&[], Some(TOKEN)),
        (&["--token", TOKEN, "--token-header", "X-Api-Token"], None),
    ] {
        assert_eq!(call(more, variable).stdout(), "null\n", "{more:?} {variable:?}");
    }
    for (more, variable) in
        [(&[][..], None), (&[], Some("")), (&["--token", "guess"], Some(TOKEN)), (&["--token-file", &bad], None)]
    {
        let output = call(more, variable);
        assert!(output.error(7).contains("--token-file"), "{more:?} {variable:?}: {output:?}");
    }
    let (empty, missing) = (file("empty", "\n"), "/no/such/file");
    for path in [empty.as_str(), missing] {
        assert!(call(&["--token-file", path], None).error(1).contains(path));
    }
}

#[test]
fn a_notification_prints_nothing() {
    let server = greeter();
    assert_eq!(run_on(&server, "call", &["say_hello", "x", "--notify"]).stdout(), "");
    assert_eq!(run_on(&server, "call", &["no_such_method", "--notify"]).stdout(), "", "a notification has no response");
    until("the notification ran", || {
        let stats = server.service::<Greeter>().stats();
        stats.iter().any(|method| method.method == "say_hello" && method.answered == 1)
    });
}

#[test]
fn a_rejected_call_has_code_4() {
    let free = Arc::new(Semaphore::new(0));
    let server = greeter_with(&free);
    let url = server.url("/api");
    let hold = |more: &[&str]| command(&[&["call", &url, "hold"], more].concat());
    let seen = |what: &str, is_so: fn(&callbox::stats::MethodStats) -> bool| {
        until(what, || {
            server.service::<Greeter>().stats().iter().any(|method| method.method == "hold" && is_so(method))
        });
    };
    let runs = hold(&[]).spawn().expect("it starts");
    seen("one runs", |hold| hold.running == 1);
    let waits = hold(&[]).spawn().expect("it starts");
    seen("one waits", |hold| hold.depth == 1);
    let refused = CommandOutput::from(hold(&[]).output().expect("it runs"));
    assert!(refused.error(4).starts_with("Error: -32000 Server busy {"), "{refused:?}");
    free.add_permits(1);
    for child in [runs, waits] {
        assert_eq!(CommandOutput::from(child.wait_with_output().expect("an end")).stdout(), "null\n");
    }
}

#[test]
fn a_call_that_exceeds_its_deadline_has_code_6() {
    let free = Arc::new(Semaphore::new(0));
    let server = greeter_with(&free);
    run_on(&server, "call", &["hold", "--deadline", "200ms"]).error(6);
    // The method runs on, and would hold up the stop of the server.
    free.add_permits(1);
}

#[test]
fn each_outcome_has_its_exit_code() {
    for (body, code) in [
        (r#"{"jsonrpc":"2.0","result":[1],"id":1}"#, 0),
        (r#"{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":1}"#, 3),
        (r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Server error"},"id":1}"#, 3),
        (r#"{"jsonrpc":"2.0","error":{"code":-32003,"message":"Service unavailable"},"id":1}"#, 4),
        (r#"{"jsonrpc":"2.0","error":{"code":-32001,"message":"Access denied"},"id":1}"#, 7),
        (r#"{"jsonrpc":"2.0","error":{"code":-32001,"message":"Transfer failed"},"id":1}"#, 3),
        ("<html>It works!</html>", 5),
        (r#"{"hello":"world"}"#, 5),
    ] {
        let output = run(&["call", &stub("200 OK", body), "x"]);
        assert_eq!(output.code, Some(code), "{body}: {output:?}");
    }
    assert!(run(&["call", &stub("404 Not Found", ""), "x"]).error(5).contains("404"));
    let gone = free_address();
    assert!(run(&["call", &gone.to_string(), "x"]).error(5).contains("cannot be reached"));
}

#[test]
fn control_characters_from_a_server_are_replaced() {
    let body = r#"{"jsonrpc":"2.0","error":{"code":1,"message":"\u001b[2J\u0007gone"},"id":1}"#;
    assert_eq!(run(&["call", &stub("200 OK", body), "x"]).error(3), "Error: 1 \u{fffd}[2J\u{fffd}gone");
}
