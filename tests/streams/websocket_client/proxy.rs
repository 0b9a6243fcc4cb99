//! A TCP proxy whose connections a test can cut.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};

/// Passes bytes on, until a test cuts or redirects its connections.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepts: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    /// Where to; without it, connections are closed at once.
    target: Option<SocketAddr>,
    connections: Vec<AbortHandle>,
    accepted: usize,
}

impl Proxy {
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { target: Some(target), connections: Vec::new(), accepted: 0 }));
        let shared = Arc::clone(&state);
        let accepts = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut state = shared.lock().unwrap();
                let Some(target) = state.target else { continue };
                let connection = tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(target).await else { return };
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
                state.accepted += 1;
                state.connections.push(connection.abort_handle());
            }
        });
        Self { address, state, accepts }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/api", self.address)
    }

    pub(crate) fn http_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// Cuts all connections. New ones are passed on.
    pub(crate) fn cut(&self) {
        self.state.lock().unwrap().connections.drain(..).for_each(|connection| connection.abort());
    }

    /// Changes where new connections go to. None are accepted without a target.
    pub(crate) fn set_target(&self, target: Option<SocketAddr>) {
        self.state.lock().unwrap().target = target;
    }

    /// Returns the number of open connections.
    pub(crate) fn open(&self) -> usize {
        self.state.lock().unwrap().connections.iter().filter(|connection| !connection.is_finished()).count()
    }

    /// Returns the number of connections so far.
    pub(crate) fn accepted(&self) -> usize {
        self.state.lock().unwrap().accepted
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepts.abort();
        self.cut();
    }
}
