use callbox_client::TraceContext;

use crate::property_tests::{CASES, check, list, text};

/// A context comes from any caller: whatever is sent is read or left out, and what was read is
/// written so that it is read alike.
#[test]
fn whatever_is_sent_as_a_context_is_read_or_left_out() {
    let mut read = 0;
    check(CASES * 4, |u| {
        let mut sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".as_bytes().to_vec();
        // Most are nearly right.
        for (at, byte) in list(u, 0, 3, |u| Ok((u.int_in_range(0..=54_usize)?, *u.choose(b"0af1-gF\xc3 ")?)))? {
            sent[at] = byte;
        }
        if !u.ratio(3_u8, 4_u8)? {
            sent.truncate(u.int_in_range(50..=54)?);
        }
        let mut sent = String::from_utf8_lossy(&sent).into_owned();
        if !u.ratio(3_u8, 4_u8)? {
            sent += &text(u, 10)?;
        }
        let mut state = list(u, 0, 4, |u| Ok(format!("k{}=v,", u.int_in_range(0..=9_u8)?)))?.concat();
        if u.arbitrary()? {
            state += &text(u, 600)?;
        }
        if let Some(context) = TraceContext::parse(&sent, Some(&state)) {
            read += 1;
            let (again, state) = (context.traceparent(), context.tracestate());
            assert!(again.len() == 55 && again.contains(&context.trace_id()), "{again}");
            assert!(state.is_none_or(|state| state.len() <= 512 && state.is_ascii()), "{state:?}");
            assert_eq!(TraceContext::parse(&again, state), Some(context));
        }
        Ok(())
    });
    assert!(read >= 50, "{read} were good");
}
