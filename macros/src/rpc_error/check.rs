//! The rules for the variants.

use std::ops::RangeInclusive;

use crate::errors::Errors;

use super::Variant;
use super::message::captures;

/// The codes that JSON-RPC reserves for itself and for servers, such as callbox.
const RESERVED: RangeInclusive<i32> = -32768..=-32000;

/// Reports the errors of one variant.
pub(super) fn variant(variant: &Variant, errors: &mut Errors) {
    let Variant { ident, attr, .. } = variant;
    match &attr.code {
        _ if attr.internal.is_some() => internal(variant, errors),
        _ if attr.transparent.is_some() => transparent(variant, errors),
        None => {
            let message = format!(
                "`{ident}` has no code: add `#[rpc(code = …)]`, or `#[rpc(internal)]` for an error of which callers \
                 receive nothing"
            );
            errors.at(ident, message);
        }
        Some(code) if RESERVED.contains(&code.value) => {
            let (first, last) = (RESERVED.start(), RESERVED.end());
            let message = format!(
                "the code {} is in the range from {first} to {last}, which JSON-RPC and callbox reserve: choose another code",
                code.value
            );
            errors.at(&code.key, message);
        }
        Some(_) => {}
    }
    if let Some(message) = &attr.message
        && let Err(problem) = captures(&message.value.value())
    {
        errors.at(&message.value, problem);
    }
    let from = variant.fields.iter().filter_map(|field| field.from.as_ref());
    for from in from.filter(|_| variant.fields.len() != 1) {
        errors.at(&from.key, format!("`from` makes `{ident}` of this field alone, and the variant has others"));
    }
}

fn transparent(Variant { ident, attr, fields, .. }: &Variant, errors: &mut Errors) {
    if fields.len() != 1 {
        errors.at(ident, "a transparent variant has one field: the error whose code and message callers receive");
    }
    let code = attr.code.as_ref().map(|set| &set.key);
    let message = attr.message.as_ref().map(|set| &set.key);
    let data = fields.iter().filter_map(|field| Some(&field.data.as_ref()?.key));
    for key in code.into_iter().chain(message).chain(data) {
        errors.at(key, format!("a transparent variant cannot have `{key}`: its field provides code, message and data"));
    }
}

fn internal(Variant { ident, attr, shown, fields, .. }: &Variant, errors: &mut Errors) {
    let keys = [attr.code.as_ref().map(|set| &set.key), attr.message.as_ref().map(|set| &set.key)];
    let transparent = attr.transparent.as_ref().map(|set| &set.key);
    let data = fields.iter().filter_map(|field| Some(&field.data.as_ref()?.key));
    for key in keys.into_iter().flatten().chain(transparent).chain(data) {
        errors
            .at(key, format!("an internal variant cannot have `{key}`: callers receive -32603 and an id for the log"));
    }
    if shown.is_none() && fields.len() > 1 {
        let message = format!(
            "`{ident}` has several fields, so it does not say which text the log gets: keep one field, or derive \
             `thiserror::Error` and add `#[error(\"…\")]`"
        );
        errors.at(ident, message);
    }
}
