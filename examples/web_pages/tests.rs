//! The tests of the service and its pages, over HTTP on a free port.

use callbox::testing;

use super::app;
use super::service::{Guestbook, Guestbook_Count, Guestbook_Erase, Guestbook_Ring, Guestbook_Sign};

#[test]
fn the_guestbook_page_shows_what_was_signed_and_no_markup_of_the_visitors() {
    let server = testing::start(app());
    let text = "<script>alert(1)</script>".to_owned();
    let entry = server.call(Guestbook_Sign { name: " Eve ".to_owned(), text }).unwrap();
    assert_eq!(entry.name, "Eve");
    let page = server.get("/");
    assert_eq!(page.status, 200, "the redirect leads to the guestbook");
    assert!(page.body.contains("<span id=\"count\">3</span>"), "{}", page.body);
    assert!(page.body.contains("&lt;script&gt;") && !page.body.contains("<script>"), "{}", page.body);

    assert!(server.call(Guestbook_Erase { id: entry.id }).is_err(), "without a token");
    assert_eq!(server.with_token("hello_world").call(Guestbook_Erase { id: entry.id }), Ok(true));
    assert_eq!(server.call(Guestbook_Count {}), Ok(2));
}

#[test]
fn a_text_that_is_too_long_is_rejected() {
    let server = testing::start(app());
    let error = server.call(Guestbook_Sign { name: "Eve".to_owned(), text: "x".repeat(281) }).unwrap_err();
    assert_eq!(error.message(), "The text has 281 characters, and may have 280");
}

#[test]
fn the_mailboxes_page_counts_the_calls_of_each_method() {
    let server = testing::start(app());
    for _ in 0..3 {
        server.notify(Guestbook_Ring {});
    }
    server.wait_idle::<Guestbook>();
    let row = |page: &str| {
        let (_, row) = page.split_once("<code>ring</code></th>").expect("a row for each method");
        row.split_once("</tr>").expect("its end").0.to_owned()
    };
    for path in ["/pages/mailboxes", "/pages/mailboxes/table"] {
        let page = server.get(path).body;
        assert!(row(&page).contains("<td data-label=\"Answered\">3</td>"), "{path}: {page}");
        assert!(row(&page).contains("<small>/32</small>"), "{path}: {page}");
    }
}

#[test]
fn every_file_that_the_pages_load_is_there() {
    let server = testing::start(app());
    for path in ["/pages/guestbook", "/pages/mailboxes"] {
        let page = server.get(path).body;
        let files: Vec<_> = page.split("\"/static/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(files.len() >= 3, "{path}: {files:?}");
        for file in files.into_iter().chain(["rpc.js"]) {
            assert_eq!(server.get(&format!("/static/{file}")).status, 200, "{file}");
        }
    }
}
