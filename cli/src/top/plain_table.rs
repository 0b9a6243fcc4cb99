//! The view as one plain table, for `--once`.

use anstyle::Style;
use callbox_cli::mailboxes::Connections;
use callbox_cli::table::Table;

use super::model::{InstanceCell, MailboxRow, StreamRow, View};
use super::{brief, count};

pub(crate) fn render(view: &View) -> String {
    let plain = Style::new();
    let has_instances = view.has_instances();
    let mut table = Table::new(false).right_from(if has_instances { 3 } else { 1 });
    let heads =
        ["WAITING", "CAPACITY", "RUNNING", "CALLS/S", "WAIT P50", "WAIT P99", "RUN P50", "RUN P99", "REJECTED/S"];
    let has_streams = view.rows.iter().any(|row| row.stream.is_some());
    let more = ["SUBSCRIPTIONS", "ITEMS/S", "MISSED/S"].into_iter().filter(|_| has_streams);
    let first = ["METHOD"].into_iter().chain(["INSTANCE", "GROUP"].into_iter().filter(|_| has_instances));
    table.row(first.chain(heads).chain(more).map(|head| (head, plain)));
    for row in &view.rows {
        let MailboxRow { method, instance, depth, capacity, running, ended, rejected, stream, wait, run, failed: _ } =
            row;
        let [(wait50, wait99), (run50, run99)] = [wait, run].map(|[p50, p99]| (brief(*p50), brief(*p99)));
        let (depth, capacity) = (count(*depth as f64), count(*capacity as f64));
        let instance = instance
            .iter()
            .flat_map(|InstanceCell { id, is_in }| [id.clone(), if *is_in { "in" } else { "out" }.to_owned()]);
        let cells =
            [depth, capacity, running.to_string(), count(*ended), wait50, wait99, run50, run99, count(*rejected)];
        let more = match stream {
            Some(StreamRow { subscriptions, items, missed }) => [*subscriptions as f64, *items, *missed].map(count),
            None => ["-"; 3].map(str::to_owned),
        };
        let more = more.into_iter().filter(|_| has_streams);
        let first = [method.clone()].into_iter().chain(instance);
        table.row(first.chain(cells).chain(more).map(|cell| (cell, plain)));
    }
    match &view.connections {
        None => table.to_string(),
        Some(connections) => format!("{table}\n{}", of_connections(connections)),
    }
}

/// Returns the table of the connections.
fn of_connections(connections: &Connections) -> String {
    let (plain, figures) = (Style::new(), connections.figures());
    let mut table = Table::new(false).right_from(1);
    table.row(
        [("CONNECTIONS".to_owned(), plain)]
            .into_iter()
            .chain(figures.iter().map(|(name, _)| (name.to_uppercase(), plain))),
    );
    table.row(
        [(String::new(), plain)].into_iter().chain(figures.iter().map(|(_, number)| (count(*number as f64), plain))),
    );
    table.to_string()
}
