//! Writes values without the numbers that JSON does not have.
//!
//! serde_json writes NaN and the infinities as `null`, which a caller reads as something else, or
//! cannot read at all.

use std::cell::Cell;
use std::io;

use serde::Serialize;
use serde::ser::Error;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::check;

/// Writes a value as JSON, like serde_json.
///
/// The value is searched for a number that JSON does not have only if a `null` was written. So
/// nearly all values are written at no extra cost.
///
/// # Errors
/// If it cannot be represented in JSON, or cannot be written to `out`.
pub fn write<T: Serialize + ?Sized>(out: impl io::Write, value: &T) -> serde_json::Result<()> {
    let null = Cell::new(false);
    value.serialize(&mut Serializer::with_formatter(out, Compact { null: &null }))?;
    if null.get() { check(value).map_err(serde_json::Error::custom) } else { Ok(()) }
}

/// Writes like serde_json's own formatter, and notes whether there was a `null`.
struct Compact<'a> {
    null: &'a Cell<bool>,
}

impl Formatter for Compact<'_> {
    #[inline]
    fn write_null<W: io::Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.null.set(true);
        out.write_all(b"null")
    }
}
