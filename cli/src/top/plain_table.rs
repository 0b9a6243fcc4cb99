//! The view as one plain table, for `--once`.

use anstyle::Style;
use callbox_cli::mailboxes::Connections;
use callbox_cli::table::Table;

use super::model::{MailboxRow, StreamRow, View};
use super::{brief, count};

pub(crate) fn render(view: &View) -> String {
    let plain = Style::new();
    let mut table = Table::new(false).right_from(1);
    let heads = [
        "METHOD",
        "WAITING",
        "CAPACITY",
        "RUNNING",
        "CALLS/S",
        "WAIT P50",
        "WAIT P99",
        "RUN P50",
        "RUN P99",
        "REFUSED/S",
    ];
    let has_streams = view.rows.iter().any(|row| row.stream.is_some());
    let more = ["SUBSCRIPTIONS", "ITEMS/S", "MISSED/S"].into_iter().filter(|_| has_streams);
    table.row(heads.into_iter().chain(more).map(|head| (head, plain)));
    for row in &view.rows {
        let MailboxRow { method, depth, capacity, running, ended, refused, stream, wait, run, failed: _ } = row;
        let [(wait50, wait99), (run50, run99)] = [wait, run].map(|[p50, p99]| (brief(*p50), brief(*p99)));
        let (depth, capacity) = (count(*depth as f64), count(*capacity as f64));
        let cells = [
            method.clone(),
            depth,
            capacity,
            running.to_string(),
            count(*ended),
            wait50,
            wait99,
            run50,
            run99,
            count(*refused),
        ];
        let more = match stream {
            Some(StreamRow { subscriptions, items, missed }) => [*subscriptions as f64, *items, *missed].map(count),
            None => ["-"; 3].map(str::to_owned),
        };
        let more = more.into_iter().filter(|_| has_streams);
        table.row(cells.into_iter().chain(more).map(|cell| (cell, plain)));
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
