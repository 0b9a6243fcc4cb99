//! Compares the tables of keys with the tables of the documentation.

use crate::rpc_error::{FIELD_KEYS, VARIANT_KEYS};

use super::*;

const SERVICE_DOC: &str = include_str!("../../docs/service.md");
const API_DOC: &str = include_str!("../../docs/api.md");
const RPC_ERROR_DOC: &str = include_str!("../../docs/rpc_error.md");

/// The keys and their examples, as a table shows them.
fn shown<'a, A: 'a>(keys: impl IntoIterator<Item = &'a Key<A>>) -> Vec<(&'static str, &'static str)> {
    keys.into_iter().map(|key| (key.name, key.example)).collect()
}

/// The first column of each table whose header starts like this, without the backticks.
fn documented<'a>(doc: &'a str, header: &str) -> Vec<Vec<&'a str>> {
    let tables = doc.split("\n\n").filter(|table| table.starts_with(header));
    let first_column = |table: &'a str| {
        let rows = table.lines().skip(2);
        rows.map(|row| row.split('|').nth(1).unwrap_or_default().trim().trim_matches('`')).collect()
    };
    tables.map(first_column).collect()
}

/// The examples with their names in front, as `shown` returns them.
fn with_names(examples: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    examples.iter().map(|example| (example.split([' ', '(']).next().unwrap_or_default(), *example)).collect()
}

#[test]
fn the_documentation_lists_all_keys_of_a_service_its_methods_and_parameters() {
    let tables = documented(SERVICE_DOC, "| key |");
    let [service, method] = &tables[..] else { panic!("two tables have the header `key`: {tables:?}") };
    assert_eq!(with_names(service), shown(SERVICE_KEYS.iter().chain(&API_SERVICE_KEYS[..1])));
    assert_eq!(with_names(method), shown(CALLER_KEYS.iter().chain(ENGINE_KEYS).chain(PRIVATE_METHOD_KEYS)));

    let tables = documented(SERVICE_DOC, "| key of `#[param(…)]` |");
    let [param] = &tables[..] else { panic!("one table has the keys of parameters: {tables:?}") };
    assert_eq!(with_names(param), shown(PARAM_KEYS));
}

#[test]
fn the_documentation_lists_all_keys_of_an_api() {
    let tables = documented(API_DOC, "| key of `#[api(…)]` |");
    let [api] = &tables[..] else { panic!("one table has the keys of an API: {tables:?}") };
    assert_eq!(with_names(api), shown(API_KEYS));
}

#[test]
fn the_documentation_lists_all_keys_of_an_error() {
    let tables = documented(RPC_ERROR_DOC, "| attribute |");
    let [attributes] = &tables[..] else { panic!("one table has the attributes: {tables:?}") };
    let inside = |attribute: &&'static str| {
        attribute.strip_prefix("#[rpc(").and_then(|rest| rest.strip_suffix(")]")).unwrap_or_default()
    };
    let mut documented = with_names(&attributes.iter().map(inside).collect::<Vec<_>>());
    let mut known: Vec<_> = shown(VARIANT_KEYS).into_iter().chain(shown(FIELD_KEYS)).collect();
    documented.sort_unstable();
    known.sort_unstable();
    assert_eq!(documented, known);
}
