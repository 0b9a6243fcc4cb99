//! The overview of all methods of a server.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use callbox_cli::table::{Table, wrapped};

use crate::address::Address;
use crate::openrpc::{Document, Method};
use crate::terminal::sanitize;

/// Maximum width of the column of signatures, unless a signature has no shorter form.
const MAX_SIGNATURE_WIDTH: usize = 38;

/// Minimum width of the column of documentation.
const MIN_TEXT_WIDTH: usize = 24;

pub(super) fn render(
    document: &Document,
    listed: &BTreeMap<String, Option<String>>,
    url: &Address,
    colours: bool,
    width: usize,
) -> String {
    let bold = if colours { Style::new().bold() } else { Style::new() };
    let mut text = format!("{bold}{}{bold:#}  {url}\n", sanitize(&document.info.title));
    if let Some(description) = &document.info.description {
        for line in wrapped(description, width) {
            let _ = writeln!(text, "{}", sanitize(&line));
        }
    }
    let _ = write!(text, "\n{}", method_table(document, colours, width));
    let is_described =
        |name: &str| name.starts_with("rpc.") || document.methods.iter().any(|method| method.name == name);
    let others: Vec<_> = listed.keys().filter(|name| !is_described(name)).map(|name| sanitize(name)).collect();
    if !others.is_empty() {
        text.push('\n');
        for line in wrapped(&format!("Available with a suitable token: {}", others.join(", ")), width) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

fn method_table(document: &Document, colours: bool, width: usize) -> Table {
    let signatures: Vec<_> = document.methods.iter().map(signature).collect();
    let fitting =
        signatures.iter().map(|signature| signature.chars().count()).filter(|length| *length <= MAX_SIGNATURE_WIDTH);
    let first = fitting.max().unwrap_or(0).max("METHOD".len());
    let accesses = document.methods.iter().map(|method| access(method).0.chars().count());
    let second = accesses.max().unwrap_or(0).max("ACCESS".len());
    let room = width.saturating_sub(first + second + 4).max(MIN_TEXT_WIDTH);
    let head = Style::new().bold();
    let mut table = Table::new(colours);
    table.row(["METHOD", "ACCESS", "WHAT IT DOES"].map(|name| (name, head)));
    for (method, signature) in document.methods.iter().zip(&signatures) {
        let (access, colour) = access(method);
        let summary = method.summary.as_deref().or(method.description.as_deref()).unwrap_or_default();
        let mark = if method.deprecated { "(deprecated) " } else { "" };
        let kind = if method.subscription.is_some() { "(subscription) " } else { "" };
        let summary = format!("{mark}{kind}{summary}");
        // A signature that is too long has its parameters on the next lines.
        let mut left =
            if signature.chars().count() <= first { vec![signature.clone()] } else { signature_lines(method, first) };
        let mut right = wrapped(&summary, room);
        let lines = left.len().max(right.len());
        left.resize(lines, String::new());
        right.resize(lines, String::new());
        for (at, (left, right)) in left.into_iter().zip(right).enumerate() {
            let name = AnsiColor::Cyan.on_default();
            let access = if at == 0 { access.clone() } else { String::new() };
            table.row([(left, name), (access, colour), (right, Style::new())]);
        }
    }
    table
}

/// Returns the signature of a method; optional parameters have a question mark.
fn signature(method: &Method) -> String {
    format!("{}({})", method.name, parameters(method).join(", "))
}

fn parameters(method: &Method) -> Vec<String> {
    let names = method.params.iter().map(|param| format!("{}{}", param.name, if param.required { "" } else { "?" }));
    names.chain(method.rest.iter().map(|_| "…".to_owned())).collect()
}

fn signature_lines(method: &Method, width: usize) -> Vec<String> {
    let parameters = parameters(method);
    let mut lines = vec![format!("{}(", method.name)];
    lines.extend(wrapped(&parameters.join(", "), width.saturating_sub(3)).into_iter().map(|line| format!("  {line}")));
    if let Some(last) = lines.last_mut() {
        last.push(')');
    }
    lines
}

/// Returns who may call the method, which only callbox describes.
pub(super) fn access(method: &Method) -> (String, Style) {
    match (method.access.as_deref(), &method.scope) {
        (_, Some(scope)) => (format!("scope {scope}"), AnsiColor::Red.on_default()),
        (Some("public"), None) => ("public".to_owned(), AnsiColor::Green.on_default()),
        (Some("private"), None) => ("token".to_owned(), AnsiColor::Yellow.on_default()),
        (Some(other), None) => (other.to_owned(), Style::new()),
        (None, None) => ("-".to_owned(), Style::new()),
    }
}
