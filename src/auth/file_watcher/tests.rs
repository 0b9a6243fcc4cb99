use std::fs::FileTimes;
use std::os::unix::fs::PermissionsExt;

use crate::regular_file::tests::{at_once, make_pipe};

use super::*;

fn scratch() -> (tempfile::TempDir, PathBuf, FileWatcher) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "one").unwrap();
    let watcher = FileWatcher::new(&path);
    (directory, path, watcher)
}

fn look(watcher: &mut FileWatcher) -> Option<String> {
    watcher.read_if_changed().unwrap()
}

#[test]
fn a_changed_text_is_returned_once_however_it_was_changed() {
    let (directory, path, mut watcher) = scratch();
    assert_eq!(look(&mut watcher).as_deref(), Some("one"));
    assert_eq!(look(&mut watcher), None);
    fs::write(&path, "two").unwrap();
    assert_eq!(look(&mut watcher).as_deref(), Some("two"), "of the same length");
    let beside = directory.path().join("beside");
    fs::write(&beside, "six").unwrap();
    fs::rename(&beside, &path).unwrap();
    assert_eq!(look(&mut watcher).as_deref(), Some("six"), "another file in its place");
    fs::remove_file(&path).unwrap();
    assert!(watcher.read_if_changed().is_err());
    fs::write(&path, "six").unwrap();
    assert_eq!(look(&mut watcher), None, "the same as before");
}

#[test]
fn a_change_that_leaves_the_times_as_they_were_is_seen() {
    let (_directory, path, mut watcher) = scratch();
    assert_eq!(look(&mut watcher).as_deref(), Some("one"));
    let old = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
    for text in ["two", "six"] {
        fs::write(&path, text).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_times(old).unwrap();
        assert_eq!(look(&mut watcher).as_deref(), Some(text));
    }
}

#[test]
fn a_file_that_was_changed_a_moment_ago_is_read_at_each_look() {
    let (_directory, path, _) = scratch();
    let mut stamp = FileStamp::of(&fs::metadata(&path).unwrap());
    stamp.changed = (1000, 500_000_000);
    for (millis, reliable) in
        [(500, true), (1_000_399, true), (1_000_400, false), (1_000_500, false), (1_000_600, false), (1_000_601, true)]
    {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        assert_eq!(stamp.is_reliable(now), reliable, "{millis}");
    }
}

#[test]
fn an_error_is_passed_on_and_kept_until_it_is_over() {
    let (_directory, path, mut watcher) = scratch();
    let mut loaded = Vec::new();
    let mut poll = |watcher: &mut FileWatcher| {
        watcher.poll(|text| {
            loaded.push(text.as_ref().ok().cloned());
            match text.as_deref() {
                Ok("bad") => Err(crate::Error::new("it is bad", "mend it")),
                Ok(_) => Ok(Sensitivity::Public),
                Err(error) => Err(crate::Error::new("it is gone", error)),
            }
        });
        watcher.last_error.as_deref().and_then(|error| error.split(':').next().map(str::to_owned))
    };
    assert_eq!(poll(&mut watcher), None);
    fs::write(&path, "bad").unwrap();
    for _ in 0..2 {
        assert_eq!(poll(&mut watcher).as_deref(), Some("it is bad"));
    }
    fs::remove_file(&path).unwrap();
    for _ in 0..2 {
        assert_eq!(poll(&mut watcher).as_deref(), Some("it is gone"));
    }
    fs::write(&path, "one").unwrap();
    assert_eq!(poll(&mut watcher), None);
    let texts: Vec<_> = loaded.iter().map(Option::as_deref).collect();
    assert_eq!(texts, [Some("one"), Some("bad"), None, None, Some("one")]);
}

#[test]
fn a_pipe_is_an_error_at_each_look_and_blocks_none() {
    let (_directory, path, mut watcher) = scratch();
    assert_eq!(look(&mut watcher).as_deref(), Some("one"));
    fs::remove_file(&path).unwrap();
    make_pipe(&path);
    let (mut watcher, errors) = at_once(move || {
        let errors = [(); 3].map(|()| watcher.read_if_changed().unwrap_err().to_string());
        (watcher, errors)
    });
    assert_eq!(errors, ["it is a named pipe, not a regular file"; 3]);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "two").unwrap();
    assert_eq!(look(&mut watcher).as_deref(), Some("two"));
}

#[test]
fn a_file_with_secrets_that_everybody_may_read_is_warned_of_once_there_is_a_log() {
    let (_directory, path, mut watcher) = scratch();
    let log = Arc::new(crate::sync::Mutex::new(Vec::new()));
    let logged = |watcher: &mut FileWatcher| {
        let writer = Arc::clone(&log);
        let subscriber = tracing_subscriber::fmt().with_writer(move || CapturedLog(Arc::clone(&writer)));
        tracing::subscriber::with_default(subscriber.finish(), || watcher.warn());
        String::from_utf8(std::mem::take(&mut *log.lock())).unwrap()
    };
    let mut changed = |text: &str, mode: u32, sensitivity: Sensitivity| {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(watcher.read_if_changed().unwrap().is_some());
        watcher.accepted(sensitivity);
        // There is no log yet.
        tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::new(), || watcher.warn());
        [logged(&mut watcher), logged(&mut watcher)].map(|lines| lines.matches("may read the secrets").count())
    };
    assert_eq!(changed("1", 0o644, Sensitivity::Public), [0, 0]);
    assert_eq!(changed("2", 0o600, Sensitivity::Secret), [0, 0]);
    assert_eq!(changed("3", 0o640, Sensitivity::Secret), [0, 0], "its group is the owner's choice");
    assert_eq!(changed("4", 0o644, Sensitivity::Secret), [1, 0]);
    assert_eq!(changed("5", 0o604, Sensitivity::Secret), [1, 0], "again with each new text");
}

struct CapturedLog(Arc<crate::sync::Mutex<Vec<u8>>>);

impl io::Write for CapturedLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_thread_ends_when_its_target_is_dropped() {
    let (_directory, path, watcher) = scratch();
    let target = Arc::new(());
    let (sender, texts) = std::sync::mpsc::channel();
    let load = move |(): &(), text: io::Result<String>| {
        let sent = sender.send(text.ok()).map(|()| Sensitivity::Public);
        sent.map_err(|error| crate::Error::new("nobody listens", error))
    };
    watcher.watch(&target, load).unwrap();
    let patience = Duration::from_secs(30);
    assert_eq!(texts.recv_timeout(patience), Ok(Some("one".to_owned())));
    // Renamed, not written in place: the watcher might read the first half of a text.
    let beside = path.with_extension("new");
    fs::write(&beside, "two").unwrap();
    fs::rename(&beside, &path).unwrap();
    assert_eq!(texts.recv_timeout(patience), Ok(Some("two".to_owned())));
    drop(target);
    assert!(texts.recv_timeout(patience).is_err(), "the thread has dropped everything");
}
