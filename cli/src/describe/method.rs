//! The description of one method.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use callbox_cli::format;
use callbox_cli::table::{Table, wrapped};
use serde_json::Value;

use super::overview::access;
use crate::address::Address;
use crate::openrpc::{ContentDescriptor, Document, Method, type_of};
use crate::terminal::sanitize;

pub(super) fn render(document: &Document, method: &Method, url: &Address, colours: bool, width: usize) -> String {
    let bold = Style::new().bold();
    let shown = |style: Style| if colours { style } else { Style::new() };
    let (name, head) = (shown(AnsiColor::Cyan.on_default()), shown(bold));
    let mut text = format!("{name}{}{name:#} -> {}\n", sanitize(&method.name), sanitize(&method.result_type()));
    let properties = properties(method);
    if !properties.is_empty() {
        let _ = writeln!(text, "{properties}");
    }
    let doc = method.description.as_deref().or(method.summary.as_deref()).unwrap_or_default();
    for paragraph in doc.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let _ = write!(text, "\n{}\n", sanitize_lines(&wrapped(paragraph, width)));
    }
    if !method.params.is_empty() || method.rest.is_some() {
        let mut table = Table::new(colours);
        table.row(["PARAMETER", "TYPE", "IF LEFT OUT", ""].map(|title| (title, bold)));
        for param in &method.params {
            let doc = param.description.as_deref().unwrap_or_default();
            let doc = doc.split_whitespace().collect::<Vec<_>>().join(" ");
            let cells = [param.name.clone(), type_of(&param.schema), default_value(param), doc];
            table.row(cells.map(|cell| (cell, Style::new())));
        }
        if let Some(rest) = &method.rest {
            table.row(["…", &type_of(rest), "-", "any other named parameters"].map(|cell| (cell, Style::new())));
        }
        let _ = write!(text, "\n{table}");
    }
    if !method.errors.is_empty() {
        let mut table = Table::new(colours);
        table.row([("ERROR", bold), ("", bold)]);
        for error in &method.errors {
            let code = error.code.map_or_else(String::new, |code| code.to_string());
            table.row([(code, AnsiColor::Red.on_default()), (error.message.clone().unwrap_or_default(), Style::new())]);
        }
        let _ = write!(text, "\n{table}");
    }
    let types = document.referenced_schemas(method);
    if !types.is_empty() {
        let _ = write!(text, "\n{head}TYPES{head:#}\n");
        for (name, schema) in types {
            let _ = writeln!(text, "{} = {}", sanitize(name), sanitize(&type_of(schema)));
        }
    }
    let url = if method.subscription.is_some() { &url.for_subscriptions() } else { url };
    let _ = write!(text, "\n{head}TRY{head:#}\ncallbox call {url} {}\n", sanitize(&example_arguments(method)));
    text
}

fn sanitize_lines(lines: &[String]) -> String {
    lines.iter().map(|line| sanitize(line)).collect::<Vec<_>>().join("\n")
}

fn properties(method: &Method) -> String {
    let mut properties = Vec::new();
    if method.deprecated {
        properties.push("deprecated".to_owned());
    }
    if method.access.is_some() {
        properties.push(access(method).0);
    }
    if let Some(millis) = method.deadline_ms {
        properties.push(format!("deadline {}", format::duration(Duration::from_millis(millis))));
    }
    if let Some(mailbox) = &method.mailbox {
        let group = mailbox.group.as_ref().map_or_else(String::new, |group| format!(", shared by the group {group}"));
        properties.push(format!("mailbox of {}{group}", format::integer(mailbox.capacity)));
    }
    sanitize(&properties.join(" · "))
}

fn default_value(param: &ContentDescriptor) -> String {
    match (&param.schema["default"], param.required) {
        (_, true) => "-".to_owned(),
        (Value::Null, false) => "null".to_owned(),
        (default, false) => default.to_string(),
    }
}

/// Returns the arguments of `callbox call` after the URL, with an example value for each required
/// parameter.
fn example_arguments(method: &Method) -> String {
    let required = method.params.iter().filter(|param| param.required);
    let arguments = required.map(|param| {
        let value = match type_of(&param.schema).as_str() {
            "string" => "text".to_owned(),
            "integer" | "number" => "1".to_owned(),
            "boolean" => "true".to_owned(),
            list if list.starts_with('[') || list == "array" => "'[]'".to_owned(),
            _ => "'{}'".to_owned(),
        };
        format!(" {}={value}", param.name)
    });
    format!("{}{}", method.name, arguments.collect::<String>())
}
