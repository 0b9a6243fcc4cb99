//! nginx and HAProxy with the files in `deploy`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use callbox_test_support::free_port::free_address;
use callbox_test_support::wait::until;

use super::{run, text_of};

/// The name by which clients call the proxy.
pub(crate) const HOST: (&str, &str) = ("Host", "api.example.org");

/// The endpoint as clients of the proxy see it.
pub(crate) const ENDPOINT: &str = "/shop/api";

/// The addresses of the instances in the files.
const INSTANCES: [&str; 2] = ["10.0.0.11:5000", "10.0.0.12:5000"];

/// A program that is a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
}

/// A proxy in front of two instances, until it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    process: Child,
    pub(crate) address: SocketAddr,
    folder: tempfile::TempDir,
    instances: [SocketAddr; 2],
}

/// What stands around `deploy/nginx.conf`: the file of nginx itself, with every path in `FOLDER`.
/// As root, its workers read what root has made.
const AROUND: &str = "
USER
daemon off;
worker_processes 1;
pid FOLDER/nginx.pid;
error_log FOLDER/error.log;
events {}
http {
  access_log off;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;
  include FOLDER/callbox.conf;
}
";

/// Replaces what stands in the text exactly once.
fn replace(text: &str, old: &str, new: &str) -> String {
    assert_eq!(text.matches(old).count(), 1, "{old}");
    text.replace(old, new)
}

/// Returns the command that runs or checks a proxy with what is in its folder.
fn command(kind: Kind, folder: &Path, is_check: bool) -> Command {
    let mut command = Command::new(if kind == Kind::Nginx { "nginx" } else { "haproxy" });
    match (kind, is_check) {
        (Kind::Nginx, true) => command.args(["-t", "-c"]),
        (Kind::Nginx, false) => command.arg("-c"),
        (Kind::Haproxy, true) => command.args(["-c", "-f"]),
        (Kind::Haproxy, false) => command.args(["-db", "-f"]),
    };
    command.arg(folder.join("proxy.conf"));
    command
}

/// Writes the configuration of a proxy into its folder.
fn write(kind: Kind, folder: &Path, text: &str) {
    let here = folder.display().to_string();
    if kind == Kind::Haproxy {
        // As many connections as the limit of files allows wherever the test runs.
        let text = replace(&replace(text, "/run/haproxy", &here), "maxconn 20000", "maxconn 200");
        return std::fs::write(folder.join("proxy.conf"), text).unwrap();
    }
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    std::fs::write(folder.join("callbox.conf"), text).unwrap();
    std::fs::write(folder.join("proxy.conf"), AROUND.replace("USER", user).replace("FOLDER", &here)).unwrap();
}

/// Has a proxy check its file, of which only the paths of the certificate are others.
pub(crate) fn accepts(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["api.example.org".to_owned()]).unwrap();
    let (cert, key) = (cert.pem(), signing_key.serialize_pem());
    let here = folder.path().display().to_string();
    let text = match kind {
        Kind::Nginx => {
            std::fs::write(folder.path().join("api.key"), key).unwrap();
            std::fs::write(folder.path().join("api.pem"), cert).unwrap();
            text_of("nginx.conf").replace("/etc/nginx/api", &format!("{here}/api"))
        }
        Kind::Haproxy => {
            std::fs::write(folder.path().join("api.pem"), cert + &key).unwrap();
            replace(&text_of("haproxy.cfg"), "/etc/haproxy/api", &format!("{here}/api"))
        }
    };
    write(kind, folder.path(), &text);
    let said = run(&mut command(kind, folder.path(), true));
    let complaints = said.lines().filter(|line| line.contains("[warn]") || line.contains("[WARNING]"));
    assert_eq!(complaints.collect::<Vec<_>>(), [""; 0], "{said}");
}

impl Proxy {
    /// Starts a proxy with its file, without TLS.
    pub(crate) fn start(kind: Kind, instances: [SocketAddr; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address();
        let text = match kind {
            Kind::Nginx => {
                let text = replace(&text_of("nginx.conf"), "listen 443 ssl;", &format!("listen {address};"));
                text.lines().filter(|line| !line.contains("ssl_certificate")).collect::<Vec<_>>().join("\n") + "\n"
            }
            Kind::Haproxy => {
                let text = text_of("haproxy.cfg");
                replace(&text, "bind :443 ssl crt /etc/haproxy/api.pem", &format!("bind {address}"))
            }
        };
        let text = INSTANCES.iter().zip(instances).fold(text, |text, (old, new)| replace(&text, old, &new.to_string()));
        write(kind, folder.path(), &text);
        let mut command = command(kind, folder.path(), false);
        let process = command.stdin(Stdio::null()).spawn();
        let process = process.unwrap_or_else(|error| panic!("{kind:?}: {error}: `bash tests/foreign` installs it"));
        let proxy = Self { process, address, folder, instances };
        until("the proxy listens", || TcpStream::connect(address).is_ok());
        proxy
    }

    /// Has nginx send an instance calls no more, or again, as its operator does: by its file, and
    /// with a signal. Returns once the workers that know the old file have ended.
    pub(crate) fn reload(&self, instance: usize, is_down: bool) {
        let path = self.folder.path().join("callbox.conf");
        let text = std::fs::read_to_string(&path).unwrap();
        let line = format!("server {} max_fails", self.instances[instance]);
        let without = format!("server {} down max_fails", self.instances[instance]);
        let (old, new) = if is_down { (line, without) } else { (without, line) };
        std::fs::write(&path, replace(&text, &old, &new)).unwrap();
        let old = self.workers();
        assert!(!old.is_empty(), "nginx has workers");
        run(command(Kind::Nginx, self.folder.path(), false).args(["-s", "reload"]));
        until("the old workers have ended and there are others", || {
            let now = self.workers();
            !now.is_empty() && now.iter().all(|worker| !old.contains(worker))
        });
    }

    /// Returns the ids of the processes that nginx has started.
    fn workers(&self) -> Vec<String> {
        let id = self.process.id();
        let children: PathBuf = format!("/proc/{id}/task/{id}/children").into();
        std::fs::read_to_string(children).unwrap().split_whitespace().map(str::to_owned).collect()
    }

    /// Returns whether HAProxy finds an instance ready.
    pub(crate) fn is_up(&self, instance: usize) -> bool {
        let mut socket = UnixStream::connect(self.folder.path().join("admin.sock")).unwrap();
        socket.write_all(b"show stat\n").unwrap();
        let mut table = String::new();
        socket.read_to_string(&mut table).unwrap();
        let mut rows = table.lines().map(|row| row.trim_start_matches("# ").split(',').collect::<Vec<_>>());
        let head = rows.next().unwrap();
        let column = head.iter().position(|name| *name == "status").unwrap();
        let row = rows.find(|row| row[..2] == ["callbox", ["one", "two"][instance]]);
        row.unwrap_or_else(|| panic!("{table}"))[column].starts_with("UP")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx ends its workers at SIGTERM, and would leave them at SIGKILL.
        let id = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw);
        let _ = id.map(|id| rustix::process::kill_process(id, rustix::process::Signal::TERM));
        let _ = self.process.wait();
    }
}
