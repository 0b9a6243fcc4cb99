//! The files of the console's page, embedded at build time.

pub(super) const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

pub(super) const PAGE: &str = include_str!("../../../templates/console/page.hbs");

macro_rules! files {
    ($($name:literal: $content_type:ident,)+) => {
        const FILES: &[(&str, &str, &str)] =
            &[$(($name, $content_type, include_str!(concat!("../../../static/console/", $name))),)+];
    };
}

files! {
    "base.css": CSS,
    "controls.css": CSS,
    "frame.css": CSS,
    "method.css": CSS,
    "mailboxes.css": CSS,
    "narrow.css": CSS,
    "prose.css": CSS,
    "streams.css": CSS,
    "icon.svg": SVG,
    "answer.js": JS,
    "blame.js": JS,
    "cadence.js": JS,
    "containers.js": JS,
    "dom.js": JS,
    "fields.js": JS,
    "format.js": JS,
    "history.js": JS,
    "instances.js": JS,
    "item-list.js": JS,
    "json.js": JS,
    "mailboxes.js": JS,
    "main.js": JS,
    "members.js": JS,
    "method-view.js": JS,
    "methods.js": JS,
    "notice.js": JS,
    "object.js": JS,
    "progress-bar.js": JS,
    "prose-scan.js": JS,
    "prose-spans.js": JS,
    "prose.js": JS,
    "request-view.js": JS,
    "rpc.js": JS,
    "run.js": JS,
    "rust-snippet.js": JS,
    "rust.js": JS,
    "schema.js": JS,
    "snippets.js": JS,
    "socket-worker.js": JS,
    "socket.js": JS,
    "subscription.js": JS,
    "tally.js": JS,
    "variant.js": JS,
    "watch.js": JS,
}

/// Returns the content type and the text of a file.
pub(super) fn find(name: &str) -> Option<(&'static str, &'static str)> {
    FILES.iter().find(|(known, ..)| *known == name).map(|(_, content_type, text)| (*content_type, *text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_of_the_console_is_embedded() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/static/console");
        let there =
            std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let embedded = FILES.iter().map(|(name, ..)| (*name).to_owned());
        assert_eq!(there.collect::<BTreeSet<_>>(), embedded.collect());
    }

    /// The content security policy would block them, and the browser would report that only in its
    /// developer tools.
    #[test]
    fn the_page_has_no_script_and_no_style_of_its_own() {
        for forbidden in ["<style", "style=", "<script>", "onclick", "javascript:", "http://", "https://"] {
            assert!(!PAGE.contains(forbidden), "{forbidden}");
        }
        for (name, _, text) in FILES.iter().filter(|(_, content_type, _)| *content_type == JS) {
            for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage"]
            {
                assert!(!text.contains(forbidden), "{name}: {forbidden}");
            }
        }
    }
}
