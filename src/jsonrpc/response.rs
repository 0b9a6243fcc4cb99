//! What goes back: results within a limit, and the answers of a batch in one body.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use super::{Dialect, Id, RpcError};

/// How many bytes of results one response may still take.
///
/// All members of a batch share one, and take from it as they finish: those that come too late are told -32004, and the
/// finished ones stay. So it also bounds the memory of the results, which a check at the end would not.
#[derive(Debug)]
pub(crate) struct Budget(AtomicUsize);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(AtomicUsize::new(bytes))
    }

    /// Writes a result as JSON and takes its bytes.
    ///
    /// # Errors
    /// Those of [`to_json_limited`], with what is left as the limit.
    pub(crate) fn to_json<T: Serialize + ?Sized>(&self, result: &T) -> Result<Vec<u8>, RpcError> {
        let json = to_json_limited(result, self.0.load(Ordering::Relaxed))?;
        if self.take(json.len()) { Ok(json) } else { Err(RpcError::too_large()) }
    }

    /// The error to answer with: without its data if that is more than is left. Code and message always stay, because
    /// they say what happened.
    pub(crate) fn error(&self, error: RpcError) -> RpcError {
        match error.data() {
            Some(data) if !self.take(data.get().len()) => error.without_data(),
            _ => error,
        }
    }

    fn take(&self, bytes: usize) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }
}

/// Writes a value as JSON of at most `limit` bytes, and stops as soon as it turns out longer.
///
/// # Errors
/// -32004 if it is longer; -32603, logged, if it has no form in JSON.
pub(crate) fn to_json_limited<T: Serialize + ?Sized>(value: &T, limit: usize) -> Result<Vec<u8>, RpcError> {
    let mut out = LimitedWriter { bytes: Vec::with_capacity(limit.min(128)), limit, full: false };
    let written = serde_json::to_writer(&mut out, value);
    // Asked first: an `impl Serialize` may have swallowed the error and gone on.
    if out.full {
        return Err(RpcError::too_large());
    }
    match written {
        Ok(()) => Ok(out.bytes),
        Err(error) => Err(RpcError::internal(&format_args!("a result cannot be written as JSON: {error}"))),
    }
}

struct LimitedWriter {
    bytes: Vec<u8>,
    limit: usize,
    full: bool,
}

impl io::Write for LimitedWriter {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.full || bytes.len() > self.limit - self.bytes.len() {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Puts the answers of a batch into one body, in the order in which they are pushed.
#[derive(Debug)]
pub(crate) struct BatchWriter {
    dialect: Dialect,
    body: Vec<u8>,
}

impl BatchWriter {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { dialect, body: Vec::new() }
    }

    /// Appends one answer. Notifications have none.
    pub(crate) fn push(&mut self, id: Id<'_>, outcome: Result<&[u8], &RpcError>) {
        self.body.push(if self.body.is_empty() { b'[' } else { b',' });
        self.dialect.answer(&mut self.body, id, outcome);
    }

    /// The body; none if there is nothing to answer, and the dialect answers that with nothing.
    pub(crate) fn finish(mut self) -> Option<Vec<u8>> {
        if self.body.is_empty() {
            return self.dialect.empty_batch().map(<[u8]>::to_vec);
        }
        self.body.push(b']');
        Some(self.body)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::HashMap;

    use serde::Serializer;
    use serde::ser::SerializeSeq;

    use super::*;
    use crate::jsonrpc::code;

    #[test]
    fn a_value_is_written_up_to_the_limit_and_not_beyond() {
        assert_eq!(to_json_limited("hello", 7).unwrap(), br#""hello""#);
        assert_eq!(to_json_limited("hello", 6), Err(RpcError::too_large()));
        assert_eq!(to_json_limited(&(), 0), Err(RpcError::too_large()));
    }

    #[test]
    fn writing_stops_when_the_limit_is_reached() {
        struct Counted(Cell<u32>);
        impl Serialize for Counted {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut seq = serializer.serialize_seq(None)?;
                for n in 0..1_000_000 {
                    self.0.set(n);
                    seq.serialize_element("0123456789")?;
                }
                seq.end()
            }
        }
        let endless = Counted(Cell::new(0));
        assert_eq!(to_json_limited(&endless, 1000), Err(RpcError::too_large()));
        assert!(endless.0.get() < 100, "{} elements were asked for", endless.0.get());
    }

    #[test]
    fn a_value_that_swallows_the_error_is_too_large_all_the_same() {
        struct Stubborn;
        impl Serialize for Stubborn {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut seq = serializer.serialize_seq(None)?;
                let _ = seq.serialize_element(&"0".repeat(100));
                let _ = seq.serialize_element(&1);
                seq.end()
            }
        }
        assert_eq!(to_json_limited(&Stubborn, 50), Err(RpcError::too_large()));
    }

    #[test]
    fn a_value_without_a_form_in_json_is_an_internal_error_that_tells_nothing() {
        let error = to_json_limited(&HashMap::from([((1, 2), 3)]), 1000).unwrap_err();
        assert_eq!(error.code(), code::INTERNAL);
        assert!(!format!("{error:?}").contains("key"), "{error:?}");
    }

    #[test]
    fn finished_results_stay_and_later_ones_are_too_large() {
        let budget = Budget::new(20);
        assert!(budget.to_json("0123456789").is_ok());
        assert_eq!(budget.to_json("0123456789"), Err(RpcError::too_large()));
        assert!(budget.to_json(&12_345_678).is_ok(), "what fits into the rest is let through");
        assert_eq!(budget.to_json(&1), Err(RpcError::too_large()));
    }

    #[test]
    fn an_error_loses_its_data_rather_than_its_meaning() {
        let budget = Budget::new(3);
        let (small, large) = (RpcError::new(7, "no").with_data(&1), RpcError::new(7, "no").with_data("long"));
        assert_eq!(budget.error(small.clone()), small);
        assert_eq!(budget.error(large), RpcError::new(7, "no"));
        assert_eq!(budget.error(RpcError::new(8, "none")), RpcError::new(8, "none"));
    }

    #[test]
    fn a_batch_holds_its_answers_in_order() {
        let mut batch = BatchWriter::new(Dialect::Gemstone);
        batch.push(Id::from_json("1", 9).unwrap(), Ok(b"true"));
        batch.push(Id::NULL, Err(&RpcError::new(7, "no")));
        assert_eq!(
            String::from_utf8(batch.finish().unwrap()).unwrap(),
            concat!(
                r#"[{"jsonrpc":"2.0","result":true,"error":null,"id":1},"#,
                r#"{"jsonrpc":"2.0","result":null,"error":{"code":7,"message":"no"},"id":null}]"#
            )
        );
    }

    #[test]
    fn a_batch_without_answers_is_what_the_dialect_says() {
        assert_eq!(BatchWriter::new(Dialect::Jsonrpc).finish(), None);
        assert_eq!(BatchWriter::new(Dialect::Pymicroservice).finish().unwrap(), b"[]");
    }
}
