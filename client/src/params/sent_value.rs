//! The value at the position of an error. serde_json reports the position, but not always the
//! value.

use serde_json::value::RawValue;

/// The text of the value at the position of an error.
pub(super) struct SentValue<'a> {
    pub(super) text: &'a str,
    /// Whether the position is the first byte of the value, and not a later one.
    at_start: bool,
}

impl<'a> SentValue<'a> {
    /// Splits the text of a serde_json error into the error without its position, and the value at
    /// that position.
    pub(super) fn split<'e>(error: &'e str, json: &'a str) -> (&'e str, Option<Self>) {
        let place = || {
            let (error, place) = error.rsplit_once(" at line ")?;
            let (line, column) = place.split_once(" column ")?;
            Some((error, line.parse().ok()?, column.parse().ok()?))
        };
        match place() {
            Some((error, line, column)) => (error, Self::at(json, line, column)),
            None => (error, None),
        }
    }

    /// Returns the number that contains the byte at this position, or else the value that begins
    /// there. Lines and columns count from 1, columns in bytes.
    fn at(json: &'a str, line: usize, column: usize) -> Option<Self> {
        let lines = json.split_inclusive('\n').take(line.checked_sub(1)?);
        let at = (lines.map(str::len).sum::<usize>() + column).checked_sub(1)?;
        let is_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let (before, after) = json.as_bytes().split_at_checked(at)?;
        if after.first().is_some_and(is_number) {
            let start = at - before.iter().rev().take_while(|byte| is_number(byte)).count();
            let end = at + after.iter().take_while(|byte| is_number(byte)).count();
            let number = Self { text: &json[start..end], at_start: start == at };
            if number.is_number() {
                return Some(number);
            }
        }
        let mut values = serde_json::Deserializer::from_str(json.get(at..)?).into_iter::<&RawValue>();
        Some(Self { text: values.next()?.ok()?.get(), at_start: true })
    }

    pub(super) fn is_number(&self) -> bool {
        self.text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
    }

    /// Returns the expected value for errors of serde_json's parser that do not name it. Parameters
    /// were parsed as JSON before, so such an error never means invalid JSON, but a value of the
    /// wrong type.
    pub(super) fn expected_instead(&self, error: &str) -> Option<&'static str> {
        match error {
            "invalid number" => Some("an integer"),
            "number out of range" if self.is_number() => Some("a number in range"),
            "expected value" => Some("one of the variants"),
            _ if self.is_rest_of_number(error) => Some("an integer"),
            _ => None,
        }
    }

    /// Whether serde_json stopped within a number. It reads a 128-bit integer up to the first byte
    /// that is not a digit.
    pub(super) fn is_rest_of_number(&self, error: &str) -> bool {
        let is_trailing =
            matches!(error, "expected `,` or `]`" | "expected `,` or `}`" | "expected `\"`" | "trailing characters");
        is_trailing && !self.at_start && self.is_number()
    }

    /// Returns the value for an error text: numbers, strings, booleans and null as they were sent.
    pub(super) fn in_words(&self) -> &'a str {
        match self.text.as_bytes() {
            [b'[', ..] => "an array",
            [b'{', ..] => "an object",
            _ => self.text,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;

    fn sent<T: DeserializeOwned>(json: &str) -> String {
        let error = serde_json::from_str::<T>(json).err().unwrap().to_string();
        SentValue::split(&error, json).1.map_or_else(String::new, |sent| sent.text.to_owned())
    }

    #[test]
    fn the_value_at_the_position_of_an_error_is_found() {
        for (sent, expected) in [
            (sent::<u128>("1.5"), "1.5"),
            (sent::<(u128,)>("[ 12e+3 ]"), "12e+3"),
            (sent::<Vec<u128>>("[1,\n\n 2.50, 3]"), "2.50"),
            (sent::<(String, u128)>("[\"ж\u{1F600}\n\", 1e21]".replace('\n', "\\n").as_str()), "1e21"),
            (sent::<u128>("-7"), "-7"),
            (sent::<u128>(r#""x""#), r#""x""#),
            (sent::<u128>("true"), "true"),
            (sent::<i128>("[1, 2]"), "[1, 2]"),
            (sent::<u8>("256"), "256"),
            (sent::<u8>("1e2"), "1e2"),
            (sent::<f64>("1e400"), "1e400"),
            (sent::<Vec<f32>>("[0, -1e39 ]"), "-1e39"),
        ] {
            assert_eq!(sent, expected);
        }
        assert!(
            SentValue::at("", 1, 1).is_none()
                && SentValue::at("[1]", 9, 9).is_none()
                && SentValue::at("1", 0, 0).is_none()
        );
    }
}
