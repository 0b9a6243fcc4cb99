//! The feed over time, which is paused and advanced by the tests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::engine::{MethodStats, Refusals, ServiceStats};
use crate::measure::{Histogram, ServerCounters};
use crate::sync::Arc;

use super::{Frames, NoFrames, StatsFeed};

/// A service of one method that has answered `answered` calls and rejected twice as many.
fn service(answered: u64) -> ServiceStats {
    let refused_for = Refusals { full: 2 * answered, params: answered, ..Refusals::default() };
    let method = MethodStats {
        method: "ping".to_owned(),
        group: None,
        depth: 3,
        capacity: 8,
        running: 1,
        inline: 0,
        queued: answered,
        answered,
        failed: 0,
        panicked: 0,
        refused: 3 * answered,
        refused_for,
        expired: 0,
        abandoned: 0,
        cancelled: 0,
        is_subscription: false,
        subscriptions: 0,
        items: 0,
        missed_items: 0,
        usual: Duration::ZERO,
        wait: Histogram::default(),
        run: Histogram::default(),
    };
    ServiceStats {
        service: "test".to_owned(),
        is_up: true,
        restarts: 0,
        tasks: 0,
        task_panics: 0,
        methods: vec![method],
    }
}

/// A feed whose method answers ten more calls with each sample, and the number of samples.
fn feed() -> (StatsFeed, Arc<AtomicU64>) {
    let looks = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&looks);
    let services = move || vec![service(10 * (counted.fetch_add(1, Ordering::Relaxed) + 1))];
    (StatsFeed::new(services, ServerCounters::default()), looks)
}

async fn next(frames: &mut Frames) -> Value {
    serde_json::to_value(frames.next().await.unwrap()).unwrap()
}

fn ping(frame: &Value) -> &Value {
    &frame["services"][0]["methods"][0]
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sampled_while_there_is_no_page() {
    let (feed, looks) = feed();
    sleep(Duration::from_secs(60)).await;
    assert!(!feed.is_sampling());
    let mut frames = feed.subscribe().unwrap();
    next(&mut frames).await;
    assert!(feed.is_sampling());
    drop(frames);
    sleep(Duration::from_secs(60)).await;
    assert!(!feed.is_sampling());
    assert_eq!(looks.load(Ordering::Relaxed), 1);
    next(&mut feed.subscribe().unwrap()).await;
    assert_eq!(looks.load(Ordering::Relaxed), 2, "and the next page wakes it up at once");
}

#[tokio::test(start_paused = true)]
async fn all_pages_share_one_sample_a_second() {
    let (feed, looks) = feed();
    let mut pages: Vec<_> = (0..64).map(|_| feed.subscribe().unwrap()).collect();
    assert_eq!(feed.subscribe().unwrap_err(), NoFrames::TooManyPages);
    for second in 1..=5 {
        let mut frames = Vec::new();
        for page in &mut pages {
            frames.push(next(page).await);
        }
        assert!(frames.iter().all(|frame| *frame == frames[0]));
        assert_eq!(looks.load(Ordering::Relaxed), second);
    }
    pages.pop();
    assert!(feed.subscribe().is_ok(), "and room again");
}

#[tokio::test(start_paused = true)]
async fn a_closed_feed_has_no_frames() {
    let (feed, _) = feed();
    feed.close();
    assert_eq!(feed.subscribe().unwrap_err(), NoFrames::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_connects_later_gets_the_latest_frame_at_once() {
    let (feed, looks) = feed();
    let mut first = feed.subscribe().unwrap();
    let frame = next(&mut first).await;
    let mut second = feed.subscribe().unwrap();
    assert_eq!(next(&mut second).await, frame);
    assert_eq!(looks.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_page_misses_frames_and_gets_the_newest() {
    let (feed, looks) = feed();
    let mut frames = feed.subscribe().unwrap();
    next(&mut frames).await;
    sleep(Duration::from_millis(10_500)).await;
    let frame = next(&mut frames).await;
    assert_eq!(ping(&frame)["ended"]["answered"], json!(10 * (looks.load(Ordering::Relaxed) - 1)));
    assert_eq!(looks.load(Ordering::Relaxed), 11);
}

#[tokio::test(start_paused = true)]
async fn a_frame_has_the_rates_of_the_last_second_and_the_sums_of_the_window() {
    let (feed, _) = feed();
    let mut frames = feed.subscribe().unwrap();
    let first = next(&mut frames).await;
    assert_eq!((&first["window_s"], &ping(&first)["ran_per_s"]), (&json!(0.0), &json!(0.0)));
    for second in 1..=3 {
        let frame = next(&mut frames).await;
        let ping = ping(&frame);
        assert_eq!(frame["window_s"], json!(f64::from(second)));
        assert_eq!((&ping["ran_per_s"], &ping["rejected_per_s"]), (&json!(10.0), &json!(20.0)));
        assert_eq!(
            (&ping["ended"]["answered"], &ping["refused_for"]["full"]),
            (&json!(10 * second), &json!(20 * second))
        );
        assert_eq!((&ping["depth"], &ping["capacity"], &ping["running"]), (&json!(3), &json!(8), &json!(1)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_window_is_five_minutes_long_at_most_and_outlives_its_pages() {
    let (feed, _) = feed();
    let mut frames = feed.subscribe().unwrap();
    for _ in 0..400 {
        next(&mut frames).await;
    }
    let frame = next(&mut frames).await;
    let window = frame["window_s"].as_f64().unwrap();
    assert!((294.0..=300.0).contains(&window), "{window}");
    assert_eq!(ping(&frame)["ended"]["answered"].as_f64().unwrap(), 10.0 * window);

    drop(frames);
    sleep(Duration::from_secs(60)).await;
    let frame = next(&mut feed.subscribe().unwrap()).await;
    let window = frame["window_s"].as_f64().unwrap();
    assert!((294.0..=300.0).contains(&window), "{window}");
    assert_eq!(ping(&frame)["ran_per_s"], json!(0.0), "a minute ago says nothing of the moment");

    sleep(Duration::from_secs(301)).await;
    let frame = next(&mut feed.subscribe().unwrap()).await;
    assert_eq!(frame["window_s"], json!(0.0), "what is older than the window is forgotten");
}
