//! A server that follows a script, one request after the other, and records the requests.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// What becomes of one request.
pub(crate) enum Step {
    /// The response has this status and body, in which `$0`, `$1`, … stand for the ids of the
    /// calls.
    Answer(u16, String),
    /// The connection is closed after the request was read.
    Break,
    /// Half of an answer comes, then the connection is closed.
    Half,
    /// No answer comes, and the connection stays.
    Silence,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// By their names in small letters.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Value,
}

pub(crate) struct Scripted {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Scripted {
    /// Starts a server. What goes beyond the script is answered with status 500.
    pub(crate) fn start(script: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        let (seen, mut script) = (Arc::new(Mutex::new(Vec::new())), script.into_iter().collect::<Vec<_>>().into_iter());
        let record = Arc::clone(&seen);
        // It ends with the test's process, as it waits for connections until then.
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&stream);
                let ids = ids(&request.body);
                record.lock().unwrap().push(request);
                match script.next().unwrap_or_else(|| Step::Answer(500, "the script is over".to_owned())) {
                    Step::Answer(status, body) => {
                        let body = ids
                            .iter()
                            .enumerate()
                            .rev()
                            .fold(body, |body, (at, id)| body.replace(&format!("${at}"), id));
                        write(&mut stream, status, &body, body.len());
                    }
                    Step::Half => write(&mut stream, 200, r#"{"jsonrpc":"2.0","res"#, 100),
                    Step::Break => drop(stream),
                    Step::Silence => silent.push(stream),
                }
            }
        });
        Self { url, seen }
    }

    /// What has been sent so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Seen {
    let (mut reader, mut headers) = (BufReader::new(stream), HashMap::new());
    for line in reader.by_ref().lines().skip(1) {
        let line = line.unwrap();
        let Some((name, value)) = line.split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).unwrap();
    Seen { headers, body: serde_json::from_slice(&body).unwrap() }
}

fn write(stream: &mut TcpStream, status: u16, body: &str, length: usize) {
    let head = format!("HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
}

fn ids(body: &Value) -> Vec<String> {
    let members = body.as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
    members.iter().filter_map(|member| Some(member.get("id")?.to_string())).collect()
}

/// An answer of status 200 to the first call of a request.
pub(crate) fn result(result: &str) -> Step {
    Step::Answer(200, format!(r#"{{"jsonrpc":"2.0","result":{result},"id":$0}}"#))
}

/// An error that answers the first call of a request.
pub(crate) fn error(error: &str) -> Step {
    Step::Answer(200, format!(r#"{{"jsonrpc":"2.0","error":{error},"id":$0}}"#))
}
