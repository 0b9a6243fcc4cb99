//! The header `Accept`: which types of a response a client wants.

use actix_web::http::header::{ACCEPT, HeaderMap};

/// Returns how much a client wants a type that it names, in thousandths: its `q`, or 1,000 without
/// one. A type that is not named has 0. Ranges such as `*/*` do not count.
pub(super) fn quality(headers: &HeaderMap, media: &str) -> u16 {
    let ranges = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    ranges.filter_map(|range| quality_in(range, media)).max().unwrap_or(0)
}

/// Returns the quality of one range if it names the type.
fn quality_in(range: &str, media: &str) -> Option<u16> {
    let mut parts = range.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(media) {
        return None;
    }
    let weight = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("q"));
    // A weight that cannot be read is none.
    let weight = weight.and_then(|(_, value)| value.parse::<f32>().ok()).unwrap_or(1.0);
    Some((weight.clamp(0.0, 1.0) * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn a_type_has_the_weight_that_the_client_gives_it() {
        for (accept, expected) in [
            ("", 0),
            ("*/*", 0),
            ("text/*", 0),
            ("text/plain", 1000),
            ("TEXT/Plain ; version=0.0.4; Q=0.5", 500),
            ("text/html, text/plain;q=0.25", 250),
            ("text/plain;q=0", 0),
            ("text/plain;q=0.1,text/plain;version=2;q=0.9", 900),
            ("text/plain;q=much", 1000),
            ("text/plain;q=NaN", 0),
            ("text/plain;q=7", 1000),
            ("text/plain;q=-1", 0),
            (";;,text/plainer", 0),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(quality(&headers, "text/plain"), expected, "{accept}");
        }
    }
}
