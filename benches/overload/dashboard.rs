//! What the dashboard shows of a flood: the queries of its overload panels, asked of the metrics
//! that were scraped meanwhile. `promtool` answers them, so nothing has to be scraped by Prometheus
//! itself.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use callbox_benches::figures::output_directory;
use serde_json::{Value, json};

const DASHBOARD: &str = include_str!("../../deploy/grafana-dashboard.json");

/// Time between two scrapes. A rate needs several, and a quick run floods for a second.
const INTERVAL: Duration = Duration::from_millis(100);

/// What each panel of the row "Overload" shows of a flooded method: an expression over its first
/// query, and the value that the result has for this method and for no other.
const EXPECTED: [(&str, &str); 4] = [
    // The fullest mailbox is its own, and all rejections are.
    ("Mailboxes, filled", "count by (method) (topk(1, QUERY))"),
    ("Rejected, by reason", "count by (method) (count by (method) (QUERY))"),
    ("Waiting, by method", "count by (method) (topk(1, QUERY))"),
    ("Time of the methods", "count by (method) (topk(1, QUERY))"),
];

/// The metrics of a server at several times: for each series its values.
#[derive(Debug, Default)]
pub(crate) struct Scrapes {
    count: usize,
    series: BTreeMap<String, Vec<Option<String>>>,
}

impl Scrapes {
    /// Scrapes a server for as long as this.
    ///
    /// # Errors
    /// If it does not answer.
    pub(crate) fn take(address: SocketAddr, time: Duration) -> io::Result<Self> {
        let (begin, mut scrapes) = (Instant::now(), Self::default());
        while begin.elapsed() < time {
            scrapes.add(&scrape(address)?);
            let next = INTERVAL * u32::try_from(scrapes.count).unwrap_or(u32::MAX);
            std::thread::sleep(next.saturating_sub(begin.elapsed()));
        }
        Ok(scrapes)
    }

    fn add(&mut self, text: &str) {
        for line in text.lines().filter(|line| line.starts_with("callbox_")) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let values = self.series.entry(series.to_owned()).or_default();
            // A histogram begins with the first call.
            values.resize(self.count, None);
            values.push(Some(value.to_owned()));
        }
        self.count += 1;
    }

    /// Returns the series as the tests of `promtool` have them, with the labels of a target.
    fn for_promtool(&self) -> Vec<Value> {
        let one = |(series, values): (&String, &Vec<Option<String>>)| {
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let values: Vec<_> = values.iter().map(|value| value.as_deref().unwrap_or("_")).collect();
            let series = format!(r#"{name}{{job="callbox",instance="bench",{labels}"#);
            json!({ "series": series, "values": values.join(" ") })
        };
        self.series.iter().map(one).collect()
    }

    /// Asks for each panel whether it shows `method` of `service` as the flooded one. Returns the
    /// number of panels; `None` if there is no `promtool`.
    ///
    /// # Errors
    /// If a panel shows anything else.
    pub(crate) fn check(&self, service: &str, method: &str) -> io::Result<Option<usize>> {
        let span = format!("{}ms", INTERVAL.as_millis() * self.count.saturating_sub(1) as u128);
        let test = |(panel, expression): &(&str, &str)| {
            let query = query_of(panel)?.replace("$__rate_interval", &span).replace("$service", service);
            let query = query.replace("$job", "callbox").replace("$instance", ".*");
            let samples = json!([{ "labels": format!("{{method={method:?}}}"), "value": 1 }]);
            Ok(json!({ "expr": expression.replace("QUERY", &query), "eval_time": span, "exp_samples": samples }))
        };
        let tests: Vec<_> = EXPECTED.iter().map(test).collect::<io::Result<_>>()?;
        let interval = format!("{}ms", INTERVAL.as_millis());
        let series = self.for_promtool();
        let file = json!({
            "evaluation_interval": interval,
            "tests": [{ "interval": interval, "input_series": series, "promql_expr_test": tests }],
        });
        let path = output_directory()?.join("overload-dashboard.json");
        std::fs::write(&path, file.to_string())?;
        match Command::new("promtool").args(["test", "rules"]).arg(&path).output() {
            Ok(output) if output.status.success() => Ok(Some(EXPECTED.len())),
            Ok(output) => {
                let said = [output.stdout, output.stderr].concat();
                Err(io::Error::other(format!("{}: {}", path.display(), String::from_utf8_lossy(&said))))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Returns the first query of a panel.
fn query_of(panel: &str) -> io::Result<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD)?;
    let panels = dashboard["panels"].as_array().into_iter().flatten();
    let query = panels.filter(|one| one["title"] == panel).find_map(|one| one["targets"][0]["expr"].as_str());
    query.map(str::to_owned).ok_or_else(|| io::Error::other(format!("there is no panel {panel}")))
}

fn scrape(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}
