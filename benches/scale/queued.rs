//! The cost of a queued call: its memory, and the time to queue it.

use std::io;
use std::sync::mpsc;
use std::time::Instant;

use alloc_tracker::Session;
use callbox::{service, testing};

use crate::Effort;
use crate::series::Series;

/// Numbers of queued calls, up to the limit of a service.
const SIZES: [usize; 5] = [256, 512, 1024, 2048, 4095];

/// A service whose thread is blocked while calls are queued.
struct Blocked {
    /// Receives a message when the thread is blocked.
    started: mpsc::SyncSender<()>,
    /// The thread is released when the sender is dropped.
    release: std::sync::Mutex<mpsc::Receiver<()>>,
    count: usize,
}

#[service(name = "bench.held")]
impl Blocked {
    #[public_method]
    fn hold(&mut self) {
        // No message is ever sent: `recv` returns when the bench drops the sender.
        let _ = self.started.send(());
        let _ = self.release.get_mut().map(|release| release.recv());
    }

    #[public_method(mailbox = 4096)]
    fn add(&mut self, by: usize) -> usize {
        self.count += by;
        self.count
    }
}

pub(crate) fn measure(effort: Effort) -> io::Result<Vec<Series>> {
    let title = "What a queued call costs, as calls are queued";
    let mut memory = Series::new(title, "memory (bytes)", "queued calls", "per call");
    let mut time = Series::new(title, "time to queue it (ns)", "queued calls", "per call");
    for _ in 0..effort.rounds {
        for size in SIZES {
            let (bytes, nanos) = queue_calls(size)?;
            memory.note(size, bytes);
            time.note(size, nanos);
        }
    }
    Ok(vec![memory, time])
}

/// Queues this number of calls, and returns the bytes and the nanoseconds for each of them.
fn queue_calls(size: usize) -> io::Result<(f64, f64)> {
    let (started, has_started) = mpsc::sync_channel(1);
    let (release_sender, release) = mpsc::channel();
    let release = std::sync::Mutex::new(Some(release));
    let service = testing::in_process(move || {
        let release = release.lock().ok().and_then(|mut release| release.take()).expect("it is made once");
        Blocked { started: started.clone(), release: std::sync::Mutex::new(release), count: 0 }
    });
    let refused = |error: callbox::RpcError| io::Error::other(error.to_string());
    service.notify(Blocked_Hold {}).map_err(refused)?;
    has_started.recv().map_err(io::Error::other)?;
    let session = Session::new();
    let operation = session.operation("queue");
    let begin = Instant::now();
    {
        let _span = operation.measure_thread().iterations(size as u64);
        for _ in 0..size {
            service.notify(Blocked_Add { by: 1 }).map_err(refused)?;
        }
    }
    let nanos = begin.elapsed().as_secs_f64() * 1e9 / size as f64;
    let report = session.to_report();
    let bytes = report.operations().next().map(|(_, operation)| operation.total_bytes_allocated());
    let bytes = bytes.map_or(f64::NAN, |bytes| bytes as f64 / size as f64);
    drop(release_sender);
    service.wait_idle();
    let counted = service.call(Blocked_Add { by: 0 }).map_err(refused)?;
    if counted == size { Ok((bytes, nanos)) } else { Err(io::Error::other(format!("{counted} of {size} calls ran"))) }
}
