//! The orders, with the catalog and the mail that they call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use callbox::auth::Tokens;
use callbox::client::ClientError;
use callbox::{Caller, Server, testing};
use rust_decimal::Decimal;
use shop::clock::Clock;
use shop::orders::Orders;
use shop_api::catalog::Catalog_Get;
use shop_api::notify::Notify_Schedule;
use shop_api::orders::{Orders_List, Orders_Place};
use shop_api::{CatalogClient, CatalogError, Line, Mail, NotifyClient, OrderError, OrdersClient};

use crate::shop::{Shop, config, issue, product};

fn line(sku: &str, pieces: u32) -> Line {
    Line { sku: sku.to_owned(), pieces }
}

fn place(key: &str, lines: Vec<Line>) -> Orders_Place {
    Orders_Place { key: key.to_owned(), email: "ann@example.org".to_owned(), lines }
}

#[tokio::test]
async fn an_order_has_the_prices_of_the_catalog_and_is_placed_once() {
    let shop = Shop::start();
    let orders = shop.orders("acme");
    let first = orders.call(place("a", vec![line("tea", 2), line("cake", 1)])).await.unwrap();
    assert_eq!(first.total, Decimal::new(820, 2));
    assert_eq!(first.items[0].name, "TEA");
    let again = orders.call(place("a", vec![line("tea", 2), line("cake", 1)])).await.unwrap();
    assert_eq!(again, first, "the same key is the same order");
    assert_eq!(orders.list(None).await.unwrap(), [first]);
}

#[test]
fn the_key_of_another_order_is_refused_and_shows_nothing_of_it() {
    let shop = Shop::start();
    let customer = shop.server.with_header("X-Tenant-Id", "acme");
    let first = || place("a", vec![line("tea", 2), line("cake", 1)]);
    let placed = customer.call(first()).unwrap();
    for (what, other) in [
        ("another customer", Orders_Place { email: "bob@example.org".to_owned(), ..first() }),
        ("other pieces", place("a", vec![line("tea", 3), line("cake", 1)])),
        ("other products", place("a", vec![line("cake", 2), line("tea", 1)])),
        ("fewer lines", place("a", vec![line("tea", 2)])),
        ("what is not sold", place("a", vec![line("gold", 1)])),
    ] {
        let error = customer.call(other).unwrap_err();
        assert_eq!((error.code(), error.message()), (409, "Another order has this key: take a new one"), "{what}");
        assert!(error.data().is_none(), "{what}: {error:?}");
    }
    assert_eq!(customer.call(first()), Ok(placed), "the same order may still be sent again");
    assert_eq!(shop.server.with_token(&shop.token).call(Orders_List { before: None }).unwrap().len(), 1);
}

/// The table decides which of them is stored, also if both have found no order of the key.
#[tokio::test]
async fn of_two_orders_with_one_key_at_the_same_time_one_is_refused() {
    let shop = Shop::start();
    let orders = shop.orders("acme");
    let bob = Orders_Place { email: "bob@example.org".to_owned(), ..place("a", vec![line("tea", 1)]) };
    let both = tokio::join!(orders.call(place("a", vec![line("tea", 1)])), orders.call(bob));
    let ((Ok(_), Err(ClientError::Method(refused))) | (Err(ClientError::Method(refused)), Ok(_))) = both else {
        panic!("{both:?}")
    };
    assert_eq!(refused, OrderError::KeyTaken);
    assert_eq!(orders.list(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_the_shop_does_not_sell_is_not_ordered() {
    let shop = Shop::start();
    let orders = shop.orders("acme");
    for (lines, expected) in [
        (vec![line("gold", 1)], OrderError::NoSuchProduct { sku: "gold".to_owned() }),
        (vec![line("tea", 0)], OrderError::NothingOrdered),
    ] {
        let Err(ClientError::Method(error)) = orders.call(place("a", lines)).await else { panic!("{expected:?}") };
        assert_eq!(error, expected);
    }
    let missing = orders.ship(7).await;
    assert!(matches!(missing, Err(ClientError::Method(OrderError::NoSuchOrder { id: 7 }))), "{missing:?}");
    let empty = orders.call(place("a", vec![])).await;
    assert!(matches!(&empty, Err(ClientError::Server(error)) if error.code() == -32602), "{empty:?}");
    assert_eq!(orders.list(None).await.unwrap(), []);
}

/// The orders alone: fakes stand in for the services that they call.
#[tokio::test]
async fn without_the_catalog_nothing_is_ordered_and_no_mail_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    // Nobody sends one, but methods with a scope need something that checks it.
    issue(&config.token_file, "acme", &[]);
    let tokens = Tokens::open(&config.token_file).unwrap();
    let is_up = Arc::new(AtomicBool::new(false));
    let up = Arc::clone(&is_up);
    let catalog = testing::fake::<CatalogClient>(move |fake| {
        fake.on(move |get: Catalog_Get| match up.load(Ordering::Relaxed) {
            true => Ok(product(&get.sku, 250)),
            false => Err(CatalogError::Internal("it is away".to_owned())),
        });
    });
    let (mails, sent) = channel();
    let notify = testing::fake::<NotifyClient>(move |fake| {
        fake.on(move |mail: Notify_Schedule| {
            mails.send(mail.text).expect("the test goes on");
            Ok(())
        });
    });
    let factory = move || Orders::connect(config.clone(), Clock::system());
    let server = Server::new(factory).tokens(tokens).with_client(catalog).with_client(notify);
    let server = testing::start(server);
    let orders: OrdersClient = server.service::<Orders>().as_caller(Caller::named("acme")).client();

    let away = orders.call(place("a", vec![line("tea", 1)])).await;
    assert!(matches!(away, Err(ClientError::Method(OrderError::CatalogUnavailable))), "{away:?}");
    assert!(sent.try_recv().is_err());
    is_up.store(true, Ordering::Relaxed);
    orders.call(place("a", vec![line("tea", 1)])).await.unwrap();
    assert_eq!(sent.recv().unwrap(), "Thank you for your order 1. Its total is 2.50.");
}

#[tokio::test]
async fn pages_go_from_the_newest_order_to_the_oldest() {
    let shop = Shop::start();
    let orders = shop.orders("acme");
    for key in ["a", "b", "c", "d"] {
        orders.call(place(key, vec![line("tea", 1)])).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut last = None;
    loop {
        let page = orders.list(last).await.unwrap();
        assert!(page.len() <= 3, "the page size");
        let Some(order) = page.last() else { break };
        last = Some(order.id);
        seen.extend(page.into_iter().map(|order| order.id));
    }
    assert_eq!(seen, [4, 3, 2, 1]);
}

/// Over HTTP, where customers have no token: the gateway names the tenant.
#[test]
fn a_tenant_sees_its_own_orders_alone() {
    let shop = Shop::start();
    let nameless = shop.server.call(place("a", vec![line("tea", 1)])).unwrap_err();
    assert_eq!((nameless.code(), nameless.message()), (400, "Which tenant? Send the header X-Tenant-Id"));
    for tenant in ["acme", "zenith"] {
        shop.server.with_header("X-Tenant-Id", tenant).call(place("a", vec![line("tea", 1)])).unwrap();
    }
    let list = || Orders_List { before: None };
    assert_eq!(shop.server.with_header("X-Tenant-Id", "acme").call(list()).unwrap_err().code(), -32001);
    // The token is of acme, whatever the header says.
    let acme = shop.server.with_token(&shop.token);
    for client in [acme.clone(), acme.with_header("X-Tenant-Id", "zenith")] {
        let ids: Vec<_> = client.call(list()).unwrap().into_iter().map(|order| order.id).collect();
        assert_eq!(ids, [1]);
    }
}

#[tokio::test]
async fn a_customer_gets_mail_and_is_asked_for_a_review_a_week_later() {
    let shop = Shop::start();
    let (orders, notify) = (shop.orders("acme"), shop.notify());
    let id = orders.call(place("a", vec![line("tea", 1)])).await.unwrap().id;
    orders.ship(id).await.unwrap();
    orders.ship(id).await.unwrap();
    assert!(orders.list(None).await.unwrap()[0].shipped);
    let sent = async || {
        notify.send_due().await.unwrap();
        let mails = notify.sent().await.unwrap();
        mails.into_iter().map(|Mail { text, .. }| text).collect::<Vec<_>>()
    };
    let both = ["Your order 1 is on its way.", "Thank you for your order 1. Its total is 2.50."];
    assert_eq!(sent().await, both, "the second `ship` changed nothing");
    shop.clock.advance(Duration::from_secs(7 * 24 * 60 * 60));
    assert_eq!(sent().await, [&["Do you like what you have ordered (1)?"], &both[..]].concat());
}

#[tokio::test]
async fn a_report_sums_up_what_was_sold() {
    let shop = Shop::start();
    let orders = shop.orders("acme");
    orders.call(place("a", vec![line("tea", 2), line("cake", 1)])).await.unwrap();
    orders.call(place("b", vec![line("tea", 1)])).await.unwrap();
    shop.orders("zenith").call(place("a", vec![line("tea", 100)])).await.unwrap();
    let report = orders.summarize(orders.sales().await.unwrap()).await.unwrap();
    assert_eq!(report.revenue, Decimal::new(1070, 2));
    assert_eq!(
        report.products.iter().map(|sale| (&*sale.sku, sale.pieces)).collect::<Vec<_>>(),
        [("tea", 3), ("cake", 1)]
    );
}
