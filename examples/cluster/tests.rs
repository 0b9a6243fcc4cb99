//! The tests of the service alone. What becomes of a cluster is tested with the script.

use callbox::testing;

use super::app;
use super::service::{Quote, Quotes_Quote, Quotes_SetPace};

#[test]
fn a_quote_has_the_price_and_the_name_of_its_instance() {
    let server = testing::start(app());
    server.call(Quotes_SetPace { ms: 0 }).unwrap();
    let quote = server.call(Quotes_Quote { grams: 2_000 });
    assert_eq!(quote, Ok(Quote { cents: 550, by: "a".to_owned() }));
}
