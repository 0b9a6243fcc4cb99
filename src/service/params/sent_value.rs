//! What a caller sent at the place of an error: serde_json tells the place, and not always what
//! stands there.

use serde_json::value::RawValue;

/// The text at the place of an error.
pub(super) struct Came<'a> {
    pub(super) text: &'a str,
    /// Whether it was stopped at its first byte, and not within it.
    begins: bool,
}

impl<'a> Came<'a> {
    /// What stands at the end of one of serde_json's errors as its place, and the error without it.
    pub(super) fn split(error: &'a str, json: &'a str) -> (&'a str, Option<Self>) {
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

    /// The number that this byte belongs to, or else the value that begins there. Both count from
    /// 1, columns in bytes.
    fn at(json: &'a str, line: usize, column: usize) -> Option<Self> {
        let lines = json.split_inclusive('\n').take(line.checked_sub(1)?);
        let at = (lines.map(str::len).sum::<usize>() + column).checked_sub(1)?;
        let is_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let (before, after) = json.as_bytes().split_at_checked(at)?;
        if after.first().is_some_and(is_number) {
            let begin = at - before.iter().rev().take_while(|byte| is_number(byte)).count();
            let end = at + after.iter().take_while(|byte| is_number(byte)).count();
            let number = Self { text: &json[begin..end], begins: begin == at };
            if number.is_number() {
                return Some(number);
            }
        }
        let mut values = serde_json::Deserializer::from_str(json.get(at..)?).into_iter::<&RawValue>();
        Some(Self { text: values.next()?.ok()?.get(), begins: true })
    }

    pub(super) fn is_number(&self) -> bool {
        self.text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
    }

    /// What was expected, if this is an error of serde_json's reader that does not tell. As
    /// parameters are JSON, it says only that they are no such value.
    pub(super) fn expected_instead(&self, error: &str) -> Option<&'static str> {
        match error {
            "invalid number" => Some("an integer"),
            "number out of range" if self.is_number() => Some("a number in range"),
            "expected value" => Some("one of the variants"),
            _ if self.is_rest_of_number(error) => Some("an integer"),
            _ => None,
        }
    }

    /// Whether reading stopped within a number: an integer of 128 bits is read up to the first byte
    /// that is no digit.
    pub(super) fn is_rest_of_number(&self, error: &str) -> bool {
        let goes_on =
            matches!(error, "expected `,` or `]`" | "expected `,` or `}`" | "expected `\"`" | "trailing characters");
        goes_on && !self.begins && self.is_number()
    }

    /// Numbers, strings, booleans and null as they were sent.
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

    fn came<T: DeserializeOwned>(json: &str) -> String {
        let error = serde_json::from_str::<T>(json).err().unwrap().to_string();
        Came::split(&error, json).1.map_or_else(String::new, |came| came.text.to_owned())
    }

    #[test]
    fn what_stands_at_the_place_of_an_error_is_found() {
        for (came, expected) in [
            (came::<u128>("1.5"), "1.5"),
            (came::<(u128,)>("[ 12e+3 ]"), "12e+3"),
            (came::<Vec<u128>>("[1,\n\n 2.50, 3]"), "2.50"),
            (came::<(String, u128)>("[\"ж\u{1F600}\n\", 1e21]".replace('\n', "\\n").as_str()), "1e21"),
            (came::<u128>("-7"), "-7"),
            (came::<u128>(r#""x""#), r#""x""#),
            (came::<u128>("true"), "true"),
            (came::<i128>("[1, 2]"), "[1, 2]"),
            (came::<u8>("256"), "256"),
            (came::<u8>("1e2"), "1e2"),
            (came::<f64>("1e400"), "1e400"),
            (came::<Vec<f32>>("[0, -1e39 ]"), "-1e39"),
        ] {
            assert_eq!(came, expected);
        }
        assert!(Came::at("", 1, 1).is_none() && Came::at("[1]", 9, 9).is_none() && Came::at("1", 0, 0).is_none());
    }
}
