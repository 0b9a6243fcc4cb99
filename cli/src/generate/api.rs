//! A document as the model of a client.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::document::{Document, required_text};
use super::model::{Api, Docs, ErrorType, Member, Method, Type};
use super::naming::{error_name, type_name};
use super::schema::{Place, Schemas};
use super::text::one_line;
use crate::Result;

/// What callbox says of its own errors beyond their names. Other servers may use the codes for
/// something else, so the message counts, too.
const KNOWN_ERRORS: [(i64, &str, &str); 10] = [
    (-32700, "Parse error", "The server could not parse the request. The call has not run."),
    (-32600, "Invalid Request", "The request breaks a rule, which `reason` names. The call has not run."),
    (-32601, "Method not found", "The server has no such method. The call has not run."),
    (-32602, "Invalid params", "A parameter does not fit. The call has not run."),
    (-32603, "Internal error", "The method failed. The log of the server has the cause under the correlation id."),
    (-32000, "Server busy", "The call has not run: it may be sent again after `retry_after_ms`."),
    (-32001, "Access denied", "The token is missing, wrong or expired, or lacks the scope. The call has not run."),
    (-32002, "Deadline exceeded", "The deadline passed at the server. The call may have run."),
    (-32003, "Service unavailable", "The service is down or stopping. The call has not run: it may be sent again."),
    (-32004, "Response too large", "The call ran, and its result is over the limit of the server."),
];

impl Api {
    /// Makes the model of a document.
    ///
    /// # Errors
    /// If a part that a client needs is missing, or a reference leads nowhere.
    pub(super) fn of(document: &Document) -> Result<Self> {
        let mut schemas = Schemas::new(document);
        let mut errors = Errors::default();
        // The names of errors come before those of the types that methods need: callers write them.
        let all = document.methods()?.into_iter().enumerate();
        let (subscriptions, listed): (Vec<_>, Vec<_>) = all.partition(|(_, method)| is_subscription(method));
        let mut of_methods = Vec::new();
        for (index, method) in &listed {
            let name = required_text(method, "name", &format!("/methods/{index}"))?;
            let own = document.list(method.get("errors"), &format!("the list of errors of {name}"))?;
            let mut places = Vec::new();
            for same in by_code(own) {
                places.push(errors.add(&same, &Listed::by(name, method, &same), &mut schemas)?);
            }
            of_methods.push((name, places));
        }
        let (mut common, mut names) = (Vec::new(), BTreeMap::new());
        for (name, error) in document.members("/components/errors") {
            let error = document.object(error, &format!("the error {name}"))?;
            // One to which methods refer is theirs alone.
            if !errors.is_listed(error) {
                names.entry(Errors::key(error)).or_insert(name.as_str());
                common.push(error);
            }
        }
        for same in by_code(common) {
            let names: Vec<_> = same.iter().map(|error| names[&Errors::key(error)]).collect();
            errors.add(&same, &Listed { owner: names[0], names, common: true }, &mut schemas)?;
        }
        let mut methods: Vec<Method> = Vec::new();
        for ((_, object), (name, errors)) in listed.iter().zip(of_methods) {
            if methods.iter().any(|method| method.name == name) {
                return Err(format!("two methods are called {name}: rename or remove one of them"));
            }
            methods.push(method(document, object, name, errors, &mut schemas)?);
        }
        let mut namespaces = BTreeMap::new();
        for method in &methods {
            for (end, _) in method.name.match_indices('.') {
                let prefix = &method.name[..end];
                if !namespaces.contains_key(prefix) {
                    let class = schemas.scope.numbered(&format!("{}Methods", type_name(prefix)));
                    namespaces.insert(prefix.to_owned(), class);
                }
            }
        }
        let text = |pointer| document.text(pointer).map(str::to_owned);
        Ok(Self {
            title: text("/info/title").unwrap_or_else(|| "a service".to_owned()),
            version: text("/info/version").unwrap_or_default(),
            description: text("/info/description"),
            types: schemas.into_definitions(),
            errors: errors.all,
            methods,
            subscriptions: subscriptions
                .iter()
                .filter_map(|(_, method)| method.get("name")?.as_str())
                .map(one_line)
                .collect(),
            namespaces,
        })
    }
}

/// Whether a method starts a subscription. The clients call over HTTP, which carries none.
fn is_subscription(method: &Map<String, Value>) -> bool {
    method.get("x-subscription").is_some_and(Value::is_object)
}

/// Groups the errors of a method by their codes, which is all that an answer tells apart.
fn by_code(errors: Vec<&Map<String, Value>>) -> Vec<Vec<&Map<String, Value>>> {
    let mut groups: Vec<Vec<&Map<String, Value>>> = Vec::new();
    for error in errors {
        match groups.iter_mut().find(|group| group[0].get("code") == error.get("code")) {
            Some(group) => group.push(error),
            None => groups.push(vec![error]),
        }
    }
    groups
}

/// The errors found so far. What several methods list alike is one error.
#[derive(Default)]
struct Errors {
    all: Vec<ErrorType>,
    /// Places in `all`, by what makes an error another one.
    places: BTreeMap<String, usize>,
    /// The error objects that methods list.
    listed: BTreeSet<String>,
}

/// Where an error object stands.
struct Listed<'a> {
    /// The method that lists it, or its own name.
    owner: &'a str,
    /// What it is called.
    names: Vec<&'a str>,
    common: bool,
}

impl<'a> Listed<'a> {
    fn by(owner: &'a str, method: &'a Map<String, Value>, same: &[&Map<String, Value>]) -> Self {
        let code = same.first().and_then(|error| error.get("code"));
        let names = method.get("x-error-names").and_then(|names| names.get(code?.to_string()));
        let names = names.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        Self { owner, names: names.collect(), common: false }
    }
}

impl Errors {
    /// Returns what makes an error object another one.
    fn key(error: &Map<String, Value>) -> String {
        ["code", "message", "data"].map(|name| error.get(name).map(Value::to_string).unwrap_or_default()).join("\n")
    }

    /// Whether a method lists this error object.
    fn is_listed(&self, error: &Map<String, Value>) -> bool {
        self.listed.contains(&Self::key(error))
    }

    /// Returns the place of the error that these objects with one code are.
    fn add<'a>(
        &mut self,
        same: &[&'a Map<String, Value>],
        Listed { owner, names, common }: &Listed<'_>,
        schemas: &mut Schemas<'a>,
    ) -> Result<usize> {
        let keys: Vec<_> = same.iter().map(|error| Self::key(error)).collect();
        let key = format!("{}\n{}", keys.join("\n"), names.join(" "));
        self.listed.extend(keys);
        if let Some(place) = self.places.get(&key) {
            return Ok(*place);
        }
        let at = format!("an error of {owner}");
        let code = same.first().and_then(|error| error.get("code")).and_then(Value::as_i64);
        let code = code.ok_or_else(|| format!("{at} has no `code`, which has to be an integer"))?;
        let mut messages = Vec::new();
        for error in same {
            let message = required_text(error, "message", &at)?;
            if !messages.contains(&message) {
                messages.push(message);
            }
        }
        let name = match (names.as_slice(), messages.as_slice()) {
            ([], [message]) => error_name(message),
            ([], _) => None,
            (names, _) => Some(names.iter().map(|name| type_name(name)).collect::<Vec<_>>().join("Or")),
        };
        let name = name.unwrap_or_else(|| format!("Code{}", code.to_string().replace('-', "Minus")));
        let message = messages.join(" / ");
        let name = if name.ends_with("Error") { name } else { format!("{name}Error") };
        // Another error of this name belongs to another method.
        let of_owner = format!("{}{name}", type_name(owner));
        let name = schemas.scope.first_free([name, of_owner]);
        let mut docs = Docs::default();
        let data_name = format!("{}Data", name.strip_suffix("Error").unwrap_or(&name));
        let data = same.iter().filter_map(|error| error.get("data"));
        let data = data.map(|data| schemas.ty(data, Place { at: &at, name: &data_name }, &mut docs));
        let data = data.collect::<Result<Vec<_>>>()?;
        // An entry of callbox stands for all variants with its code, and some may have no data.
        let may_lack_data = data.len() < same.len() || names.len() > 1;
        let data = (!data.is_empty()).then(|| Type::any_of(data));
        let known = KNOWN_ERRORS.iter().find(|known| known.0 == code && known.1 == message);
        docs.text = Some(match known {
            Some((.., text)) => format!("{code}: {message}\n\n{text}"),
            None => format!("{code}: {message}"),
        });
        let optional_data = may_lack_data && data.as_ref().is_some_and(|data| *data != Type::Any);
        self.places.insert(key, self.all.len());
        self.all.push(ErrorType { name, code, message, data, optional_data, docs, common: *common });
        Ok(self.all.len() - 1)
    }
}

fn method<'a>(
    document: &'a Document,
    object: &'a Map<String, Value>,
    name: &str,
    errors: Vec<usize>,
    schemas: &mut Schemas<'a>,
) -> Result<Method> {
    let stem = type_name(name);
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut docs = Docs {
        text: text("description").or_else(|| text("summary")),
        facts: Vec::new(),
        deprecated: object.get("deprecated") == Some(&Value::Bool(true)),
    };
    docs.facts.extend(match (text("x-access").as_deref(), text("x-scope")) {
        (_, Some(scope)) => Some(format!("Needs a token with the scope `{scope}`.")),
        (Some("private"), None) => Some("Needs a token.".to_owned()),
        _ => None,
    });
    let listed = document.list(object.get("params"), &format!("the list of parameters of {name}"))?;
    let mut params: Vec<Member> = Vec::new();
    for param in listed {
        let param = parameter(param, name, &format!("{stem}Params"), schemas)?;
        if params.iter().any(|other| other.name == param.name) {
            return Err(format!("two parameters of {name} are called {}: rename one of them", param.name));
        }
        params.push(param);
    }
    let by_position = text("paramStructure").as_deref() == Some("by-position");
    let mut rest_docs = Docs::default();
    let at = format!("the rest of the parameters of {name}");
    let rest_name = format!("{stem}Rest");
    let rest = object.get("x-rest").map(|rest| schemas.ty(rest, Place { at: &at, name: &rest_name }, &mut rest_docs));
    let mut result_docs = Docs::default();
    let result = match object.get("result") {
        None => None,
        Some(result) => {
            let at = format!("the result of {name}");
            let result = document.object(result, &at)?;
            result_docs.text = result.get("description").and_then(Value::as_str).map(str::to_owned);
            let schema = result.get("schema").unwrap_or(&Value::Null);
            Some(schemas.ty(schema, Place { at: &at, name: &format!("{stem}Result") }, &mut result_docs)?)
        }
    };
    Ok(Method {
        name: name.to_owned(),
        docs,
        params,
        rest: rest.transpose()?,
        by_position,
        result,
        result_docs,
        errors,
        deadline_ms: object.get("x-deadline-ms").and_then(Value::as_u64),
        params_name: schemas.scope.numbered(&format!("{stem}Params")),
    })
}

/// Returns a parameter from its content descriptor.
fn parameter<'a>(
    descriptor: &'a Map<String, Value>,
    method: &str,
    stem: &str,
    schemas: &mut Schemas<'a>,
) -> Result<Member> {
    let name = required_text(descriptor, "name", &format!("a parameter of {method}"))?;
    let at = format!("the parameter {name} of {method}");
    let required = descriptor.get("required") == Some(&Value::Bool(true));
    let schema = descriptor.get("schema").unwrap_or(&Value::Null);
    let mut member = schemas.member(name, schema, required, Place { at: &at, name: stem })?;
    let own = ["description", "summary"].into_iter().find_map(|key| descriptor.get(key)?.as_str());
    member.docs.text = own.map(str::to_owned).or(member.docs.text);
    member.docs.deprecated |= descriptor.get("deprecated") == Some(&Value::Bool(true));
    schemas.finish()?;
    Ok(member)
}
