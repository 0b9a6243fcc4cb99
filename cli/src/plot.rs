//! Line charts as SVG: enough for latencies, loads and mailbox depths.

use std::fmt::{self, Write as _};

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 470.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 34.0;
const TOP: f64 = 92.0;
const BOTTOM: f64 = 62.0;

/// Colours and dash patterns of lines, which also differ for readers with red-green blindness and
/// in black-and-white print.
pub const STYLES: [(&str, &str); 5] =
    [("#0b62a8", ""), ("#d9730d", "7 3"), ("#3d3d3d", "2 3"), ("#a3238e", "10 3 2 3"), ("#2b8a57", "4 4")];

/// An axis: its label with the unit, its range, and its ticks.
#[derive(Debug)]
pub struct Axis {
    pub label: &'static str,
    pub from: f64,
    pub to: f64,
    pub ticks: Vec<f64>,
    pub log: bool,
    /// Returns the label of a tick.
    pub name: fn(f64) -> String,
}

impl Axis {
    /// Returns an axis from 0 to `to`, with ticks at round numbers.
    pub fn linear(label: &'static str, to: f64) -> Self {
        let rough = to / 6.0;
        let size = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|round| round * size).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let ticks = (0..).map(|tick| f64::from(tick) * step).take_while(|tick| *tick <= to * 1.0001).collect();
        Self { label, from: 0.0, to, ticks, log: false, name: number }
    }

    /// Returns a logarithmic axis over the powers of ten around these values.
    pub fn log(label: &'static str, values: impl Iterator<Item = f64> + Clone) -> Self {
        let known = values.filter(|value| value.is_finite() && *value > 0.0);
        let min = known.clone().fold(f64::INFINITY, f64::min).clamp(1e-3, 1.0);
        let max = known.fold(0.0, f64::max).max(10.0);
        let (from, to) = (min.log10().floor() as i32, max.log10().ceil() as i32);
        let power = |exponent| 10f64.powi(exponent);
        Self {
            label,
            from: power(from),
            to: power(to),
            ticks: (from..=to).map(power).collect(),
            log: true,
            name: number,
        }
    }

    /// Returns a logarithmic axis with these values as ticks.
    pub fn ratios(label: &'static str, values: &[f64]) -> Self {
        let (from, to) = (values[0], values[values.len() - 1]);
        Self { label, from, to, ticks: values.to_vec(), log: true, name: number }
    }

    /// Returns an axis of percentiles from 0, on which each further nine has the same width: values
    /// are `1 / (1 - quantile)`.
    pub fn percentiles(label: &'static str, nines: i32) -> Self {
        let name = |rarity: f64| format!("{}\u{2009}%", (100.0 - 100.0 / rarity) as f32);
        let ticks = (0..=nines).map(|nines| 10f64.powi(nines)).collect();
        Self { label, from: 1.0, to: 10f64.powi(nines), ticks, log: true, name }
    }

    /// Returns the position of a value between the ends of the axis, from 0 to 1.
    fn fraction(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.log { value.max(self.from).ln() } else { value };
        ((scale(value) - scale(self.from)) / (scale(self.to) - scale(self.from))).clamp(0.0, 1.0)
    }
}

/// A line with its name in the legend.
#[derive(Debug)]
pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// A chart. `band` shades a part of the x axis, with a caption; `limit` is a horizontal line with a
/// caption.
#[derive(Debug)]
pub struct Chart {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub lines: Vec<Line>,
    pub band: Option<(f64, f64, &'static str)>,
    pub limit: Option<(f64, &'static str)>,
    pub dots: bool,
}

impl Chart {
    fn x(&self, value: f64) -> f64 {
        LEFT + self.x.fraction(value) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.fraction(value) * (HEIGHT - TOP - BOTTOM)
    }

    fn axes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for &tick in &self.y.ticks {
            let y = self.y(tick);
            writeln!(f, r##"<path d="M{LEFT} {y:.1}H{right}" stroke="#e3e3e3"/>"##)?;
            writeln!(
                f,
                r##"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"##,
                LEFT - 8.0,
                y + 4.0,
                (self.y.name)(tick)
            )?;
        }
        for &tick in &self.x.ticks {
            let x = self.x(tick);
            writeln!(f, r##"<path d="M{x:.1} {bottom}v5" stroke="#555"/>"##)?;
            writeln!(
                f,
                r##"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"##,
                bottom + 20.0,
                (self.x.name)(tick)
            )?;
        }
        writeln!(f, r##"<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#555"/>"##)?;
        let (middle, low) = ((LEFT + right) / 2.0, HEIGHT - 16.0);
        writeln!(f, r##"<text x="{middle}" y="{low}" text-anchor="middle">{}</text>"##, self.x.label)?;
        let height = f64::midpoint(TOP, bottom);
        writeln!(
            f,
            r##"<text transform="translate(20 {height}) rotate(-90)" text-anchor="middle">{}</text>"##,
            self.y.label
        )
    }

    /// The legend is above the plot, so that it hides nothing.
    fn legend(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut x, mut y) = (LEFT, 56.0);
        for (line, (colour, dashes)) in self.lines.iter().zip(STYLES) {
            let width = 46.0 + 6.7 * line.name.chars().count() as f64;
            if x + width > WIDTH - RIGHT {
                (x, y) = (LEFT, y + 20.0);
            }
            writeln!(
                f,
                r##"<path d="M{x} {y}h26" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{dashes}"/>"##
            )?;
            writeln!(f, r##"<text x="{}" y="{}">{}</text>"##, x + 32.0, y + 4.5, escaped(&line.name))?;
            x += width;
        }
        Ok(())
    }

    fn marks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((from, to, meaning)) = self.band {
            let (x, to) = (self.x(from), self.x(to));
            let (width, height) = (to - x, HEIGHT - TOP - BOTTOM);
            writeln!(f, r##"<rect x="{x:.1}" y="{TOP}" width="{width:.1}" height="{height}" fill="#fff3d6"/>"##)?;
            writeln!(f, r##"<text x="{:.1}" y="{}" fill="#7a5a00">{meaning}</text>"##, x + 8.0, TOP + 17.0)?;
        }
        if let Some((limit, meaning)) = self.limit {
            let (y, right) = (self.y(limit), WIDTH - RIGHT);
            writeln!(
                f,
                r##"<path d="M{LEFT} {y:.1}H{right}" stroke="#b00020" stroke-dasharray="1 3" stroke-width="1.5"/>"##
            )?;
            writeln!(
                f,
                r##"<text x="{}" y="{:.1}" text-anchor="end" fill="#b00020">{meaning}</text>"##,
                right - 4.0,
                y + 14.0
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#222">"##
        )?;
        writeln!(f, r##"<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>"##)?;
        writeln!(f, r##"<text x="{LEFT}" y="30" font-size="17" font-weight="bold">{}</text>"##, escaped(&self.title))?;
        self.legend(f)?;
        if let Some(line) = self.lines.get(STYLES.len()) {
            unreachable!("there is no style left for {}", line.name);
        }
        self.axes(f)?;
        self.marks(f)?;
        for (line, (colour, dashes)) in self.lines.iter().zip(STYLES) {
            let mut path = String::new();
            let mut pen = 'M';
            for &(x, y) in line.points.iter().filter(|(_, y)| y.is_finite()) {
                let (x, y) = (self.x(x), self.y(y));
                write!(path, "{pen}{x:.1} {y:.1}")?;
                pen = 'L';
                if self.dots {
                    writeln!(f, r##"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{colour}"/>"##)?;
                }
            }
            writeln!(
                f,
                r##"<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round" stroke-dasharray="{dashes}"/>"##
            )?;
        }
        f.write_str("</svg>\n")
    }
}

/// Formats a tick, with thin spaces between thousands.
fn number(value: f64) -> String {
    if value < 1000.0 {
        return format!("{}", (value * 1e6).round() / 1e6);
    }
    let digits = format!("{value:.0}");
    let (head, tail) = digits.split_at(digits.len() - 3);
    format!("{head}\u{2009}{tail}")
}

/// Escapes text for XML: the names of lines are user input.
fn escaped(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control()).collect::<String>();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
