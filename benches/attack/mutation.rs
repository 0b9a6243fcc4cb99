//! Damaged and hostile request bodies.

/// A pseudo-random generator, SplitMix64: equal seeds give equal bodies, so that what breaks a
/// server can be sent again.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Strings that are known to break software.
const HOSTILE_STRINGS: [&str; 32] = [
    "",
    " ",
    "\0",
    "\u{1}\u{1f}\u{7f}\u{85}",
    "\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "\u{feff}",
    "\u{202e}txt.exe",
    "\u{2028}\u{2029}",
    "\u{fffe}\u{ffff}",
    "\u{10ffff}",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮",
    "ﷺ﷽",
    "İstanbul ß ﬃ",
    "null",
    "undefined",
    "__proto__",
    "constructor",
    "NaN",
    "-Infinity",
    "1e400",
    "0x7fffffff",
    "99999999999999999999999999999999",
    "' OR 1=1; DROP TABLE users; --",
    "<script>alert(1)</script>",
    "{{7*7}}${7*7}#{7*7}",
    "%s%n%p%x%d",
    "$(sleep 10)`sleep 10`",
    "../../../../etc/passwd",
    "\\\"\\\\\\/\\b\\f",
    "rpc.",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
];

/// Fragments that are inserted into JSON without quotes, where they are often not valid JSON.
const HOSTILE_JSON: [&str; 16] = [
    r#""\ud800""#,
    r#""\udc00\ud800""#,
    r#""\u0000""#,
    r#""\x41""#,
    "1e999999",
    "-0",
    "01",
    "- 1",
    "1.",
    ".5",
    "Infinity",
    "'a'",
    "/**/1",
    "[[[[[[[[]]]]]]]]",
    r#"{"a":1,"a":2}"#,
    "\u{a0}1",
];

/// Returns one of the bodies, damaged, or one with a hostile string in it.
pub(crate) fn malformed(rng: &mut Rng, bodies: &[Vec<u8>]) -> Vec<u8> {
    if rng.below(4) == 0 {
        return hostile_body(rng);
    }
    let mut body = rng.pick(bodies).clone();
    for _ in 0..=rng.below(3) {
        damage(rng, &mut body, bodies);
    }
    body
}

fn damage(rng: &mut Rng, body: &mut Vec<u8>, others: &[Vec<u8>]) {
    let at = rng.below(body.len());
    match rng.below(6) {
        0 => {
            if let Some(byte) = body.get_mut(at) {
                *byte ^= 1 << rng.below(8);
            }
        }
        1 => body.truncate(at),
        2 => {
            body.drain(..at);
        }
        3 => body.insert(at, rng.below(256) as u8),
        4 => {
            let end = (at + 1 + rng.below(8)).min(body.len());
            body.drain(at..end);
        }
        _ => {
            // Joins the front of one body and the back of another.
            let other = rng.pick(others);
            body.truncate(at);
            body.extend_from_slice(&other[rng.below(other.len())..]);
        }
    }
}

fn hostile_body(rng: &mut Rng) -> Vec<u8> {
    let text = *rng.pick(&HOSTILE_STRINGS);
    let quoted = serde_json::Value::from(text).to_string();
    let raw = rng.pick(&HOSTILE_JSON);
    let body = match rng.below(8) {
        0 => format!(r#"{{"jsonrpc":"2.0","method":"echo","params":[{quoted}],"id":1}}"#),
        1 => format!(r#"{{"jsonrpc":"2.0","method":{quoted},"params":[],"id":1}}"#),
        2 => format!(r#"{{"jsonrpc":"2.0","method":"echo","params":{{{quoted}:1}},"id":1}}"#),
        3 => format!(r#"{{"jsonrpc":"2.0","method":"echo","params":["{text}"],"id":{quoted}}}"#),
        4 => format!(r#"{{"jsonrpc":"2.0","method":"echo","params":[{raw}],"id":1}}"#),
        5 => format!(r#"{{"jsonrpc":"2.0","method":"add","params":{raw},"id":{raw}}}"#),
        6 => format!(r#"[{quoted},{raw},{{"jsonrpc":{quoted},"method":"add","id":1}}]"#),
        _ => text.to_owned(),
    };
    body.into_bytes()
}
