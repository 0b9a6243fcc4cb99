//! The service with its task, on a clock that the test moves: nothing here sleeps.

use std::time::Duration;

use callbox::{ServiceContext, testing};
use jiff::Timestamp;
use shop_api::NotifyClient;

use super::{INTERVAL, Notify};
use crate::clock::Clock;

fn texts(sent: Vec<shop_api::Mail>) -> Vec<String> {
    sent.into_iter().map(|mail| mail.text).collect()
}

#[tokio::test]
async fn a_mail_is_sent_when_it_is_due() {
    let clock = Clock::stopped_at(Timestamp::UNIX_EPOCH);
    let time = clock.clone();
    let service = testing::in_process(move |context: ServiceContext| Notify::start(time.clone(), &context));
    let notify: NotifyClient = service.service().client();
    notify.schedule("ann@example.org".to_owned(), "later".to_owned(), 60).await.unwrap();
    notify.schedule("ann@example.org".to_owned(), "now".to_owned(), 0).await.unwrap();
    assert_eq!(notify.send_due().await.unwrap(), 1);
    assert_eq!(texts(notify.sent().await.unwrap()), ["now"]);

    clock.advance(Duration::from_secs(59));
    assert_eq!(texts(notify.sent().await.unwrap()), ["now"], "it is due a second later");

    // The task begins a sleep of one second at any moment, so it may take a few.
    while notify.sent().await.unwrap().len() < 2 {
        clock.advance(INTERVAL);
        tokio::task::yield_now().await;
    }
    assert_eq!(texts(notify.sent().await.unwrap()), ["later", "now"]);
}
