//! The client and its namespaces, and what it knows of each method.

use std::collections::{BTreeMap, BTreeSet};

use super::super::model::{Api, Docs, Member, Method, Type};
use super::super::namespace::{Names, Namespace};
use super::super::naming::Scope;
use super::super::text::one_line;
use super::types::{hidden, inline};
use super::{KEYWORDS, docstring, identifier, list, prose, string};

const NAMES: Names = Names {
    identifier,
    keywords: &KEYWORDS,
    of_client: &["batch", "notify", "with_timeout", "_connect", "_connection"],
    everywhere: &["_invoke", "Any", "Callable", "Literal", "Mapping", "Never", "Sequence", "Unset", "builtins"],
};

/// Returns the client, and a class for each namespace.
pub(super) fn client(api: &Api) -> String {
    let specs = spec_names(api);
    let root = Namespace::of(api, &NAMES);
    let docs = api.description.clone().unwrap_or_else(|| format!("The client of {}.", one_line(&api.title)));
    let mut text = format!("\n\nclass Client:\n{}\n", docstring(&prose(&Docs::of(docs)), 4));
    text += CLIENT_START;
    text += &children(api, &root, "self._connection.call");
    text += CLIENT_FUNCTIONS;
    text += &functions(api, &root, &specs);
    for namespace in root.all().into_iter().skip(1) {
        text += &format!("\n\nclass {}:\n", class_name(api, namespace));
        text += &format!("{}\n\n", docstring(&prose(&namespace.docs()), 4));
        text += "    def __init__(self, invoke: _Invoke) -> None:\n        self._invoke = invoke\n";
        text += &children(api, namespace, "invoke");
        text += &functions(api, namespace, &specs);
    }
    text
}

const CLIENT_START: &str = r#"
    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        token_header: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        transport: Transport | None = None,
    ) -> None:
        """Makes a client of the endpoint at this URL.

        Args:
            url: The endpoint, such as `http://127.0.0.1:5000/api`.
            token: The caller's token, sent as `Authorization: Bearer …`.
            token_header: The header that has the token as its whole value, such as
                `X-Api-Token`.
            headers: Further headers of each request.
            timeout: The deadline of each call in seconds, which is sent as
                `Request-Timeout`. Without it the server's own applies. It limits each
                read from the server, and so the whole of most calls.
            transport: What sends requests, instead of `urllib.request`.
        """
        if not url.startswith(("http://", "https://")):
            raise ValueError("the URL has to begin with http:// or https://")
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        if token is not None and token_header is None:
            all_headers["Authorization"] = f"Bearer {token}"
        elif token is not None and token_header is not None:
            all_headers[token_header] = token
        self._connection = _Connection(url, all_headers, timeout, transport or _post)
        self._connect()

    def _connect(self) -> None:
        self._invoke: _Invoke = self._connection.call
"#;

const CLIENT_FUNCTIONS: &str = r#"
    def with_timeout(self, timeout: float | None) -> Client:
        """Returns a client of the same server with another timeout, in seconds."""
        client = copy.copy(self)
        client._connection = self._connection.with_timeout(timeout)
        client._connect()
        return client

    def notify(
        self, method: Callable[_P, Any], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> None:
        """Sends a notification: the method runs, and nothing is answered.

        The method is one of this client, and its arguments follow.
        """
        spec, params = _recorded(method, args, kwargs)
        self._connection.notify(spec, params)

    def batch(self) -> Batch:
        """Returns a batch, to which calls are added before it is sent."""
        return Batch(self._connection)
"#;

fn class_name<'a>(api: &'a Api, namespace: &Namespace<'_>) -> &'a str {
    &api.namespaces[namespace.prefix()]
}

/// Returns the lines that make the namespaces within one.
fn children(api: &Api, namespace: &Namespace<'_>, invoke: &str) -> String {
    let line = |(name, child): &(String, Namespace<'_>)| {
        format!("        self.{name} = {}({invoke})\n", class_name(api, child))
    };
    namespace.children.iter().map(line).collect()
}

fn functions(api: &Api, namespace: &Namespace<'_>, specs: &BTreeMap<&str, String>) -> String {
    let hidden = hidden(namespace.methods.iter().map(|(name, _)| name.as_str()));
    let function =
        |(name, method): &(String, &Method)| function(api, name, method, &specs[method.name.as_str()], &hidden);
    namespace.methods.iter().map(function).collect()
}

fn function(api: &Api, name: &str, method: &Method, spec: &str, hidden: &BTreeSet<&str>) -> String {
    let params = parameters(method, spec);
    let mut arguments = vec!["self".to_owned()];
    if method.rest.is_some() {
        // So that `self` can be the name of a further parameter.
        arguments.push("/".to_owned());
    }
    let (required, optional): (Vec<_>, Vec<_>) = params.iter().partition(|(_, param)| param.required);
    arguments.extend(required.iter().map(|(name, param)| format!("{name}: {}", inline(&param.ty, hidden))));
    arguments.extend(optional.iter().map(|(name, param)| {
        let ty = inline(&param.ty, hidden);
        // Any includes it.
        let ty = if param.ty == Type::Any { ty } else { format!("{ty} | Unset") };
        format!("{name}: {ty} = UNSET")
    }));
    let rest_name = Scope::with(&params.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>()).underscored("rest");
    arguments.extend(method.rest.iter().map(|rest| format!("**{rest_name}: {}", inline(rest, hidden))));
    let result = method.result.as_ref().map_or_else(|| "None".to_owned(), |result| inline(result, hidden));
    let mut text = format!("\n{}\n", list(&format!("def {name}("), &arguments, &format!(") -> {result}:"), 4));
    text += &format!("{}\n", docstring(&function_docs(api, method, &params), 8));
    if method.docs.deprecated {
        let message = string(&format!("{} is deprecated", method.name));
        let values = [message, "DeprecationWarning".to_owned(), "stacklevel=2".to_owned()];
        text += &format!("{}\n", list("warnings.warn(", &values, ")", 8));
    }
    let rest = method.rest.iter().map(|_| format!("**{rest_name}"));
    let sent: Vec<_> =
        rest.chain(params.iter().map(|(name, param)| format!("{}: {name}", string(&param.name)))).collect();
    let call = if result == "None" { "" } else { "return " };
    let flat = format!("        {call}self._invoke({spec}, {{{}}})\n", sent.join(", "));
    text += &if flat.chars().count() <= super::WIDTH + 1 {
        flat
    } else {
        let members = list("{", &sent, "}", 12);
        format!("        {call}self._invoke(\n            {spec},\n{members},\n        )\n")
    };
    text
}

/// Returns the parameters with their names in the code. `spec` is the constant of the method, which
/// a parameter must not hide.
fn parameters<'a>(method: &'a Method, spec: &str) -> Vec<(String, &'a Member)> {
    let mut scope = Scope::with(&KEYWORDS);
    scope.reserve(&["self", "warnings", "UNSET", spec]);
    method.params.iter().map(|param| (scope.underscored(&identifier(&param.name)), param)).collect()
}

fn function_docs(api: &Api, method: &Method, params: &[(String, &Member)]) -> String {
    let mut docs = method.docs.clone();
    docs.text.get_or_insert_with(|| format!("Calls `{}`.", method.name));
    let mut docs = prose(&docs);
    let described: Vec<_> = params.iter().filter(|(_, param)| !param.docs.is_empty()).collect();
    if !described.is_empty() {
        docs += "\n\nArgs:";
        for (name, param) in described {
            docs += &format!("\n    {name}: {}", one_line(&prose(&param.docs)));
        }
    }
    let result = one_line(&prose(&method.result_docs));
    if !result.is_empty() && method.result.is_some() {
        docs += &format!("\n\nReturns:\n    {result}");
    }
    if !method.errors.is_empty() {
        docs += "\n\nRaises:";
        for error in method.errors.iter().map(|place| &api.errors[*place]) {
            docs += &format!("\n    {}: {}", error.name, one_line(&error.message));
        }
    }
    docs
}

/// Returns the names of the constants for all methods.
fn spec_names(api: &Api) -> BTreeMap<&str, String> {
    let mut scope = Scope::with(&["_COMMON_ERRORS", "_OPENER", "_T", "_P"]);
    // With two underscores in front it would be another name within a class.
    let mut name = |method: &Method| {
        let name = identifier(&method.name).to_ascii_uppercase();
        scope.numbered(&format!("_{}", name.trim_matches('_')))
    };
    api.methods.iter().map(|method| (method.name.as_str(), name(method))).collect()
}

/// Returns the constants for all methods, and the errors that any of them may return.
pub(super) fn specs(api: &Api) -> String {
    let names = spec_names(api);
    let pairs = |errors: Vec<&super::super::model::ErrorType>| -> Vec<String> {
        errors.iter().map(|error| format!("{}: {}", error.code, error.name)).collect()
    };
    let mut text = "\n\n_COMMON_ERRORS: Final[Mapping[int, type[RpcError]]] = {\n".to_owned();
    for pair in pairs(api.errors.iter().filter(|error| error.common).collect()) {
        text += &format!("    {pair},\n");
    }
    text += "}\n";
    if text.ends_with("{\n}\n") {
        text = text.replace("{\n}\n", "{}\n");
    }
    for method in &api.methods {
        let result = method.result.as_ref().map_or_else(|| "None".to_owned(), |ty| inline(ty, &BTreeSet::new()));
        let mut arguments = vec![string(&method.name)];
        if !method.errors.is_empty() {
            let errors = pairs(method.errors.iter().map(|place| &api.errors[*place]).collect());
            arguments.push(format!("errors={}", list("{", &errors, "}", 4).trim_start()));
        }
        arguments.extend(method.deadline_ms.map(|millis| format!("deadline={:?}", millis as f64 / 1000.0)));
        if method.by_position && !method.params.is_empty() {
            let names: Vec<_> = method.params.iter().map(|param| string(&param.name)).collect();
            let comma = if names.len() == 1 { "," } else { "" };
            arguments.push(format!("positional=({}{comma})", names.join(", ")));
        }
        arguments.extend(method.result.is_none().then(|| "notification=True".to_owned()));
        let name = &names[method.name.as_str()];
        text += &format!("{}\n", list(&format!("{name}: _Spec[{result}] = _Spec("), &arguments, ")", 0));
    }
    text
}
