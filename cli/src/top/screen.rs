//! The view on a terminal.

use callbox_cli::mailboxes::Connections;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row as TableRow, Table};

use super::model::{MailboxRow, SortOrder, View};
use super::{brief, count, instances, streams};
use crate::terminal::sanitize;

pub(super) const DIM: Style = Style::new().fg(Color::DarkGray);
pub(super) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);

/// The steps of a bar, in eighths of a character.
const EIGHTHS: [&str; 9] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/// Everything that is on the screen.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    pub(crate) url: String,
    pub(crate) view: View,
    pub(crate) order: SortOrder,
    /// Index of the first visible row.
    pub(crate) first_row: usize,
    /// Error of the last request, if it failed: then the view is an older one.
    pub(crate) error: Option<String>,
}

impl Screen {
    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        let services = u16::try_from(self.view.services.len()).unwrap_or(u16::MAX).min(4);
        let streams = streams::height(&self.view, frame.area().height);
        let areas = Layout::vertical([
            Constraint::Length(1 + u16::from(self.view.connections.is_some()) + services),
            Constraint::Length(1),
            Constraint::Min(0),
            Constraint::Length(streams),
            Constraint::Length(1),
        ]);
        let [head, _, body, below, foot] = areas.areas(frame.area());
        frame.render_widget(Paragraph::new(self.head()), head);
        self.table(frame, body);
        if streams > 0 {
            streams::draw(&self.view, frame, below);
        }
        frame.render_widget(Paragraph::new(self.foot()), foot);
    }

    fn head(&self) -> Vec<Line<'_>> {
        let sum = |of: fn(&MailboxRow) -> f64| self.view.rows.iter().map(of).sum::<f64>();
        let waiting = self.view.rows.iter().map(|row| row.depth).sum::<u64>();
        let rejected = sum(|row| row.rejected);
        let mut first = vec![
            Span::styled("callbox top ", BOLD),
            Span::raw(&self.url),
            Span::raw(format!("  {}/s", count(sum(|row| row.ended)))),
            Span::raw(format!("  {} waiting", count(waiting as f64))),
        ];
        if rejected > 0.0 {
            first.push(Span::styled(format!("  {} rejected/s", count(rejected)), Color::Red));
        }
        let services = self.view.services.iter().map(|service| {
            let (mark, colour) = if service.is_up { ("● up", Color::Green) } else { ("● down", Color::Red) };
            let mut line = vec![Span::styled(mark, colour), Span::raw(format!("  {}", sanitize(&service.name)))];
            line.extend(instances::of_service(service));
            if service.restarts > 0 {
                line.push(Span::styled(format!("  {} restarts", service.restarts), Color::Yellow));
            }
            Line::from(line)
        });
        let connections = self.view.connections.as_ref().map(connections);
        [Line::from(first)].into_iter().chain(connections).chain(services).collect()
    }

    fn table(&self, frame: &mut Frame<'_>, area: Rect) {
        let longest = self.view.rows.iter().map(|row| row.method.chars().count()).max().unwrap_or(0);
        let id = instances::width(&self.view);
        // The width that the numbers leave for the name and the bar.
        let room = usize::from(area.width).saturating_sub(55 + id.map_or(0, |id| id + 1));
        let name = longest.clamp(8, room.saturating_sub(6).max(8));
        let bar = room.saturating_sub(name).clamp(4, 30);
        let widths = [name].into_iter().chain(id).chain([bar, 6, 5, 8, 12, 12, 5]);
        let widths = widths.map(|width| Constraint::Length(width as u16));
        let mailbox = if bar < "MAILBOX".len() { "BOX" } else { "MAILBOX" };
        let first = ["METHOD"].into_iter().chain(id.map(|_| instances::TITLE)).chain([mailbox]);
        let first = first.map(|title| right(title.to_owned(), false));
        let numbers = ["DEPTH", "RUN", "CALLS/S", "WAIT 50·99%", "RUN 50·99%", "REJ/S"];
        let head = first.chain(numbers.map(|title| right(title.to_owned(), true))).map(|cell| cell.style(BOLD));
        let visible = self.view.rows.get(self.first_row..).unwrap_or_default();
        let above = [None].into_iter().chain(visible.iter().map(Some));
        let rows = visible.iter().zip(above).map(|(row, above)| cells(row, above, name, bar));
        let style = if self.error.is_some() { DIM } else { Style::new() };
        let table = Table::new(rows, widths).header(TableRow::new(head)).column_spacing(1).style(style);
        frame.render_widget(table, area);
    }

    fn foot(&self) -> Line<'_> {
        match &self.error {
            Some(error) => Line::styled(sanitize(error), Color::Red),
            None => Line::styled(format!("q quits   s sorts (by {})   ↑↓ scroll", self.order.name()), DIM),
        }
    }
}

/// Returns the line of the connections. What the server has ended is there in any case, and stands
/// out once there is some.
fn connections(connections: &Connections) -> Line<'static> {
    let [(_, open), others @ ..] = connections.figures();
    let open = Span::raw(format!("{} connections", count(open as f64)));
    let others = others.into_iter().enumerate().map(|(index, (name, number))| {
        let has_ended = index >= 2 && number > 0;
        let style = if has_ended { Style::new().fg(Color::Yellow) } else { DIM };
        Span::styled(format!("  {} {name}", count(number as f64)), style)
    });
    Line::from_iter([open].into_iter().chain(others))
}

fn cells(row: &MailboxRow, above: Option<&MailboxRow>, name: usize, bar: usize) -> TableRow<'static> {
    let times = |[p50, p99]: [Option<std::time::Duration>; 2]| format!("{:>5} {:>5}", brief(p50), brief(p99));
    let rejected = if row.rejected > 0.0 { Style::new().fg(Color::Red).add_modifier(Modifier::BOLD) } else { DIM };
    let ended = if row.failed > 0.0 { Style::new().fg(Color::Yellow) } else { Style::new() };
    let method = Cell::from(instances::method_name(row, above, name));
    let first = [method].into_iter().chain(row.instance.as_ref().map(instances::cell));
    let others = [
        Cell::from(Line::from(vec![
            Span::styled(filled(row.fullness(), bar), colour(row.fullness())),
            Span::styled("·".repeat(bar - width(row.fullness(), bar)), DIM),
        ])),
        right(count(row.depth as f64), true),
        right(row.running.to_string(), true),
        right(count(row.ended), true).style(ended),
        right(times(row.wait), true),
        right(times(row.run), true),
        right(count(row.rejected), true).style(rejected),
    ];
    TableRow::new(first.chain(others))
}

pub(super) fn right(text: String, is_number: bool) -> Cell<'static> {
    let alignment = if is_number { Alignment::Right } else { Alignment::Left };
    Cell::from(Line::from(text).alignment(alignment))
}

fn colour(fullness: f64) -> Style {
    Style::new().fg(match fullness {
        _ if fullness >= 0.8 => Color::Red,
        _ if fullness >= 0.5 => Color::Yellow,
        _ => Color::Green,
    })
}

/// Returns the number of characters of a bar that are not empty.
fn width(fullness: f64, bar: usize) -> usize {
    eighths(fullness, bar).div_ceil(8)
}

/// Returns the length of a bar in eighths of a character; a single call is visible, however large
/// the mailbox.
fn eighths(fullness: f64, bar: usize) -> usize {
    let eighths = (fullness * bar as f64 * 8.0).round() as usize;
    if fullness > 0.0 { eighths.clamp(1, bar * 8) } else { 0 }
}

fn filled(fullness: f64, bar: usize) -> String {
    let eighths = eighths(fullness, bar);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::model::tests::{instances, mailbox, snapshot, subscribed};
    use super::*;

    fn lines(width: u16, height: u16, screen: &Screen) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(row).collect()
    }

    fn screen() -> Screen {
        let begin = Instant::now();
        let before =
            snapshot(begin, &[mailbox("say_hello", 0, 0, 0, &[]), mailbox("look_up_by_a_long_name", 0, 0, 0, &[])]);
        let boxes = [
            mailbox("say_hello", 50, 4998, 12, &[(12.0, 4998)]),
            mailbox("look_up_by_a_long_name", 0, 3, 0, &[(1500.0, 3)]),
        ];
        let now = snapshot(begin + Duration::from_secs(1), &boxes);
        Screen { url: "http://127.0.0.1:5000/api".to_owned(), view: View::between(&before, &now), ..Screen::default() }
    }

    #[test]
    fn everything_fits_on_a_screen_of_eighty_columns() {
        for width in [80, 120] {
            let lines = lines(width, 12, &screen());
            assert!(lines[0].contains("127.0.0.1:5000") && lines[0].contains("50 waiting"), "{}", lines[0]);
            assert!(lines[1].contains("up  notes"), "{}", lines[1]);
            let row = lines.iter().find(|line| line.starts_with("say_hello")).unwrap();
            for part in ["███", "···", " 50 ", "4,998", "12µs", " 12"] {
                assert!(row.contains(part), "{part}: {row}");
            }
            assert!(row.trim_end().ends_with("12"), "nothing is cut off: {row}");
            let other = lines.iter().find(|line| line.starts_with("look_up_by_a")).unwrap();
            assert!(other.contains("1.5ms"), "{other}");
            assert!(lines[11].contains("q quits"), "{}", lines[11]);
        }
    }

    #[test]
    fn the_instances_of_a_method_are_side_by_side() {
        let begin = Instant::now();
        let view = View::between(&instances(begin, [0, 0]), &instances(begin + Duration::from_secs(1), [4998, 7]));
        let screen = Screen { view, order: SortOrder::Name, ..Screen::default() };
        for (width, mailbox) in [(80, "METHOD    INSTANCE MAILBOX"), (120, "METHOD    INSTANCE MAILBOX   ")] {
            let lines = lines(width, 8, &screen);
            assert_eq!(lines[1].trim_end(), "● up  notes  2 instances  aaaaaa bbbbbb");
            assert!(lines[3].starts_with(mailbox), "{}", lines[3]);
            for (line, begin, calls) in
                [(&lines[4], "notes.add ● aaaaaa", " 4,998 "), (&lines[5], "          ○ bbbbbb", " 7 ")]
            {
                assert!(line.starts_with(begin) && line.contains(calls), "{line}");
                assert!(line.trim_end().ends_with(" 0"), "nothing is cut off: {line}");
            }
        }
    }

    #[test]
    fn the_second_line_has_the_connections_if_the_server_knows_them() {
        let mut screen = screen();
        assert!(lines(80, 12, &screen)[1].contains("up  notes"));
        let ended = Connections { open: 120, websockets: 7, event_streams: 2, rejected: 3, slow: 1, silent: 0 };
        screen.view.connections = Some(ended);
        let lines = lines(80, 12, &screen);
        let expected = "120 connections  7 WebSockets  2 event streams  3 rejected  1 slow  0 silent";
        assert_eq!(lines[1].trim_end(), expected);
        assert!(lines[2].contains("up  notes"), "{}", lines[2]);
    }

    #[test]
    fn subscriptions_have_a_table_of_their_own_below() {
        let begin = Instant::now();
        let at = |seconds, items, missed| {
            let boxes = [mailbox("say_hello", 0, 1, 0, &[]), subscribed("prices", 3, items, missed)];
            snapshot(begin + Duration::from_secs(seconds), &boxes)
        };
        let view = View::between(&at(0, 100, 0), &at(2, 2100, 50));
        let screen = Screen { view, ..Screen::default() };
        let shown = lines(80, 14, &screen);
        let head = shown.iter().position(|line| line.starts_with("SUBSCRIPTION")).unwrap();
        assert_eq!(head, 11, "{shown:#?}");
        let words: Vec<_> = shown[head + 1].split_whitespace().collect();
        assert_eq!(words, ["prices", "3", "1,000", "25"]);
        assert!(shown[13].contains("q quits"));
        // A low terminal is for the mailboxes.
        assert!(lines(80, 6, &screen).iter().all(|line| !line.starts_with("SUBSCRIPTION")));
    }

    #[test]
    fn the_view_fits_any_size_and_shows_errors() {
        let mut screen = screen();
        screen.error = Some("the server cannot be reached".to_owned());
        screen.first_row = 9;
        for (width, height) in [(1, 1), (10, 3), (40, 5), (300, 50)] {
            assert_eq!(lines(width, height, &screen).len(), usize::from(height));
        }
        assert!(lines(80, 10, &screen)[9].contains("cannot be reached"));
    }

    #[test]
    fn the_length_of_a_bar_is_proportional_to_the_depth() {
        for (fullness, expected) in [(0.0, ""), (0.001, "▏"), (0.5, "█████"), (0.55, "█████▌"), (1.0, "██████████")]
        {
            assert_eq!(filled(fullness, 10), expected, "{fullness}");
        }
    }
}
