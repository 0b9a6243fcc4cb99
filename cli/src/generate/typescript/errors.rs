//! The errors that a server answers with: a class for each.

use super::super::model::{Api, ErrorType};
use super::types::{alias_of, inline};
use super::{WIDTH, comment};

/// Returns the classes, and the errors that any method may return.
pub(super) fn errors(api: &Api) -> String {
    let classes: String = api.errors.iter().map(class).collect();
    let common: Vec<_> = api.errors.iter().filter(|error| error.common).collect();
    let names = common.iter().map(|error| error.name.as_str());
    let names = names.chain(["UnlistedError", "TransportError", "TimedOutError", "BadResponseError"]);
    let names: Vec<_> = names.map(str::to_owned).collect();
    let mut text = format!("{classes}\n/** The errors that any call may end with. */\n");
    text += &alias_of("CommonError", &names);
    if common.is_empty() {
        return text + "\nconst COMMON_ERRORS: MethodSpec[\"errors\"] = {};\n";
    }
    text += "\nconst COMMON_ERRORS: MethodSpec[\"errors\"] = {\n";
    text += &common.iter().map(|error| format!("  {}: {},\n", key(error.code), error.name)).collect::<String>();
    text + "};\n"
}

fn class(error: &ErrorType) -> String {
    let data = match &error.data {
        None => "undefined".to_owned(),
        Some(data) if error.optional_data => format!("{} | undefined", inline(data)),
        Some(data) => inline(data),
    };
    let name = &error.name;
    let flat = format!("export class {name} extends RpcError<{}, {data}> {{", error.code);
    let head = if flat.chars().count() <= WIDTH {
        flat
    } else {
        format!("export class {name} extends RpcError<\n  {},\n  {data}\n> {{", error.code)
    };
    format!("\n{}{head}\n  override readonly name = \"{name}\";\n}}\n", comment(&error.docs, &[], 0))
}

/// Returns a code as the key of an object literal.
pub(super) fn key(code: i64) -> String {
    if code < 0 { format!("\"{code}\"") } else { code.to_string() }
}
