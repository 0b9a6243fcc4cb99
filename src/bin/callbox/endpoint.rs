//! The URL of a server, as it is written on a command line.

use reqwest::Url;

/// A URL of an endpoint. `localhost:5000` or `:5000` will do: http and this machine are meant, and without a path `/api`.
pub(crate) fn parse(text: &str) -> Result<Url, String> {
    let full = match text {
        _ if text.contains("://") => text.to_owned(),
        _ if text.starts_with(':') => format!("http://127.0.0.1{text}"),
        _ => format!("http://{text}"),
    };
    let url = Url::parse(&full).map_err(|error| format!("{error}: give a URL such as http://127.0.0.1:5000/api"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("a server is called by http or https, not {}", url.scheme()));
    }
    let (_, rest) = full.split_once("://").unwrap_or_default();
    let mut url = url;
    if !rest.contains(['/', '?', '#']) {
        url.set_path("/api");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_what_a_server_has_by_default() {
        for (text, expected) in [
            ("http://127.0.0.1:5000/api", "http://127.0.0.1:5000/api"),
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000/api"),
            ("127.0.0.1:5000", "http://127.0.0.1:5000/api"),
            (":5000", "http://127.0.0.1:5000/api"),
            ("localhost:5000/rpc", "http://localhost:5000/rpc"),
            ("http://localhost:5000/", "http://localhost:5000/"),
            ("https://example.org", "https://example.org/api"),
            ("http://[::1]:5000", "http://[::1]:5000/api"),
        ] {
            assert_eq!(parse(text).map(String::from), Ok(expected.to_owned()), "{text}");
        }
        for text in ["", "ftp://localhost/api", "http://", "http://a b/", "localhost:99999"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
