//! The pages, the upload, and who may use them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use callbox::testing::TestResponse;
use shop_api::Line;
use shop_api::catalog::Catalog_Get;
use shop_api::orders::Orders_Place;

use crate::shop::{Shop, issue};

/// Returns the header by which a browser sends a token.
pub(crate) fn basic(token: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!(":{token}")))
}

fn upload(shop: &Shop, token: &str, body: &str) -> TestResponse {
    shop.server.with_header("Authorization", &basic(token)).send("POST", "/staff/products", body)
}

#[test]
fn everybody_sees_the_products_page_by_page() {
    let shop = Shop::start();
    let more = "{\"sku\":\"jam\",\"name\":\"<b>Jam</b>\",\"price\":\"4.10\"}\n\n\
                {\"sku\":\"zest\",\"name\":\"Zest\",\"price\":\"0.99\"}";
    let uploaded = upload(&shop, &shop.token, more);
    assert_eq!((uploaded.status, &*uploaded.body), (200, &*format!("{{\"bytes\":{}}}", more.len())));
    let page = shop.server.get("/").body;
    assert!(page.contains("&lt;b&gt;Jam&lt;/b&gt;") && page.contains("4.10"), "{page}");
    assert!(page.contains("href=\"/?after=tea\""), "{page}");
    let last = shop.server.get("/?after=tea").body;
    assert!(last.contains("Zest") && !last.contains("after="), "{last}");
}

#[test]
fn the_link_to_more_products_leads_to_them_whatever_their_numbers_are() {
    let shop = Shop::start();
    let product = |sku| format!("{{\"sku\":\"{sku}\",\"name\":\"Name\",\"price\":\"1.00\"}}\n");
    let uploaded = upload(&shop, &shop.token, &["A", "B", "a&b"].map(product).concat());
    assert_eq!(uploaded.status, 200, "{}", uploaded.body);
    let page = shop.server.get("/").body;
    assert!(page.contains("href=\"/?after=a%26b\""), "{page}");
    let last = shop.server.get("/?after=a%26b").body;
    assert!(last.contains("TEA") && !last.contains("a&amp;b"), "{last}");
}

#[test]
fn an_upload_ends_at_its_first_mistake() {
    let shop = Shop::start();
    let good = "{\"sku\":\"jam\",\"name\":\"Jam\",\"price\":\"4.10\"}\n";
    for (rest, status, text) in [
        ("nonsense\n", 400, "line 2: expected ident"),
        ("{\"sku\":\"debt\",\"name\":\"Debt\",\"price\":\"-1\"}", 422, "line 2: a price is not negative"),
        (&*" ".repeat(1_000), 413, "an upload has at most 1000 bytes: send several"),
    ] {
        let answer = upload(&shop, &shop.token, &format!("{good}{rest}"));
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.body.starts_with(text), "{}", answer.body);
    }
    assert!(shop.server.call(Catalog_Get { sku: "jam".to_owned() }).is_ok(), "the line before it counts");
}

#[test]
fn a_page_of_another_site_uploads_nothing() {
    let shop = Shop::start();
    let staff = shop.server.with_header("Authorization", &basic(&shop.token));
    let jam = "{\"sku\":\"jam\",\"name\":\"Jam\",\"price\":\"4.10\"}";
    let own = format!("http://{}", shop.server.address());
    for (name, value) in [
        ("Origin", "https://evil.example"),
        ("Origin", &format!("{own}.evil.example")),
        ("Origin", "http://127.0.0.1:1"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        let page = staff.with_header(name, value);
        assert_eq!(page.send("POST", "/staff/products", jam).status, 403, "{name}: {value}");
        assert_eq!(page.get("/staff/orders").status, 200, "{name}: {value}: to read changes nothing");
    }
    let two = staff.with_header("Origin", &own).with_header("Origin", "https://evil.example");
    assert_eq!(two.send("POST", "/staff/products", jam).status, 403);
    assert!(shop.server.call(Catalog_Get { sku: "jam".to_owned() }).is_err());

    let page = staff.with_header("Origin", &own).with_header("Sec-Fetch-Site", "same-origin");
    assert_eq!(page.send("POST", "/staff/products", jam).status, 200);
    assert!(shop.server.call(Catalog_Get { sku: "jam".to_owned() }).is_ok());
}

#[test]
fn the_staff_needs_a_token_with_the_scope() {
    let shop = Shop::start();
    let reader = shop.server.with_header("Authorization", &basic(&shop.token));
    for path in ["/staff/orders", "/staff/report"] {
        assert_eq!(reader.get(path).status, 200, "{path}");
        let anonymous = shop.server.get(path);
        assert_eq!((anonymous.status, anonymous.header("www-authenticate").is_some()), (401, true), "{path}");
        let wrong = shop.server.with_header("Authorization", &basic("guess")).get(path);
        assert_eq!(wrong.status, 401, "{path}");
    }
    assert_eq!(upload(&shop, "guess", "").status, 401);

    // The server reads the file again when it changes.
    let weak = issue(&shop.tokens, "acme.ann", &["orders:ship"]);
    let weak = shop.server.with_header("Authorization", &basic(&weak));
    callbox_test_support::wait::until("the new token is known", || weak.get("/staff/orders").status == 403);
}

#[test]
fn the_staff_sees_orders_and_the_report() {
    let shop = Shop::start();
    let staff = shop.server.with_token(&shop.token);
    for key in ["a", "b", "c"] {
        let lines = vec![Line { sku: "tea".to_owned(), pieces: 2 }];
        staff.call(Orders_Place { key: key.to_owned(), email: "<ann>".to_owned(), lines }).unwrap();
    }
    let browser = shop.server.with_header("Authorization", &basic(&shop.token));
    let page = browser.get("/staff/orders").body;
    assert!(page.contains("The orders of acme.") && page.contains("&lt;ann&gt;"), "{page}");
    assert!(page.contains("<tr id=\"order-3\">") && page.contains("2 × TEA"), "{page}");
    assert!(page.contains("href=\"/staff/orders?before=1\""), "{page}");
    let report = browser.get("/staff/report").body;
    assert!(report.contains("<strong>15.00</strong>"), "{report}");
}
