//! The column of the instances on NATS.

use ratatui::style::Color;
use ratatui::text::{Line, Span};
use ratatui::widgets::Cell;

use super::model::{InstanceCell, MailboxRow, ServiceRow, View};
use super::screen::DIM;
use crate::terminal::sanitize;

/// The head of the column.
pub(super) const TITLE: &str = "INSTANCE";

/// Maximum width of the column, with the mark.
const MAX_WIDTH: usize = 16;

/// Returns the width of the column; `None` if the mailboxes are not those of instances.
pub(super) fn width(view: &View) -> Option<usize> {
    let ids = view.rows.iter().filter_map(|row| row.instance.as_ref());
    let longest = ids.map(|instance| instance.id.chars().count() + 2).max();
    longest.map(|longest| longest.clamp(TITLE.len(), MAX_WIDTH))
}

/// Returns the cell of an instance: a full mark if it is in the group of the method, and an empty
/// one while it takes no calls.
pub(super) fn cell(InstanceCell { id, is_in }: &InstanceCell) -> Cell<'static> {
    let (mark, colour) = if *is_in { ("● ", Color::Green) } else { ("○ ", Color::Yellow) };
    Cell::from(Line::from(vec![Span::styled(mark, colour), Span::raw(sanitize(id))]))
}

/// Returns how many instances a service has, and which.
pub(super) fn of_service(service: &ServiceRow) -> Vec<Span<'static>> {
    let count = service.instances.len();
    if count == 0 {
        return Vec::new();
    }
    let plural = if count == 1 { "" } else { "s" };
    let ids = sanitize(&service.instances.join(" "));
    vec![Span::raw(format!("  {count} instance{plural}")), Span::styled(format!("  {ids}"), DIM)]
}

/// Returns the name of a method in at most `width` characters. On NATS the begin is the name of the
/// service, which all of its methods have, so the end of a long name is shown. It is there once for
/// rows that follow each other.
pub(super) fn method_name(row: &MailboxRow, above: Option<&MailboxRow>, width: usize) -> String {
    if row.instance.is_some() && above.is_some_and(|above| above.method == row.method) {
        return String::new();
    }
    let name = sanitize(&row.method);
    let length = name.chars().count();
    match (length > width, row.instance.is_some()) {
        (false, _) => name,
        (true, false) => name.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
        (true, true) => ['…'].into_iter().chain(name.chars().skip(length + 1 - width.max(1))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::model::tests::{instances, mailbox, snapshot};
    use super::*;

    #[test]
    fn a_long_name_is_shortened_where_it_says_least() {
        let now = Instant::now();
        let view = |snapshot| View::between(&snapshot, &snapshot).rows;
        let rows = view(instances(now, [0, 0]));
        for (width, expected) in [(9, "notes.add"), (5, "….add"), (1, "…"), (0, "…")] {
            assert_eq!(method_name(&rows[0], None, width), expected);
        }
        assert_eq!(method_name(&rows[1], Some(&rows[0]), 9), "");
        let rows = view(snapshot(now, &[mailbox("look_up", 0, 0, 0, &[])]));
        assert_eq!(method_name(&rows[0], Some(&rows[0]), 5), "look…");
    }
}
