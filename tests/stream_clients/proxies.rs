//! WebSockets and server-sent events through nginx and HAProxy, with the usual configuration of
//! each.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use callbox::client::Client;
use callbox_test_support::wait::until;
use futures::StreamExt;

use super::service::{Price, server};
use super::subscriptions;

/// A proxy in front of a server, until it is dropped.
struct Proxy {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Proxy {
    /// Starts a program that takes its configuration from a file. `PORT`, `SERVER` and `FOLDER`
    /// stand for the port of the proxy, the address of the server, and a folder of its own.
    fn start(program: &str, arguments: &[&str], configuration: &str, server: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = folder.path().join("proxy.conf");
        let here = folder.path().display().to_string();
        let text = configuration.replace("PORT", &port.to_string()).replace("SERVER", server).replace("FOLDER", &here);
        std::fs::write(&path, text).unwrap();
        let process = Command::new(program)
            .args(arguments)
            .arg(&path)
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}: `bash tests/foreign` installs it"));
        let proxy = Self { process, port, _folder: folder };
        until("the proxy listens", || TcpStream::connect(("127.0.0.1", proxy.port)).is_ok());
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const NGINX: &str = r"
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
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:PORT;
    location /market/ {
      proxy_pass http://SERVER/;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }
  }
}
";

const HAPROXY: &str = r"
global
  maxconn 100
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  option abortonclose
frontend in
  bind 127.0.0.1:PORT
  http-request replace-path /market/(.*) /\1
  default_backend servers
backend servers
  server one SERVER
";

async fn works_through(program: &str, arguments: &[&str], configuration: &str) {
    let server = server();
    let proxy = Proxy::start(program, arguments, configuration, &server.address().to_string());
    let url = |scheme: &str| format!("{scheme}://127.0.0.1:{}/market/api", proxy.port);
    let over_http = Client::new(url("http")).unwrap();
    for (client, symbol) in [(Client::connect(url("ws")).await.unwrap(), "ACME"), (over_http, "PEAR")] {
        subscribes(client, symbol).await;
        assert_eq!(subscriptions(&server), 0, "they end with their client");
    }
}

async fn subscribes(client: Client, symbol: &str) {
    let mut prices = client.subscribe::<Price>("prices", [symbol]).await.unwrap();
    for value in 0..200 {
        client.call::<()>("set", (symbol, value)).await.unwrap();
    }
    for value in 0..200 {
        let price = tokio::time::timeout(Duration::from_secs(10), prices.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(price.value, f64::from(value));
    }
    // Silence, after which the connection is still there.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(client.call::<f64>("last", [symbol]).await.unwrap(), 199.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_subscribes_through_nginx() {
    works_through("nginx", &["-c"], NGINX).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_subscribes_through_haproxy() {
    works_through("haproxy", &["-db", "-f"], HAPROXY).await;
}
