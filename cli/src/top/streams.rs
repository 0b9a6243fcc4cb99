//! The subscriptions of all methods, below their mailboxes.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Cell, Row, Table};

use super::model::{MailboxRow, StreamRow, View};
use super::screen::{BOLD, DIM, right};
use super::{count, instances};

/// The part of the screen that the table may take, as its inverse.
const SHARE: u16 = 3;

/// Widths of the columns of numbers.
const NUMBER_WIDTHS: [u16; 3] = [6, 10, 10];

/// Returns the height of the table with an empty line above it, on a screen of this height. Zero if
/// nobody has subscribed to anything, or there is no room.
pub(super) fn height(view: &View, screen: u16) -> u16 {
    let rows = u16::try_from(rows(view).count()).unwrap_or(u16::MAX);
    // An empty line, a head, and a row.
    let room = screen / SHARE;
    if rows == 0 || room < 3 { 0 } else { rows.saturating_add(2).min(room) }
}

pub(super) fn draw(view: &View, frame: &mut Frame<'_>, area: Rect) {
    let others: u16 = NUMBER_WIDTHS.iter().map(|width| width + 1).sum();
    let longest = rows(view).map(|(row, _)| row.method.chars().count()).max().unwrap_or(0);
    let id = instances::width(view);
    let others = others + id.map_or(0, |id| id as u16 + 1);
    let name = longest.clamp("SUBSCRIPTION".len(), usize::from(area.width.saturating_sub(others)).max(12));
    let first = ["SUBSCRIPTION"].into_iter().chain(id.map(|_| instances::TITLE)).map(|title| (title, false));
    let head = first.chain(["OPEN", "ITEMS/S", "MISSED/S"].map(|title| (title, true)));
    let head = Row::new(head.map(|(title, is_number)| right(title.to_owned(), is_number).style(BOLD))).top_margin(1);
    let rows = rows(view).map(|(row, stream)| {
        let missed = if stream.missed > 0.0 { Style::new().fg(Color::Red).add_modifier(Modifier::BOLD) } else { DIM };
        let first = [Cell::from(instances::method_name(row, None, name))];
        let numbers = [
            right(count(stream.subscriptions as f64), true),
            right(count(stream.items), true),
            right(count(stream.missed), true).style(missed),
        ];
        Row::new(first.into_iter().chain(row.instance.as_ref().map(instances::cell)).chain(numbers))
    });
    let widths = [name as u16].into_iter().chain(id.map(|id| id as u16)).chain(NUMBER_WIDTHS).map(Constraint::Length);
    frame.render_widget(Table::new(rows, widths).header(head).column_spacing(1), area);
}

fn rows(view: &View) -> impl Iterator<Item = (&MailboxRow, StreamRow)> {
    view.rows.iter().filter_map(|row| Some((row, row.stream?)))
}
