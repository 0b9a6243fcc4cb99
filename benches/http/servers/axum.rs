//! axum, with the same hand-written borrowed parse.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::runtime;

use super::print_address;
use super::wire::handle;

pub(super) fn serve(workers: usize) {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let served = runtime.and_then(|runtime| {
        runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            print_address(listener.local_addr()?);
            let app = Router::new().route("/api", post(rpc)).with_state(Arc::new(Mutex::new(0)));
            axum::serve(listener, app).await
        })
    });
    served.expect("the server runs");
}

async fn rpc(State(state): State<Arc<Mutex<u64>>>, body: Bytes) -> impl IntoResponse {
    let count = || {
        let mut count = state.lock();
        *count += 1;
        *count
    };
    let answer = handle(&body, count).map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok::<_, StatusCode>(([(CONTENT_TYPE, "application/json")], answer))
}
