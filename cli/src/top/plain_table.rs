//! The view as one plain table, for `--once`.

use anstyle::Style;
use callbox_cli::table::Table;

use super::model::{MailboxRow, View};
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
    table.row(heads.map(|head| (head, plain)));
    for row in &view.rows {
        let MailboxRow { method, depth, capacity, running, ended, refused, wait, run, failed: _ } = row;
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
        table.row(cells.map(|cell| (cell, plain)));
    }
    table.to_string()
}
