//! The limits of a body, each below its default: what exceeds them is rejected before it costs
//! anything.

use callbox::{Server, service, testing};
use callbox_test_cases::wire::without_reasons;

use crate::calculator::{batch, call, error, result, start_with};

#[test]
fn each_limit_is_a_setting_and_holds_to_the_byte() {
    let calculator =
        start_with(|server| server.body_limit(1000).batch_limit(3).depth_limit(4).id_limit(5).method_limit(20));
    let one = call("add", "[1,2]", "1");
    let three = result("3", "1");
    let unknown = |length: usize| call(&"x".repeat(length), "[]", "1");
    for (name, body, expected) in [
        ("a body", format!("{one}{}", " ".repeat(1000 - one.len())), three.clone()),
        ("a batch", batch(vec![one.clone(); 3]), batch(vec![three.clone(); 3])),
        ("a larger batch", batch(vec![one; 4]), error(-32600, "null")),
        ("a deep request", call("take_rest", r#"{"first":1,"x":[[]]}"#, "1"), result(r#"["1","x=[[]]"]"#, "1")),
        ("a deeper one", call("take_rest", r#"{"first":1,"x":[[[]]]}"#, "1"), error(-32700, "null")),
        ("a long id", call("add", "[1,2]", r#""abc""#), result("3", r#""abc""#)),
        ("a longer one", call("add", "[1,2]", r#""abcd""#), error(-32600, "null")),
        ("a long number", call("add", "[1,2]", "12345"), result("3", "12345")),
        ("a longer one", call("add", "[1,2]", "123456"), error(-32600, "null")),
        ("a long name", unknown(20), error(-32601, "1")),
        ("a longer one", unknown(21), error(-32601, "1")),
    ] {
        assert_eq!(without_reasons(&calculator.answer(body)), expected, "{name}");
    }
    assert_eq!(calculator.server.post(" ".repeat(1001)).status, 413);
}

struct Wordy;

#[service]
impl Wordy {
    #[public_method(name = "say_it_with_so_many_words")]
    fn say(&self) -> u8 {
        1
    }
}

fn launched(limit: usize) -> Result<(), String> {
    let server = Server::new(|| Wordy).method_limit(limit);
    actix::System::new().block_on(async {
        let running = server.launch().await.map_err(|error| error.to_string())?;
        running.stop().await.map_err(|error| error.to_string())?;
        Ok(())
    })
}

#[test]
fn a_name_is_found_up_to_the_limit_and_one_beyond_it_stops_the_start() {
    let name = "say_it_with_so_many_words";
    assert_eq!(launched(name.len()), Ok(()));
    let refused = launched(name.len() - 1).unwrap_err();
    assert!(refused.contains(name) && refused.contains("25 bytes") && refused.contains("--method-limit"), "{refused}");
    let wordy = testing::in_process_with(|| Wordy, move |server| server.method_limit(name.len()));
    assert_eq!(wordy.post(call(name, "[]", "1")), Some(result("1", "1")));
    // The limit is of the name, and not of the way in which it is written.
    let escaped = name.bytes().map(|byte| format!("\\u{byte:04x}")).collect::<String>();
    assert_eq!(wordy.post(call(&escaped, "[]", "1")), Some(result("1", "1")));
}
