//! The size limit of a response, and how results are written within it.

use std::cell::{Cell, OnceCell};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::pending_results::time_to_fill;
use super::{PendingResults, RpcError, check, write};

/// The number of bytes that results may still add to one response.
///
/// All members of a batch share one budget on the thread that answers the batch, and take from it
/// as they finish: members that come too late get -32004, and finished results stay. So the budget
/// also bounds the memory of the results, which a check at the end would not.
#[derive(Debug)]
pub(crate) struct ResponseBudget {
    limit: usize,
    left: Cell<usize>,
    /// Whether some result did not fit.
    full: Cell<bool>,
    /// For a batch: the results that its members have produced on other threads. Created for the
    /// first of them.
    pending: Option<OnceCell<Arc<PendingResults>>>,
}

impl ResponseBudget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { limit: bytes, left: Cell::new(bytes), full: Cell::new(false), pending: None }
    }

    /// Creates the budget of a batch.
    pub(crate) fn of_batch(bytes: usize) -> Self {
        Self { pending: Some(OnceCell::new()), ..Self::new(bytes) }
    }

    /// Returns where members of the batch that end on other threads count their results. Returns
    /// `None` for a single call.
    pub(crate) fn pending(&self) -> Option<&Arc<PendingResults>> {
        let new = || PendingResults::new(self.limit, self.limit - self.left.get(), self.full.get());
        self.pending.as_ref().map(|pending| pending.get_or_init(new))
    }

    /// Whether some result did not fit. Then members of a batch that have not begun need not run.
    pub(crate) fn is_full(&self) -> bool {
        self.full.get() || self.shared().is_some_and(|pending| pending.is_full())
    }

    /// Returns the shortest time in which calls could make more results than still fit.
    pub(crate) fn time_to_fill(&self) -> Duration {
        time_to_fill(self.left.get())
    }

    /// Appends the result of a method to `out` as JSON, and takes its bytes.
    ///
    /// # Errors
    /// -32004 if it is larger than what is left; writing stops there. -32603, logged, if it cannot
    /// be represented in JSON. `out` is then as before.
    pub(crate) fn write<T: Serialize + ?Sized>(
        &self,
        out: &mut Vec<u8>,
        method: &'static str,
        result: &T,
    ) -> Result<(), RpcError> {
        let start = out.len();
        let mut limited = LimitedWriter { limit: start.saturating_add(self.left.get()), out, full: false };
        let written = write(&mut limited, result);
        // Checked first: a `Serialize` implementation may ignore the error and go on.
        let outcome = if limited.full {
            Err(self.too_large())
        } else if let Err(error) = written {
            // The search also finds the field.
            Err(match check(result) {
                Err(no_form) => RpcError::unwritable(method, &no_form),
                Ok(()) => RpcError::unwritable(method, &error),
            })
        } else if self.take(out.len() - start) {
            Ok(())
        } else {
            Err(self.too_large())
        };
        if outcome.is_err() {
            out.truncate(start);
            // An error is short, and may wait long for a client that reads slowly: release the
            // memory of the result.
            out.shrink_to(start + 256);
        }
        outcome
    }

    /// Appends a result that was written elsewhere, and takes its bytes.
    ///
    /// # Errors
    /// -32004 if it is larger than what is left.
    pub(crate) fn accept(&self, out: &mut Vec<u8>, written: &[u8]) -> Result<(), RpcError> {
        if !self.take(written.len()) {
            return Err(self.too_large());
        }
        out.reserve(written.len() + TAIL);
        out.extend_from_slice(written);
        Ok(())
    }

    fn too_large(&self) -> RpcError {
        self.full.set(true);
        if let Some(pending) = self.shared() {
            pending.fill();
        }
        RpcError::too_large()
    }

    fn shared(&self) -> Option<&Arc<PendingResults>> {
        self.pending.as_ref()?.get()
    }

    /// Returns the error to reply with: without its data if the data does not fit. Code and message
    /// always stay, because they say what happened.
    pub(crate) fn error(&self, error: RpcError) -> RpcError {
        match error.data() {
            Some(data) if !self.take(data.get().len()) => error.without_data(),
            _ => error,
        }
    }

    fn take(&self, bytes: usize) -> bool {
        let Some(left) = self.left.get().checked_sub(bytes) else { return false };
        self.left.set(left);
        if let Some(pending) = self.shared() {
            pending.keep(self.limit - left);
        }
        true
    }
}

/// Number of bytes that follow a result, unless the id is very long.
const TAIL: usize = 128;

/// Accepts no byte beyond the limit, which counts from the beginning of the buffer.
struct LimitedWriter<'a> {
    out: &'a mut Vec<u8>,
    limit: usize,
    full: bool,
}

impl io::Write for LimitedWriter<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.full || bytes.len() > self.limit - self.out.len() {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if bytes.len() > self.out.capacity() - self.out.len() {
            // With room for what follows the result: otherwise a large buffer would be reallocated
            // for a few bytes.
            self.out.reserve(bytes.len() + TAIL);
        }
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Serializer;
    use serde::ser::SerializeSeq;

    use super::*;
    use crate::jsonrpc::code;

    fn written<T: Serialize + ?Sized>(budget: &ResponseBudget, result: &T) -> Result<String, RpcError> {
        let mut out = b"before ".to_vec();
        let outcome = budget.write(&mut out, "m", result);
        let out = String::from_utf8(out).unwrap();
        assert!(outcome.is_ok() || out == "before ", "nothing stays of what failed: {out}");
        outcome.map(|()| out["before ".len()..].to_owned())
    }

    fn within<T: Serialize + ?Sized>(limit: usize, result: &T) -> Result<String, RpcError> {
        written(&ResponseBudget::new(limit), result)
    }

    #[test]
    fn a_value_is_written_up_to_the_limit_and_not_beyond() {
        assert_eq!(within(7, "hello").unwrap(), r#""hello""#);
        assert_eq!(within(usize::MAX, "hello").unwrap(), r#""hello""#);
        assert_eq!(within(6, "hello"), Err(RpcError::too_large()));
        assert_eq!(within(0, &()), Err(RpcError::too_large()));
    }

    #[test]
    fn writing_stops_when_the_limit_is_reached() {
        struct EndlessList(Cell<u32>);
        impl Serialize for EndlessList {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut seq = serializer.serialize_seq(None)?;
                for n in 0..1_000_000 {
                    self.0.set(n);
                    seq.serialize_element("0123456789")?;
                }
                seq.end()
            }
        }
        let endless = EndlessList(Cell::new(0));
        assert_eq!(within(1000, &endless), Err(RpcError::too_large()));
        assert!(endless.0.get() < 100, "{} elements were asked for", endless.0.get());
    }

    #[test]
    fn a_serializer_that_ignores_the_error_is_too_large_all_the_same() {
        struct Stubborn;
        impl Serialize for Stubborn {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut seq = serializer.serialize_seq(None)?;
                let _ = seq.serialize_element(&"0".repeat(100));
                let _ = seq.serialize_element(&1);
                seq.end()
            }
        }
        assert_eq!(within(50, &Stubborn), Err(RpcError::too_large()));
    }

    #[test]
    fn a_result_that_was_too_large_releases_its_memory() {
        let mut out = Vec::new();
        let large = vec!["0123456789"; 100_000];
        assert_eq!(ResponseBudget::new(1_000_000).write(&mut out, "m", &large), Err(RpcError::too_large()));
        assert!(out.capacity() < 1000, "{}", out.capacity());
    }

    #[test]
    fn the_end_of_a_response_does_not_reallocate_a_large_result() {
        let mut out = Vec::new();
        ResponseBudget::new(usize::MAX).write(&mut out, "m", &"x".repeat(100_000)).unwrap();
        assert!(out.capacity() - out.len() >= 100, "{} of {}", out.len(), out.capacity());
    }

    #[test]
    fn an_unrepresentable_value_is_an_internal_error_without_details() {
        let error = within(1000, &HashMap::from([((1, 2), 3)])).unwrap_err();
        assert_eq!(error.code(), code::INTERNAL);
        assert!(!format!("{error:?}").contains("key"), "{error:?}");
    }

    #[test]
    fn finished_results_stay_and_later_ones_are_too_large() {
        let budget = ResponseBudget::new(20);
        assert!(written(&budget, "0123456789").is_ok());
        assert_eq!(written(&budget, "0123456789"), Err(RpcError::too_large()));
        assert!(written(&budget, &12_345_678).is_ok(), "what fits into the rest is let through");
        assert_eq!(written(&budget, &1), Err(RpcError::too_large()));
    }

    #[test]
    fn a_result_written_elsewhere_counts_against_the_limit_like_any() {
        let budget = ResponseBudget::of_batch(20);
        assert!(written(&budget, &123).is_ok());
        let pending = Arc::clone(budget.pending().unwrap());
        assert_eq!(pending.left(), 17);
        let mut out = b"before ".to_vec();
        assert!(budget.accept(&mut out, b"[1,2,3,4]").is_ok() && out == b"before [1,2,3,4]");
        assert!(pending.left() == 8 && !pending.is_full() && !budget.is_full());
        assert_eq!(budget.accept(&mut out, b"[1,2,3,4]"), Err(RpcError::too_large()));
        assert!(out == b"before [1,2,3,4]" && pending.is_full() && budget.is_full());
        assert!(ResponseBudget::new(20).pending().is_none());
    }

    #[test]
    fn an_error_loses_its_data_rather_than_its_meaning() {
        let budget = ResponseBudget::new(3);
        let (small, large) = (RpcError::new(7, "no").with_data(&1), RpcError::new(7, "no").with_data("long"));
        assert_eq!(budget.error(small.clone()), small);
        assert_eq!(budget.error(large), RpcError::new(7, "no"));
        assert_eq!(budget.error(RpcError::new(8, "none")), RpcError::new(8, "none"));
    }
}
