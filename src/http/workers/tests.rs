use std::io::{Read, Write};
use std::sync::mpsc;
use std::thread::{self, ThreadId};

use actix_service::fn_service;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Threads that answer each byte with the number of theirs: `h` holds the thread, `e` ends it.
struct Site {
    address: std::net::SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    system: Option<thread::JoinHandle<bool>>,
    let_go: Arc<AtomicBool>,
}

fn number(of: &Mutex<Vec<ThreadId>>) -> u8 {
    let (mut known, id) = (of.lock(), thread::current().id());
    let at = known.iter().position(|known| *known == id).unwrap_or(known.len());
    if at == known.len() {
        known.push(id);
    }
    u8::try_from(at).unwrap()
}

impl Site {
    fn start(threads: usize, connections: usize) -> Self {
        let let_go = Arc::new(AtomicBool::new(false));
        let (holds, known) = (Arc::clone(&let_go), Arc::<Mutex<Vec<ThreadId>>>::default());
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let system = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let socket = StdTcpListener::bind("127.0.0.1:0").unwrap();
                let address = socket.local_addr().unwrap();
                let make = move |stopping: Stopping| {
                    let (holds, known) = (Arc::clone(&holds), Arc::clone(&known));
                    fn_service(move |stream: TcpStream| {
                        answer(stream, Arc::clone(&holds), Arc::clone(&known), stopping.clone())
                    })
                };
                let workers = Workers::start(socket, threads, connections, make).await.unwrap();
                tell.send(address).unwrap();
                let _ = stopped.await;
                workers.end(Duration::from_millis(300)).await
            })
        });
        let address = told.recv_timeout(PATIENCE).unwrap();
        Self { address, stop: Some(stop), system: Some(system), let_go }
    }

    fn connect(&self) -> std::net::TcpStream {
        let stream = std::net::TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The number of the thread that a new connection gets.
    fn ask(&self) -> u8 {
        answer_to(&mut self.connect(), b"?")
    }

    /// Whether all threads have ended.
    fn end(mut self) -> bool {
        drop(self.stop.take());
        self.system.take().unwrap().join().unwrap()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.let_go.store(true, Ordering::SeqCst);
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
    let_go: Arc<AtomicBool>,
    known: Arc<Mutex<Vec<ThreadId>>>,
    mut stopping: Stopping,
) -> Result<(), ()> {
    loop {
        let byte = tokio::select! {
            byte = stream.read_u8() => byte.map_err(drop)?,
            _ = stopping.wait_for(|stopping| *stopping) => return Ok(()),
        };
        stream.write_u8(number(&known)).await.map_err(drop)?;
        match byte {
            b'h' => {
                while !let_go.load(Ordering::SeqCst) {
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
    let site = Site::start(3, 100);
    let mut numbers: Vec<_> = (0..30).map(|_| site.ask()).collect();
    numbers.sort_unstable();
    for thread in 0..3 {
        let connections = numbers.iter().filter(|number| **number == thread).count();
        // One that is slow to take its connection leaves it to another.
        assert!((1..=25).contains(&connections), "{numbers:?}");
    }
    assert!(site.end());
}

#[test]
fn a_thread_that_is_held_gets_no_connection_until_it_is_let_go() {
    let site = Site::start(3, 100);
    let mut held = site.connect();
    let number = answer_to(&mut held, b"h");
    assert!((0..30).all(|_| site.ask() != number));
    site.let_go.store(true, Ordering::SeqCst);
    let start = std::time::Instant::now();
    while site.ask() != number {
        assert!(start.elapsed() < PATIENCE, "it takes connections again");
    }
    assert!(site.end());
}

#[test]
fn while_all_threads_are_held_connections_wait_for_the_first_that_is_not() {
    let site = Site::start(2, 100);
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut next = site.connect();
        answer_to(&mut next, b"h");
        held.push(next);
    }
    let mut waiting: Vec<_> = (0..5).map(|_| site.connect()).collect();
    waiting.iter_mut().for_each(|waiting| waiting.write_all(b"?").unwrap());
    thread::sleep(OFFER * 5);
    site.let_go.store(true, Ordering::SeqCst);
    waiting.iter_mut().for_each(|waiting| waiting.read_exact(&mut [0]).unwrap());
    assert!(site.end());
}

#[test]
fn a_thread_that_is_gone_has_a_successor_which_gets_what_was_offered_to_it() {
    let site = Site::start(1, 100);
    let mut ends = site.connect();
    let first = answer_to(&mut ends, b"e");
    // Its end is that of all that the thread does.
    assert_eq!(ends.read(&mut [0]).unwrap_or(0), 0);
    for _ in 0..10 {
        assert_ne!(site.ask(), first);
    }
    assert!(site.end());
}

#[test]
fn beyond_the_limit_connections_wait_in_the_system_until_others_end() {
    let site = Site::start(2, 3);
    let mut open: Vec<_> = (0..3).map(|_| site.connect()).collect();
    open.iter_mut().for_each(|open| _ = answer_to(open, b"?"));
    let mut further = site.connect();
    further.write_all(b"?").unwrap();
    further.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(further.read(&mut [0]).is_err(), "nobody has taken it");
    drop(open);
    further.set_read_timeout(Some(PATIENCE)).unwrap();
    further.read_exact(&mut [0]).unwrap();
    assert!(site.end());
}

#[test]
fn an_end_refuses_new_connections_and_waits_for_open_ones_but_not_for_a_thread_that_is_held() {
    let site = Site::start(2, 100);
    let mut held = site.connect();
    answer_to(&mut held, b"h");
    // It can only be with the other thread.
    let mut idle = site.connect();
    answer_to(&mut idle, b"?");
    let (address, mut site) = (site.address, site);
    drop(site.stop.take());
    assert_eq!(idle.read(&mut [0]).unwrap(), 0, "it is ended");
    let start = std::time::Instant::now();
    while std::net::TcpStream::connect(address).is_ok() {
        assert!(start.elapsed() < PATIENCE, "it accepts connections");
    }
    assert!(!site.system.take().unwrap().join().unwrap(), "one thread is left behind");
}
