use std::io::{Read, Write};
use std::sync::mpsc;
use std::thread::{self, ThreadId};

use actix_service::fn_service;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Maximum time for any step of a test.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Worker threads that answer each byte with their own number. `h` blocks the thread, `e` ends it.
struct TestWorkers {
    address: std::net::SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    system: Option<thread::JoinHandle<bool>>,
    release: Arc<AtomicBool>,
}

fn number(of: &Mutex<Vec<ThreadId>>) -> u8 {
    let (mut threads, id) = (of.lock(), thread::current().id());
    let at = threads.iter().position(|thread| *thread == id).unwrap_or(threads.len());
    if at == threads.len() {
        threads.push(id);
    }
    u8::try_from(at).unwrap()
}

impl TestWorkers {
    fn start(threads: usize, connections: usize) -> Self {
        let release = Arc::new(AtomicBool::new(false));
        let (holds, ids) = (Arc::clone(&release), Arc::<Mutex<Vec<ThreadId>>>::default());
        let (tx, rx) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let system = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let socket = StdTcpListener::bind("127.0.0.1:0").unwrap();
                let address = socket.local_addr().unwrap();
                let make = move |stopping: StopReceiver| {
                    let (holds, ids) = (Arc::clone(&holds), Arc::clone(&ids));
                    fn_service(move |stream: TcpStream| {
                        answer(stream, Arc::clone(&holds), Arc::clone(&ids), stopping.clone())
                    })
                };
                let workers = HttpWorkers::start(socket, threads, connections, make).await.unwrap();
                tx.send(address).unwrap();
                let _ = stopped.await;
                workers.end(Duration::from_millis(300)).await
            })
        });
        let address = rx.recv_timeout(TIMEOUT).unwrap();
        Self { address, stop: Some(stop), system: Some(system), release }
    }

    fn connect(&self) -> std::net::TcpStream {
        let stream = std::net::TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    /// Returns the number of the thread that serves a new connection.
    fn ask(&self) -> u8 {
        answer_to(&mut self.connect(), b"?")
    }

    /// Ends the workers. Returns whether all threads have ended.
    fn end(mut self) -> bool {
        drop(self.stop.take());
        self.system.take().unwrap().join().unwrap()
    }
}

impl Drop for TestWorkers {
    fn drop(&mut self) {
        self.release.store(true, Ordering::SeqCst);
        drop(self.stop.take());
        let _ = self.system.take().map(thread::JoinHandle::join);
    }
}

fn answer_to(stream: &mut std::net::TcpStream, byte: &[u8]) -> u8 {
    let mut answer = [0];
    stream.write_all(byte).unwrap();
    stream.read_exact(&mut answer).unwrap();
    answer[0]
}

async fn answer(
    mut stream: TcpStream,
    release: Arc<AtomicBool>,
    ids: Arc<Mutex<Vec<ThreadId>>>,
    mut stopping: StopReceiver,
) -> Result<(), ()> {
    loop {
        let byte = tokio::select! {
            byte = stream.read_u8() => byte.map_err(drop)?,
            _ = stopping.wait_for(|stopping| *stopping) => return Ok(()),
        };
        stream.write_u8(number(&ids)).await.map_err(drop)?;
        match byte {
            b'h' => {
                while !release.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            b'e' => _ = Arbiter::current().stop(),
            _ => {}
        }
    }
}

#[test]
fn threads_take_turns() {
    let site = TestWorkers::start(3, 100);
    let mut numbers: Vec<_> = (0..30).map(|_| site.ask()).collect();
    numbers.sort_unstable();
    for thread in 0..3 {
        let connections = numbers.iter().filter(|number| **number == thread).count();
        // A thread that is slow to take a connection loses it to another one.
        assert!((1..=25).contains(&connections), "{numbers:?}");
    }
    assert!(site.end());
}

#[test]
fn a_blocked_thread_gets_no_connection_until_it_is_released() {
    let site = TestWorkers::start(3, 100);
    let mut held = site.connect();
    let number = answer_to(&mut held, b"h");
    assert!((0..30).all(|_| site.ask() != number));
    site.release.store(true, Ordering::SeqCst);
    let start = std::time::Instant::now();
    while site.ask() != number {
        assert!(start.elapsed() < TIMEOUT, "it takes connections again");
    }
    assert!(site.end());
}

#[test]
fn while_all_threads_are_blocked_connections_wait_for_the_first_free_one() {
    let site = TestWorkers::start(2, 100);
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut next = site.connect();
        answer_to(&mut next, b"h");
        held.push(next);
    }
    let mut waiting: Vec<_> = (0..5).map(|_| site.connect()).collect();
    waiting.iter_mut().for_each(|waiting| waiting.write_all(b"?").unwrap());
    thread::sleep(OFFER_TIMEOUT * 5);
    site.release.store(true, Ordering::SeqCst);
    waiting.iter_mut().for_each(|waiting| waiting.read_exact(&mut [0]).unwrap());
    assert!(site.end());
}

#[test]
fn a_thread_that_ended_is_replaced_and_its_pending_connections_are_served() {
    let site = TestWorkers::start(1, 100);
    let mut ends = site.connect();
    let first = answer_to(&mut ends, b"e");
    // The connection ends with its thread.
    assert_eq!(ends.read(&mut [0]).unwrap_or(0), 0);
    for _ in 0..10 {
        assert_ne!(site.ask(), first);
    }
    assert!(site.end());
}

#[test]
fn connections_beyond_the_limit_wait_in_the_system_until_others_end() {
    let site = TestWorkers::start(2, 3);
    let mut open: Vec<_> = (0..3).map(|_| site.connect()).collect();
    open.iter_mut().for_each(|open| _ = answer_to(open, b"?"));
    let mut further = site.connect();
    further.write_all(b"?").unwrap();
    further.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(further.read(&mut [0]).is_err(), "nobody has taken it");
    drop(open);
    further.set_read_timeout(Some(TIMEOUT)).unwrap();
    further.read_exact(&mut [0]).unwrap();
    assert!(site.end());
}

#[test]
fn an_end_refuses_new_connections_and_waits_for_open_ones_but_not_for_a_blocked_thread() {
    let site = TestWorkers::start(2, 100);
    let mut held = site.connect();
    answer_to(&mut held, b"h");
    // This connection must be on the other thread.
    let mut idle = site.connect();
    answer_to(&mut idle, b"?");
    let (address, mut site) = (site.address, site);
    drop(site.stop.take());
    assert_eq!(idle.read(&mut [0]).unwrap(), 0, "it is ended");
    let start = std::time::Instant::now();
    while std::net::TcpStream::connect(address).is_ok() {
        assert!(start.elapsed() < TIMEOUT, "it accepts connections");
    }
    assert!(!site.system.take().unwrap().join().unwrap(), "one thread is left behind");
}
