//! Property tests: a statement that is checked with many random values.

use std::hash::{BuildHasher, RandomState};

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;

/// Number of cases of a property whose cases take little time.
pub(crate) const CASES: u32 = 256;

/// Number of random bytes in the last case of a property, from which it makes its values.
const LAST_CASE: u64 = 4096;

/// Checks a property with this many random cases, which grow from small to large.
///
/// `arbtest` alone stops after a time. This runs all cases on a busy machine, too.
///
/// # Panics
///
/// If a case fails. `arbtest` prints its seed: `ARBTEST_SEED=0x… cargo test NAME_OF_THE_TEST` runs
/// that case alone.
pub(crate) fn check(cases: u32, mut property: impl FnMut(&mut Unstructured<'_>) -> Result<()>) {
    if std::env::var_os("ARBTEST_SEED").is_some() {
        return arbtest(property).run();
    }
    let random = RandomState::new();
    for case in 1..=cases {
        let size = LAST_CASE * u64::from(case) / u64::from(cases);
        // The lower half of a seed is the number of bytes, the upper half tells them apart.
        let seed = random.hash_one(case) << u32::BITS | size;
        arbtest(&mut property).seed(seed).run();
    }
}

/// Returns a list of `least..=most` values.
pub(crate) fn list<'a, T>(
    u: &mut Unstructured<'a>,
    least: usize,
    most: usize,
    mut value: impl FnMut(&mut Unstructured<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    (0..u.int_in_range(least..=most)?).map(|_| value(u)).collect()
}

/// Returns a text of at most `most` characters, many of which mean something to a parser.
pub(crate) fn text(u: &mut Unstructured<'_>, most: usize) -> Result<String> {
    let characters = list(u, 0, most, |u| match u.int_in_range(0..=3u8)? {
        0 => u.int_in_range(b' '..=b'~').map(char::from),
        1 => u.choose(&['"', '\\', '/', '{', '}', '[', ']', ':', ',', '\0', '\t', '\r', '\u{7f}', '\u{2028}']).copied(),
        2 => u.arbitrary().map(|byte: u8| byte.into()),
        _ => u.arbitrary(),
    })?;
    Ok(characters.into_iter().collect())
}
