use super::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn parse(traceparent: &str) -> Option<TraceContext> {
    TraceContext::parse(traceparent, None)
}

#[test]
fn what_was_read_is_written_again() {
    for flags in ["00", "01", "02", "03"] {
        let sent = format!("00-{TRACE}-{PARENT}-{flags}");
        let context = parse(&sent).unwrap();
        assert_eq!(context.traceparent(), sent);
        assert_eq!(context.is_sampled(), flags.ends_with(['1', '3']));
        assert_eq!(context.trace_id(), TRACE);
        let (trace_id, parent_id) = context.ids();
        assert_eq!((format!("{trace_id:032x}"), format!("{parent_id:016x}")), (TRACE.to_owned(), PARENT.to_owned()));
    }
}

#[test]
fn flags_that_nobody_knows_are_not_passed_on() {
    assert_eq!(parse(&format!("00-{TRACE}-{PARENT}-ff")).unwrap().traceparent(), format!("00-{TRACE}-{PARENT}-03"));
}

#[test]
fn a_later_version_is_read_as_far_as_it_is_known() {
    for sent in [
        format!("01-{TRACE}-{PARENT}-01"),
        format!("cc-{TRACE}-{PARENT}-01-"),
        format!("fe-{TRACE}-{PARENT}-01-what-is-to-come"),
    ] {
        assert_eq!(parse(&sent).unwrap().traceparent(), format!("00-{TRACE}-{PARENT}-01"), "{sent}");
    }
    assert_eq!(parse(&format!("01-{TRACE}-{PARENT}-01.more")), None, "what is to come begins with a dash");
}

#[test]
fn what_is_malformed_is_no_context() {
    let upper = TRACE.to_uppercase();
    let zeros = "0".repeat(32);
    for sent in [
        "",
        "00",
        "-",
        &format!("00-{TRACE}-{PARENT}"),
        &format!("00-{TRACE}-{PARENT}-"),
        &format!("00-{TRACE}-{PARENT}-1"),
        &format!("00-{TRACE}-{PARENT}-0g"),
        &format!("00-{TRACE}-{PARENT}-01-"),
        &format!("00-{TRACE}-{PARENT}-01-more"),
        &format!("00-{TRACE}-{PARENT}-01 "),
        &format!(" 00-{TRACE}-{PARENT}-01"),
        &format!("ff-{TRACE}-{PARENT}-01"),
        &format!("FF-{TRACE}-{PARENT}-01"),
        &format!("0-{TRACE}-{PARENT}-01"),
        &format!("0x-{TRACE}-{PARENT}-01"),
        &format!("00-{upper}-{PARENT}-01"),
        &format!("00-{}-{PARENT}-01", &TRACE[1..]),
        &format!("00-{TRACE}0-{PARENT}-01"),
        &format!("00-{zeros}-{PARENT}-01"),
        &format!("00-{TRACE}-{}-01", &zeros[..16]),
        &format!("00_{TRACE}_{PARENT}_01"),
        &format!("00-{TRACE}-{PARENT}-0ü"),
        &"ü".repeat(40),
    ] {
        assert_eq!(parse(sent), None, "{sent:?}");
        assert!(sent.parse::<TraceContext>().is_err());
    }
}

#[test]
fn a_malformed_state_does_not_cost_the_trace() {
    let sent = format!("00-{TRACE}-{PARENT}-01");
    for (state, kept) in [(Some("a=1"), Some("a=1")), (Some("a"), None), (Some(""), None), (None, None)] {
        assert_eq!(TraceContext::parse(&sent, state).unwrap().tracestate(), kept);
    }
}

#[test]
fn a_trace_that_is_not_recorded_has_a_context_of_its_own() {
    let (one, other) = (TraceContext::unsampled(), TraceContext::unsampled());
    assert!(!one.is_sampled() && one != other);
    assert_eq!(parse(&one.traceparent()), Some(one));
}

#[test]
fn no_input_panics() {
    // Around a good one, where the rules are.
    let good = format!("00-{TRACE}-{PARENT}-01-more");
    for at in 0..=good.len() {
        let (begin, end) = good.split_at(at);
        let _ = parse(begin);
        for with in ["", "-", "0", "f", "g", "F", "ü", "\u{10ffff}", "\0", "00000000000000000000000000000000000000"] {
            for text in [format!("{begin}{with}{end}"), format!("{begin}{with}"), format!("{with}{end}")] {
                if let Some(context) = TraceContext::parse(&text, Some(&text)) {
                    assert_eq!(parse(&context.traceparent()).unwrap().ids(), context.ids(), "{text:?}");
                }
            }
        }
    }
}
