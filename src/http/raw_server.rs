//! A real server on a free port, and a client that sends raw bytes, for tests of what actix's own
//! test server does not show.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::{App, web};
use tokio::sync::oneshot;

use super::connections::{ConnectionLimits, Connections};
use super::listen::HttpListener;
use super::request_tracking::track_request;
use super::trusted_proxies::TrustedProxies;

pub(super) struct RawServer {
    pub(super) addr: SocketAddr,
    pub(super) connections: Arc<Connections>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

pub(super) struct RawServerOptions {
    pub(super) limits: ConnectionLimits,
    pub(super) half_closed: bool,
    /// Size of the operating system's send buffer of a connection, in bytes; `None` is its default.
    pub(super) send_buffer: Option<usize>,
    pub(super) proxies: Arc<TrustedProxies>,
}

impl Default for RawServerOptions {
    fn default() -> Self {
        let limits = ConnectionLimits {
            total: 1000,
            per_peer: 1000,
            stall_timeout: Duration::from_secs(30),
            stream_stall_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(30),
        };
        Self { limits, half_closed: false, send_buffer: None, proxies: Arc::default() }
    }
}

impl RawServer {
    pub(super) fn start<C>(options: RawServerOptions, configure: impl Fn() -> C + Send + Clone + 'static) -> Self
    where
        C: FnOnce(&mut web::ServiceConfig) + 'static,
    {
        let connections = Connections::new(options.limits, Arc::default(), options.proxies);
        let (started, address) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let shared = Arc::clone(&connections);
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let watch = actix_web::rt::spawn(Arc::clone(&shared).watch());
                let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                if let Some(bytes) = options.send_buffer {
                    socket2::SockRef::from(&socket).set_send_buffer_size(bytes).unwrap();
                }
                let addr = socket.local_addr().unwrap();
                let listen = HttpListener {
                    socket,
                    max_open: shared.max_open(),
                    connections: shared,
                    tls: None,
                    workers: 1,
                    allow_half_closed: options.half_closed,
                };
                let server =
                    listen.serve(move || App::new().configure(configure()).wrap_fn(track_request)).await.unwrap();
                started.send(addr).unwrap();
                // An error means that the test has dropped its sender.
                let asked = stopped.await.is_ok();
                server.end(if asked { Duration::from_secs(10) } else { Duration::ZERO }).await;
                watch.abort();
            });
        });
        let addr = address.recv_timeout(Duration::from_secs(10)).unwrap();
        Self { addr, connections, stop: Some(stop), thread: Some(thread) }
    }

    pub(super) fn connect(&self) -> RawClient {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
        RawClient { stream }
    }

    /// Begins a graceful stop. `stopped` waits for its end.
    pub(super) fn stop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
    }

    pub(super) fn stopped(mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            drop(self.stop.take());
            let _ = thread.join();
        }
    }
}

pub(super) struct RawClient {
    pub(super) stream: TcpStream,
}

impl RawClient {
    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads the head and the body of one response that has a `Content-Length`.
    pub(super) fn answer(&mut self) -> String {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") {
            assert_eq!(self.stream.read(&mut byte).unwrap(), 1, "closed: {}", String::from_utf8_lossy(&bytes));
            bytes.push(byte[0]);
        }
        let head = String::from_utf8(bytes).unwrap();
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body).unwrap();
        head + &String::from_utf8(body).unwrap()
    }

    /// Reads until the server closes the connection, and returns how long that took. Panics after
    /// 10 s.
    pub(super) fn closed(&mut self) -> Duration {
        let start = Instant::now();
        let mut buffer = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return start.elapsed(),
                Ok(_) => assert!(start.elapsed() < Duration::from_secs(10), "the server goes on sending"),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return start.elapsed(),
                Err(error) => panic!("still open after {:?}: {error}", start.elapsed()),
            }
        }
    }
}

/// Waits until a condition is true. Panics after 10 s.
pub(super) fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
