//! Reports of the progress of calls, over a WebSocket and over HTTP.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbox::client::ClientError;

use super::over_http;
use super::service::{Waiting, connect, server_with, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_call_has_reports_before_its_result() {
    let waiting = Waiting::default();
    let server = server_with(waiting.clone());
    for market in [connect(&server).await, over_http::client(&server)] {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let (seen, waiting) = (Arc::clone(&reports), waiting.clone());
        let call = market.slowly(7).on_progress(move |report| {
            seen.lock().unwrap().push(report.clone());
            waiting.release();
        });
        assert_eq!(call.await.unwrap(), 7);
        let reports = reports.lock().unwrap().clone();
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert_eq!((reports[0].done, reports[0].total, &*reports[0].message), (7, Some(7), "the last step"));
        let without = market.echo("no reports".into()).on_progress(|report| panic!("{report:?}"));
        assert_eq!(without.await.unwrap(), "no reports");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_call_with_reports_is_cancelled_when_it_is_dropped_and_at_its_deadline() {
    let waiting = Waiting::default();
    let server = server_with(waiting.clone());
    for market in [connect(&server).await, over_http::client(&server)] {
        let reported = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&reported);
        let call = market.slowly(5).on_progress(move |report| seen.store(report.done, Ordering::SeqCst));
        let call = tokio::spawn(call);
        until("there is a report", || reported.load(Ordering::SeqCst) == 5).await;
        assert_eq!(waiting.count(), 1);
        call.abort();
        until("it is cancelled", || waiting.count() == 0).await;

        let call = market.slowly(5).with_deadline(Duration::from_millis(300)).on_progress(|_| {});
        let late = call.await.unwrap_err();
        assert!(matches!(late, ClientError::Deadline(_)), "{late}");
        until("it is cancelled", || waiting.count() == 0).await;
    }
}
