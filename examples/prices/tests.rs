//! The tests of the service and its page.

use callbox::{Subscription, testing};
use futures::StreamExt;

use super::app;
use super::service::{Market, Market_Set, Market_Symbols, MarketClient, Price};

async fn next(prices: &mut Subscription<Price>) -> (String, f64) {
    let price = prices.next().await.expect("the subscription goes on").expect("a price").into_inner();
    (price.symbol, price.value)
}

#[tokio::test]
async fn a_subscription_starts_with_the_price_and_sends_each_change_of_its_symbol() {
    let server = testing::start(app());
    let market: MarketClient = server.service::<Market>().client();
    let mut pears = market.prices(Some("PEAR".to_owned())).await.unwrap();
    assert_eq!(next(&mut pears).await, ("PEAR".to_owned(), 2.5));

    market.set("CIDR".to_owned(), 7.0).await.unwrap();
    market.set("PEAR".to_owned(), 2.75).await.unwrap();
    assert_eq!(next(&mut pears).await, ("PEAR".to_owned(), 2.75));
}

#[tokio::test]
async fn without_a_symbol_it_sends_all_prices() {
    let server = testing::start(app());
    let market: MarketClient = server.service::<Market>().client();
    let mut prices = market.prices(None).await.unwrap();
    for expected in [("APPL", 1.9), ("CIDR", 6.4), ("PEAR", 2.5)] {
        assert_eq!(next(&mut prices).await, (expected.0.to_owned(), expected.1));
    }
    market.set("PLUM".to_owned(), 3.0).await.unwrap();
    assert_eq!(next(&mut prices).await, ("PLUM".to_owned(), 3.0));
}

#[test]
fn a_price_that_breaks_a_rule_and_a_symbol_too_many_are_rejected() {
    let server = testing::start(app());
    let set = |symbol: &str, value: f64| server.call(Market_Set { symbol: symbol.to_owned(), value });
    assert_eq!(set("pear", 1.0).unwrap_err().code(), -32602);
    assert_eq!(set("PEAR", -1.0).unwrap_err().code(), -32602);
    for number in 3..100_u8 {
        let symbol = [b'A' + number / 26, b'A' + number % 26];
        set(str::from_utf8(&symbol).unwrap(), 1.0).unwrap();
    }
    assert_eq!(server.call(Market_Symbols {}).unwrap().len(), 100);
    assert_eq!(set("ZZZ", 1.0).unwrap_err().code(), 409);
    assert!(set("PEAR", 1.0).is_ok(), "a symbol that is there has room");
}

#[test]
fn every_file_that_the_page_loads_is_there() {
    let server = testing::start(app());
    let page = server.get("/").body;
    for file in ["style.css", "prices.js"] {
        assert!(page.contains(&format!("\"{file}\"")), "{page}");
    }
    for file in ["style.css", "prices.js", "connection.js"] {
        assert_eq!(server.get(&format!("/{file}")).status, 200, "{file}");
    }
}
