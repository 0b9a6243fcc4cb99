//! Tests of the pages and files.

#[test]
fn the_stats_page_shows_the_count() {
    let server = callbox::testing::start(my_service::app());
    let page = server.get("/pages/stats");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<strong>0</strong>"), "{}", page.body);
}

#[test]
fn static_files_are_served() {
    let server = callbox::testing::start(my_service::app());
    let style = server.get("/static/style.css");
    assert_eq!(style.status, 200);
    assert_eq!(style.body, include_str!("../static/style.css"));
}
