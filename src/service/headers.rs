//! The headers of a request, copied for a method that may run on another thread.

use std::fmt;

/// Size of the headers of a usual request, in bytes.
const USUAL_SIZE: usize = 512;

/// The headers of a request. All names and values are in one text, so that a copy usually takes two
/// allocations, however many headers there are.
#[derive(Clone, Default)]
pub(crate) struct RequestHeaders {
    text: String,
    headers: Vec<HeaderEnds>,
}

/// Where the name and the value of a header end in the text. The name begins where the value of the
/// header before it ends.
#[derive(Clone, Copy)]
struct HeaderEnds {
    name: usize,
    value: usize,
}

impl RequestHeaders {
    /// Copies the headers whose values are UTF-8.
    ///
    /// A repeated header becomes one, with `, ` between its values, as RFC 9110 (§ 5.2) has it. The
    /// lines of a repeated header must follow one another. If a value of it is not UTF-8, the whole
    /// header is left out.
    pub(crate) fn copy<'a>(lines: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        let headers = Vec::with_capacity(lines.size_hint().0);
        let mut copy = Self { text: String::with_capacity(USUAL_SIZE), headers };
        let mut broken = None;
        for (name, value) in lines {
            if broken == Some(name) {
                continue;
            }
            let is_repeated = copy.last().is_some_and(|(last, _)| last.eq_ignore_ascii_case(name));
            match (std::str::from_utf8(value), is_repeated) {
                (Ok(value), false) => copy.push(name, value),
                (Ok(value), true) => copy.append(value),
                (Err(_), is_repeated) => {
                    broken = Some(name);
                    if is_repeated {
                        copy.pop();
                    }
                }
            }
        }
        copy
    }

    /// Returns the value of a header, whatever the case of its name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns the size of all names and values, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let begins = std::iter::once(0).chain(self.headers.iter().map(|ends| ends.value));
        begins.zip(&self.headers).map(|(begin, ends)| (&self.text[begin..ends.name], &self.text[ends.name..ends.value]))
    }

    fn last(&self) -> Option<(&str, &str)> {
        let begin = self.headers.len().checked_sub(2).map_or(0, |before| self.headers[before].value);
        let ends = self.headers.last()?;
        Some((&self.text[begin..ends.name], &self.text[ends.name..ends.value]))
    }

    fn push(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        let name = self.text.len();
        self.text.push_str(value);
        self.headers.push(HeaderEnds { name, value: self.text.len() });
    }

    /// Appends a further value to the last header.
    fn append(&mut self, value: &str) {
        self.text.push_str(", ");
        self.text.push_str(value);
        if let Some(last) = self.headers.last_mut() {
            last.value = self.text.len();
        }
    }

    /// Removes the last header.
    fn pop(&mut self) {
        self.headers.pop();
        self.text.truncate(self.headers.last().map_or(0, |last| last.value));
    }
}

/// Writes the names only: a value may be a token.
impl fmt::Debug for RequestHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(lines: &[(&str, &[u8])]) -> Vec<(String, String)> {
        let copy = RequestHeaders::copy(lines.iter().copied());
        copy.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn repeated_headers_are_joined_and_those_that_are_not_text_are_left_out() {
        type Lines<'a> = &'a [(&'a str, &'a [u8])];
        let table: &[(Lines<'_>, &[(&str, &str)])] = &[
            (&[], &[]),
            (&[("a", b"1"), ("b", b"")], &[("a", "1"), ("b", "")]),
            (&[("a", b"1"), ("a", b"2"), ("a", b"1"), ("b", b"3")], &[("a", "1, 2, 1"), ("b", "3")]),
            (&[("a", "ä".as_bytes())], &[("a", "ä")]),
            (&[("a", b"\xff"), ("b", b"1")], &[("b", "1")]),
            (&[("b", b"1"), ("a", b"1"), ("a", b"\xff"), ("a", b"2"), ("c", b"3")], &[("b", "1"), ("c", "3")]),
            (&[("a", b"\xff"), ("a", b"1"), ("b", b"2")], &[("b", "2")]),
            (&[("a", b"1"), ("a", b"\xff")], &[]),
        ];
        for (lines, expected) in table {
            let expected: Vec<_> = expected.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
            assert_eq!(copied(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn names_are_found_in_any_case() {
        let headers = RequestHeaders::copy([("X-Tenant-Id", &b"acme"[..]), ("x-tenant", b"other")].into_iter());
        for name in ["x-tenant-id", "X-TENANT-ID"] {
            assert_eq!(headers.get(name), Some("acme"));
        }
        assert_eq!((headers.get("x-tenant-i"), headers.get("")), (None, None));
    }
}
