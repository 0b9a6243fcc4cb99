//! The subscriptions of all methods, below their mailboxes.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Cell, Row, Table};

use super::count;
use super::model::{StreamRow, View};
use super::screen::{BOLD, DIM, right, shortened};

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
    let longest = rows(view).map(|(method, _)| method.chars().count()).max().unwrap_or(0);
    let name = longest.clamp("SUBSCRIPTION".len(), usize::from(area.width.saturating_sub(others)).max(12));
    let head = ["SUBSCRIPTION", "OPEN", "ITEMS/S", "MISSED/S"].into_iter().enumerate();
    let head = Row::new(head.map(|(column, title)| right(title.to_owned(), column > 0).style(BOLD))).top_margin(1);
    let rows = rows(view).map(|(method, stream)| {
        let missed = if stream.missed > 0.0 { Style::new().fg(Color::Red).add_modifier(Modifier::BOLD) } else { DIM };
        Row::new([
            Cell::from(shortened(method, name)),
            right(count(stream.subscriptions as f64), true),
            right(count(stream.items), true),
            right(count(stream.missed), true).style(missed),
        ])
    });
    let widths = [name as u16].into_iter().chain(NUMBER_WIDTHS).map(Constraint::Length);
    frame.render_widget(Table::new(rows, widths).header(head).column_spacing(1), area);
}

fn rows(view: &View) -> impl Iterator<Item = (&str, StreamRow)> {
    view.rows.iter().filter_map(|row| Some((row.method.as_str(), row.stream?)))
}
