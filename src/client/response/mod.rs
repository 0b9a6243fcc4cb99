//! Answers as they come in: strict ones, and those of the two older dialects.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::value::RawValue;

use crate::jsonrpc::RpcError;

use super::error::ClientError;
use super::request::{Form, Request};
use super::transport::Incoming;

/// How one call ended, its result still as JSON.
pub(super) type Outcome = Result<Box<RawValue>, ClientError>;

/// What the answer says of each request, in their order. A notification that was taken has a result of `null`.
pub(super) fn read(incoming: &Incoming, requests: &[&Request], form: Form) -> Vec<Outcome> {
    let read = match form {
        Form::Single => requests.iter().map(|request| single(incoming, request.id)).collect(),
        Form::Batch => batch(incoming, requests).unwrap_or_else(|error| repeat(&error, requests.len())),
    };
    read.into_iter().map(|outcome| outcome.map_err(|error| remarked(error, incoming))).collect()
}

/// The same error for each request of a body.
pub(super) fn repeat(error: &ClientError, count: usize) -> Vec<Outcome> {
    vec![Err(error.clone()); count]
}

/// The result as a value of the type that was asked for.
pub(super) fn value<T: DeserializeOwned>(outcome: Outcome) -> Result<T, ClientError> {
    serde_json::from_str(outcome?.get())
        .map_err(|error| ClientError::bad_answer(format!("the result is not of the type asked for: {error}")))
}

/// What the transport has to say of an answer that cannot be read is the better half of what is wrong with it.
fn remarked(error: ClientError, incoming: &Incoming) -> ClientError {
    match (error, &incoming.remark) {
        (ClientError::BadAnswer(cause), Some(remark)) => ClientError::bad_answer(format!("{remark}: {cause}")),
        (error, _) => error,
    }
}

/// One answer object. Its members are raw, so that `"result": null` is a result.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    /// What the dialect `pymicroservice` calls the result.
    #[serde(borrow, default, deserialize_with = "present")]
    response: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct ErrorObject<'a> {
    code: i32,
    #[serde(default)]
    message: String,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
}

impl<'a> Answer<'a> {
    fn parse(json: &'a str) -> Result<Self, ClientError> {
        // A derived struct would take an array, too.
        if !json.starts_with('{') {
            return Err(ClientError::bad_answer("it is no JSON-RPC answer"));
        }
        serde_json::from_str(json)
            .map_err(|error| ClientError::bad_answer(format!("it is no JSON-RPC answer: {error}")))
    }

    /// An id that says nothing: what answers a request whose own could not be read.
    fn has_no_id(&self) -> bool {
        self.id.is_none_or(|id| id.get() == "null")
    }

    fn is_to(&self, id: u64) -> bool {
        self.id.is_some_and(|raw| raw.get().parse() == Ok(id))
    }

    /// The older dialects send both members, one of them null.
    fn outcome(&self) -> Outcome {
        let error = self.error.filter(|error| error.get() != "null");
        match (error, self.result.or(self.response)) {
            (Some(error), None) => Err(told(error)),
            (Some(error), Some(result)) if result.get() == "null" => Err(told(error)),
            (Some(_), Some(_)) => Err(ClientError::bad_answer("it has both a result and an error")),
            (None, Some(result)) => Ok(result.to_owned()),
            (None, None) => Err(ClientError::bad_answer("it has neither a result nor an error")),
        }
    }
}

fn told(raw: &RawValue) -> ClientError {
    let object: ErrorObject<'_> = match serde_json::from_str(raw.get()) {
        Ok(object) => object,
        Err(error) => return ClientError::bad_answer(format!("its error is no error object: {error}")),
    };
    let error = RpcError::new(object.code, object.message);
    ClientError::told(match object.data {
        Some(data) => error.with_data(data),
        None => error,
    })
}

fn text(incoming: &Incoming) -> Result<&str, ClientError> {
    let text = std::str::from_utf8(&incoming.body).map_err(|_| ClientError::bad_answer("it is not UTF-8"))?;
    Ok(text.trim_matches([' ', '\t', '\n', '\r']))
}

fn single(incoming: &Incoming, id: Option<u64>) -> Outcome {
    let json = text(incoming)?;
    let Some(id) = id else { return notified(json, incoming) };
    if json.is_empty() {
        return Err(ClientError::bad_answer("it is empty"));
    }
    let answer = Answer::parse(json)?;
    match answer.outcome() {
        outcome if answer.is_to(id) => outcome,
        // The server could not read the request so far as to see its id.
        Err(error) if answer.has_no_id() => Err(error),
        _ => Err(ClientError::bad_answer("it is the answer to another call")),
    }
}

/// A notification has no answer; but one that was turned away whole may be told so, and the older dialects say "received".
fn notified(json: &str, incoming: &Incoming) -> Outcome {
    match Answer::parse(json).and_then(|answer| answer.outcome()) {
        Err(error) if !matches!(error, ClientError::BadAnswer(_)) => Err(error),
        _ if incoming.remark.is_some() => Err(ClientError::bad_answer("the notification was not taken")),
        _ => Ok(RawValue::NULL.to_owned()),
    }
}

/// # Errors
/// What holds for all requests of the body alike.
fn batch(incoming: &Incoming, requests: &[&Request]) -> Result<Vec<Outcome>, ClientError> {
    let json = text(incoming)?;
    let calls = requests.iter().filter(|request| request.id.is_some()).count();
    if json.starts_with('{') {
        // The batch as a whole was turned away: it is too large, or the server takes none.
        return match Answer::parse(json)?.outcome() {
            Err(error) => Err(error),
            Ok(_) if calls == 0 => Ok(requests.iter().map(|_| Ok(RawValue::NULL.to_owned())).collect()),
            Ok(_) => Err(ClientError::bad_answer("a batch was answered by one result")),
        };
    }
    if json.is_empty() && calls == 0 {
        return requests.iter().map(|_| notified(json, incoming)).map(|taken| taken.map(Ok)).collect();
    }
    let members: Vec<&RawValue> = serde_json::from_str(json)
        .map_err(|error| ClientError::bad_answer(format!("it is no answer to a batch: {error}")))?;
    let mut answers: HashMap<u64, Outcome> = HashMap::with_capacity(members.len());
    for member in members {
        // What cannot be read, or has no id, cannot be matched: whose answer it was shows by being missing.
        let Ok(answer) = Answer::parse(member.get()) else { continue };
        let Some(id) = answer.id.and_then(|id| id.get().parse().ok()) else { continue };
        let outcome = answer.outcome();
        answers
            .entry(id)
            .and_modify(|first| *first = Err(ClientError::bad_answer("there are two answers to one call")))
            .or_insert(outcome);
    }
    let outcome = |request: &&Request| match request.id {
        None => Ok(RawValue::NULL.to_owned()),
        Some(id) => {
            answers.remove(&id).unwrap_or_else(|| Err(ClientError::bad_answer("this call of the batch has no answer")))
        }
    };
    Ok(requests.iter().map(outcome).collect())
}

#[cfg(test)]
mod tests;
