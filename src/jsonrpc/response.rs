//! Responses: a single one, or those of a batch in one body.

use super::large_params::UncheckedParams;
use super::{Dialect, Id, RpcError, RpcRequest};

/// Number of bytes to reserve for a response with a short result.
const ROOM: usize = 128;

/// Most responses are at least this long, in bytes: used to reserve memory for a batch.
const SHORT_ANSWER: usize = 40;

/// A response that is being written at the end of a body.
///
/// It begins as the response to a call that succeeds, so that the result is written once, where it
/// belongs. An error replaces what has been written by then.
#[derive(Debug)]
#[must_use = "the response is incomplete until it is closed"]
pub(crate) struct Draft<'a> {
    dialect: Dialect,
    id: Id<'a>,
    start: usize,
    unchecked: Option<UncheckedParams<'a>>,
}

impl<'a> Draft<'a> {
    /// Begins the response to a single request with this id, at the end of `body`. The result must
    /// be written next.
    #[inline]
    pub(crate) fn reply(dialect: Dialect, id: Id<'a>, request: &RpcRequest<'a>, body: &mut Vec<u8>) -> Self {
        Self { unchecked: request.unchecked, ..Self::open(dialect, id, body) }
    }

    /// Begins the response to a member of a batch, or to a value that is not a request.
    pub(crate) fn open(dialect: Dialect, id: Id<'a>, body: &mut Vec<u8>) -> Self {
        let start = body.len();
        body.reserve(ROOM);
        dialect.open(body, id);
        Self { dialect, id, start, unchecked: None }
    }

    /// Ends the response, whose result has been written, or writes the error instead. Returns the
    /// error that was written.
    ///
    /// That is a different error, with id null, if the body turns out not to be JSON, which
    /// outweighs everything else that is wrong with a request. If a method could read its
    /// parameters, they are JSON.
    pub(crate) fn close(self, body: &mut Vec<u8>, outcome: Result<(), RpcError>) -> Option<RpcError> {
        let Err(error) = outcome else {
            self.dialect.close(body, self.id);
            return None;
        };
        let (id, error) = match self.unchecked.and_then(UncheckedParams::syntax_error) {
            Some(syntax_error) => (Id::NULL, syntax_error),
            None => (self.id, error),
        };
        body.truncate(self.start);
        self.dialect.error(body, id, &error);
        Some(error)
    }

    /// Removes the response again.
    fn discard(self, body: &mut Vec<u8>) {
        body.truncate(self.start);
    }
}

/// Collects the responses of a batch in one body, in the order of its members, whichever is ready
/// first.
///
/// As long as no earlier member is open, a response is written in place. Behind an open member it
/// waits in a buffer of its own.
#[derive(Debug)]
pub(crate) struct BatchWriter<'a> {
    dialect: Dialect,
    body: Vec<u8>,
    /// Members from the first open one on, by index.
    late: Vec<LateReply<'a>>,
}

#[derive(Debug)]
struct LateReply<'a> {
    index: usize,
    id: Id<'a>,
    answer: Option<Vec<u8>>,
}

impl<'a> BatchWriter<'a> {
    /// Creates the writer for a batch of so many members.
    pub(crate) fn new(dialect: Dialect, members: usize) -> Self {
        Self { dialect, body: Vec::with_capacity(members * SHORT_ANSWER), late: Vec::new() }
    }

    /// Writes the response of a member, if it is ready at once. `run` appends the result to the
    /// buffer that it is given, and returns `None` if the member is still open. Members must come
    /// in order, without notifications.
    pub(crate) fn write(
        &mut self,
        index: usize,
        id: Id<'a>,
        run: impl FnOnce(&mut Vec<u8>) -> Option<Result<(), RpcError>>,
    ) {
        let mut own = Vec::new();
        let in_turn = self.late.is_empty();
        let out = if in_turn { &mut self.body } else { &mut own };
        if in_turn && out.is_empty() {
            out.push(b'[');
        }
        let draft = Draft::open(self.dialect, id, out);
        let outcome = run(out);
        match outcome {
            Some(outcome) => {
                draft.close(out, outcome);
                if in_turn {
                    out.push(b',');
                } else {
                    self.late.push(LateReply { index, id, answer: Some(own) });
                }
            }
            None => {
                draft.discard(out);
                self.late.push(LateReply { index, id, answer: None });
            }
        }
    }

    /// Takes the complete response of a member that was open.
    pub(crate) fn put(&mut self, index: usize, answer: Vec<u8>) {
        if let Ok(at) = self.late.binary_search_by_key(&index, |late| late.index) {
            self.late[at].answer = Some(answer);
        }
    }

    /// Returns the body, or `None` if there is no response and the dialect sends none. Members that
    /// are still open are answered with the error that `open` returns.
    pub(crate) fn finish(mut self, open: impl Fn() -> RpcError) -> Option<Vec<u8>> {
        let answer = |late: &LateReply<'_>| late.answer.as_ref().map_or(0, |answer| answer.len() + 1);
        self.body.reserve(self.late.iter().map(answer).sum());
        for LateReply { id, answer, .. } in self.late {
            if self.body.is_empty() {
                self.body.push(b'[');
            }
            match answer {
                Some(answer) => self.body.extend_from_slice(&answer),
                None => self.dialect.error(&mut self.body, id, &open()),
            }
            self.body.push(b',');
        }
        match self.body.last_mut() {
            Some(last @ b',') => *last = b']',
            _ => return self.dialect.empty_batch().map(<[u8]>::to_vec),
        }
        Some(self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: fn() -> RpcError = || RpcError::new(7, "no");
    const E: &str = r#"{"code":7,"message":"no"}"#;

    fn id(json: &str) -> Id<'_> {
        Id::from_json(json, 9).unwrap()
    }

    fn text(body: Option<Vec<u8>>) -> Option<String> {
        body.map(|body| String::from_utf8(body).unwrap())
    }

    #[test]
    fn a_response_is_a_result_or_the_error_that_replaces_it() {
        let mut body = b"before ".to_vec();
        Draft::open(Dialect::Jsonrpc, id("1"), &mut body).discard(&mut body);
        let draft = Draft::open(Dialect::Jsonrpc, id("2"), &mut body);
        body.extend_from_slice(b"true");
        assert_eq!(draft.close(&mut body, Ok(())), None);
        let draft = Draft::open(Dialect::Jsonrpc, id("3"), &mut body);
        body.extend_from_slice(b"[half of");
        assert_eq!(draft.close(&mut body, Err(ERROR())), Some(ERROR()));
        assert_eq!(
            text(Some(body)).unwrap(),
            format!(r#"before {{"jsonrpc":"2.0","result":true,"id":2}}{{"jsonrpc":"2.0","error":{E},"id":3}}"#)
        );
    }

    #[test]
    fn the_responses_of_a_batch_are_in_the_order_of_its_members() {
        let done = |result: &'static str| {
            move |out: &mut Vec<u8>| {
                out.extend_from_slice(result.as_bytes());
                Some(Ok(()))
            }
        };
        let answer = |result: &str, id: &str| format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{id}}}"#);
        let failed = |id: &str| format!(r#"{{"jsonrpc":"2.0","error":{E},"id":{id}}}"#);
        // For each member: ready at once, fails at once, ends later, or never ends.
        for (members, expected) in [
            ("r", vec![answer("0", "0")]),
            ("f", vec![failed("0")]),
            ("l", vec![answer("10", "0")]),
            ("n", vec![failed("0")]),
            ("rfr", vec![answer("0", "0"), failed("1"), answer("2", "2")]),
            ("rlfr", vec![answer("0", "0"), answer("11", "1"), failed("2"), answer("3", "3")]),
            ("lrn", vec![answer("10", "0"), answer("1", "1"), failed("2")]),
            ("llrl", vec![answer("10", "0"), answer("11", "1"), answer("2", "2"), answer("13", "3")]),
        ] {
            const NUMBERS: [&str; 4] = ["0", "1", "2", "3"];
            let mut batch = BatchWriter::new(Dialect::Jsonrpc, members.len());
            for (index, member) in members.bytes().enumerate() {
                match member {
                    b'r' => batch.write(index, id(NUMBERS[index]), done(NUMBERS[index])),
                    b'f' => batch.write(index, id(NUMBERS[index]), |out| {
                        out.extend_from_slice(b"\"half of");
                        Some(Err(ERROR()))
                    }),
                    _ => batch.write(index, id(NUMBERS[index]), |_| None),
                }
            }
            for (index, _) in members.bytes().enumerate().filter(|(_, member)| *member == b'l').rev() {
                batch.put(index, answer(&(index + 10).to_string(), NUMBERS[index]).into_bytes());
            }
            assert_eq!(text(batch.finish(ERROR)), Some(format!("[{}]", expected.join(","))), "{members}");
        }
    }

    #[test]
    fn a_batch_without_responses_is_answered_as_its_dialect_says() {
        assert_eq!(BatchWriter::new(Dialect::Jsonrpc, 2).finish(ERROR), None);
        assert_eq!(BatchWriter::new(Dialect::Pymicroservice, 2).finish(ERROR).unwrap(), b"[]");
    }
}
