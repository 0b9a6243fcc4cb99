//! Bodies that somebody has damaged, or that nobody would write in good faith.

/// SplitMix64: equal seeds give equal bodies, so that what breaks a server can be sent again.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.roll() % bound.max(1) as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Text that has hurt somebody before.
const NAUGHTY: [&str; 32] = [
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

/// The same text raw in JSON, where it is often no JSON at all.
const RAW: [&str; 16] = [
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

/// One of the bodies, damaged; or one with naughty text in it.
pub(crate) fn malformed(dice: &mut Dice, bodies: &[Vec<u8>]) -> Vec<u8> {
    if dice.below(4) == 0 {
        return naughty(dice);
    }
    let mut body = dice.pick(bodies).clone();
    for _ in 0..=dice.below(3) {
        damage(dice, &mut body, bodies);
    }
    body
}

fn damage(dice: &mut Dice, body: &mut Vec<u8>, others: &[Vec<u8>]) {
    let at = dice.below(body.len());
    match dice.below(6) {
        0 => {
            if let Some(byte) = body.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        1 => body.truncate(at),
        2 => {
            body.drain(..at);
        }
        3 => body.insert(at, dice.below(256) as u8),
        4 => {
            let end = (at + 1 + dice.below(8)).min(body.len());
            body.drain(at..end);
        }
        _ => {
            // The front of one and the back of another.
            let other = dice.pick(others);
            body.truncate(at);
            body.extend_from_slice(&other[dice.below(other.len())..]);
        }
    }
}

fn naughty(dice: &mut Dice) -> Vec<u8> {
    let text = *dice.pick(&NAUGHTY);
    let quoted = serde_json::Value::from(text).to_string();
    let raw = dice.pick(&RAW);
    let body = match dice.below(8) {
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
