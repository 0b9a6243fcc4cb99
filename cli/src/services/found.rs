//! What has answered, as a table and as JSON.

use std::collections::HashMap;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use callbox::client::{MicroInstance, MicroStats};
use callbox_cli::format;
use callbox_cli::table::Table;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::nats::{age, short_length, shortened};

/// All instances, in the order of their services.
#[derive(Debug)]
pub(super) struct Found(Vec<Instance>);

#[derive(Debug)]
struct Instance {
    about: MicroInstance,
    /// Absent if the instance does not tell its statistics.
    figures: Option<Figures>,
}

/// The statistics of an instance, of all its endpoints together.
#[derive(Debug)]
struct Figures {
    started: String,
    endpoints: usize,
    requests: u64,
    errors: u64,
    /// Mean run time of a call; `None` if there was no call.
    mean: Option<Duration>,
}

impl Found {
    pub(super) fn new(instances: Vec<MicroInstance>, stats: Vec<MicroStats>) -> Self {
        let key = |about: &MicroInstance| (about.name.clone(), about.id.clone());
        let mut stats: HashMap<_, _> = stats.into_iter().map(|stats| (key(&stats.instance), stats)).collect();
        let mut all: Vec<_> = instances
            .into_iter()
            .map(|about| Instance { figures: stats.remove(&key(&about)).map(|stats| Figures::of(&stats)), about })
            .collect();
        // Those whose answer to the other question came too late.
        all.extend(
            stats.into_values().map(|stats| Instance { figures: Some(Figures::of(&stats)), about: stats.instance }),
        );
        all.sort_by(|a, b| (a.service(), &a.about.id).cmp(&(b.service(), &b.about.id)));
        Self(all)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns a table with a row for each instance. The name of a service is in its first row.
    pub(super) fn render(&self, now: OffsetDateTime, colours: bool) -> String {
        let Self(instances) = self;
        let length = short_length(instances.iter().map(|instance| instance.about.id.as_str()));
        let (head, plain) = (Style::new().bold(), Style::new());
        let (name, dim) = (AnsiColor::Cyan.on_default(), Style::new().dimmed());
        let mut table = Table::new(colours).right_from(4);
        let titles = ["SERVICE", "KIND", "VERSION", "INSTANCE", "UP FOR", "REQUESTS", "ERRORS", "MEAN TIME"];
        table.row(titles.map(|title| (title, head)));
        let mut before = None;
        for instance in instances {
            let Instance { about, figures } = instance;
            let service = (before.replace(instance.service()) != Some(instance.service())).then(|| instance.service());
            let kind = if about.callbox_service().is_some() { "callbox" } else { "other" };
            let [up, requests, errors, mean] = match figures {
                Some(figures) => figures.cells(now),
                None => ["-"; 4].map(str::to_owned),
            };
            let has_errors = figures.as_ref().is_some_and(|figures| figures.errors > 0);
            let red = if has_errors { AnsiColor::Red.on_default() } else { plain };
            table.row([
                (service.unwrap_or_default().to_owned(), name),
                (kind.to_owned(), dim),
                (about.version.clone(), plain),
                (shortened(&about.id, length), plain),
                (up, plain),
                (requests, plain),
                (errors, red),
                (mean, plain),
            ]);
        }
        table.to_string()
    }

    /// Returns a list of objects, one for each instance. Times are in microseconds.
    pub(super) fn to_json(&self) -> Value {
        let instance = |Instance { about, figures }: &Instance| {
            let mut object = json!({
                "service": about.service(),
                "name": about.name,
                "id": about.id,
                "version": about.version,
                "metadata": about.metadata,
            });
            if let Some(Figures { started, endpoints, requests, errors, mean }) = figures {
                object["started"] = started.as_str().into();
                object["endpoints"] = (*endpoints).into();
                object["requests"] = (*requests).into();
                object["errors"] = (*errors).into();
                object["mean_us"] = mean.map(|mean| mean.as_nanos() as f64 / 1e3).into();
            }
            object
        };
        self.0.iter().map(instance).collect()
    }
}

impl Instance {
    fn service(&self) -> &str {
        self.about.service()
    }
}

impl Figures {
    fn of(stats: &MicroStats) -> Self {
        let sum = |of: fn(&callbox::client::MicroEndpointStats) -> u64| stats.endpoints.iter().map(of).sum::<u64>();
        let time: Duration = stats.endpoints.iter().map(|endpoint| endpoint.processing_time).sum();
        // Calls that were rejected have taken no time, and are no part of the mean.
        let timed = stats.endpoints.iter().map(|endpoint| {
            endpoint.processing_time.as_nanos().checked_div(endpoint.average_processing_time.as_nanos()).unwrap_or(0)
        });
        let timed = u32::try_from(timed.sum::<u128>()).unwrap_or(u32::MAX);
        Self {
            started: stats.started.clone(),
            endpoints: stats.endpoints.len(),
            requests: sum(|endpoint| endpoint.num_requests),
            errors: sum(|endpoint| endpoint.num_errors),
            mean: time.checked_div(timed),
        }
    }

    /// Returns the time since the start, and the figures of the calls.
    fn cells(&self, now: OffsetDateTime) -> [String; 4] {
        [
            age(&self.started, now).unwrap_or_else(|| "-".to_owned()),
            format::integer(self.requests),
            format::integer(self.errors),
            self.mean.map_or_else(|| "-".to_owned(), format::duration),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(text: &str) -> MicroStats {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn each_instance_has_a_row_below_the_name_of_its_service() {
        let market = |id: &str, requests: u64, time: u64| {
            stats(&format!(
                r#"{{"name":"shop-market","id":"{id}","version":"0.1.0","metadata":{{"callbox.service":"shop.market"}},
                "started":"2026-11-30T11:30:00Z","endpoints":[{{"name":"add","num_requests":{requests},"num_errors":1,
                "processing_time":{time},"average_processing_time":1000}},{{"name":"sell"}}]}}"#
            ))
        };
        let ping: MicroInstance =
            serde_json::from_str(r#"{"name":"math","id":"zzzzzzzz","version":"2.0.0","metadata":null}"#).unwrap();
        let late = market("aaaaaaaa", 1203, 1_200_000);
        let found = Found::new(vec![ping, market("bbbbbbbb", 0, 0).instance], vec![late, market("bbbbbbbb", 0, 0)]);
        let now = OffsetDateTime::parse("2026-11-30T12:00:00Z", &time::format_description::well_known::Rfc3339);
        let expected = "\
SERVICE      KIND     VERSION  INSTANCE  UP FOR  REQUESTS  ERRORS  MEAN TIME
math         other    2.0.0    zzzzzz         -         -       -          -
shop.market  callbox  0.1.0    aaaaaa       30m     1,203       1    1.00 µs
             callbox  0.1.0    bbbbbb       30m         0       1          -
";
        assert_eq!(found.render(now.unwrap(), false), expected);
        let json = found.to_json();
        assert_eq!((&json[1]["service"], &json[1]["requests"]), (&"shop.market".into(), &1203.into()));
        assert_eq!((&json[1]["mean_us"], &json[0]["requests"]), (&1.0.into(), &Value::Null));
    }
}
