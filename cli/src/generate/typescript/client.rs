//! The client and its namespaces, and what it knows of each method.

use super::super::model::{Api, Docs, Method, Object, Type};
use super::super::namespace::{Names, Namespace};
use super::super::naming::identifier;
use super::super::text::one_line;
use super::errors::key;
use super::types::{inline, interface};
use super::{WIDTH, call_list, comment, property, string};

/// A client with a member `then` would be taken for a promise. The others have a meaning for every
/// object.
const NAMES: Names = Names {
    identifier,
    keywords: &[],
    of_client: &["batch", "notify", "outcome"],
    everywhere: &[
        "constructor",
        "hasOwnProperty",
        "then",
        "toJSON",
        "toLocaleString",
        "toString",
        "valueOf",
        "__proto__",
    ],
};

/// Returns the client, and a class for each namespace.
pub(super) fn client(api: &Api) -> String {
    let root = Namespace::of(api, &NAMES);
    let docs = api.description.clone().unwrap_or_else(|| format!("The client of {}.", one_line(&api.title)));
    let docs = Docs::of(docs);
    let mut text = format!("\n{}export class Client {{\n  readonly #connection: Connection;\n", comment(&docs, &[], 0));
    text += &children(api, &root);
    let url = Docs::of("Makes a client of the endpoint at this URL.");
    text += &format!("\n{}", comment(&url, &[], 2));
    text += "  constructor(url: string | URL, options: ClientOptions = {}) {\n";
    text += "    this.#connection = new Connection(url, options);\n";
    for (name, child) in &root.children {
        text += &format!("    this.{name} = new {}(this.#connection);\n", class_name(api, child));
    }
    text += "  }\n";
    text += CLIENT_FUNCTIONS;
    text += &root.methods.iter().map(|(name, method)| function(api, name, method)).collect::<String>();
    text += "}\n";
    for namespace in root.all().into_iter().skip(1) {
        text += &class(api, namespace);
    }
    text
}

const CLIENT_FUNCTIONS: &str = r#"
  /** Calls a method, and returns its error instead of throwing it. */
  outcome<M extends MethodName>(
    method: M,
    ...[params, options]: MethodArguments<M>
  ): Promise<Outcome<M>> {
    return this.#connection.outcome(method, params, options);
  }

  /** Sends a notification: the method runs, and nothing is answered. */
  notify<M extends MethodName>(
    method: M,
    ...[params, options]: MethodArguments<M>
  ): Promise<void> {
    return this.#connection.notify(method, params, options);
  }

  /** Sends several calls as one request. Each of them has its own outcome. */
  batch<const T extends readonly BatchCall[]>(
    calls: T,
    options?: CallOptions,
  ): Promise<BatchOutcomes<T>> {
    return this.#connection.batch(calls, options);
  }
"#;

fn class_name<'a>(api: &'a Api, namespace: &Namespace<'_>) -> &'a str {
    &api.namespaces[namespace.prefix()]
}

/// Returns the declarations of the namespaces within one.
fn children(api: &Api, namespace: &Namespace<'_>) -> String {
    let line = |(name, child): &(String, Namespace<'_>)| {
        format!("{}  readonly {name}: {};\n", comment(&child.docs(), &[], 2), class_name(api, child))
    };
    namespace.children.iter().map(line).collect()
}

fn class(api: &Api, namespace: &Namespace<'_>) -> String {
    let mut text = format!("\n{}", comment(&namespace.docs(), &[], 0));
    text += &format!("export class {} {{\n", class_name(api, namespace));
    // Without a method of its own, nothing would read it.
    let calls = !namespace.methods.is_empty();
    if calls {
        text += "  readonly #connection: Connection;\n";
    }
    text += &children(api, namespace);
    text += "\n  /** @internal */\n  constructor(connection: Connection) {\n";
    if calls {
        text += "    this.#connection = connection;\n";
    }
    for (name, child) in &namespace.children {
        text += &format!("    this.{name} = new {}(connection);\n", class_name(api, child));
    }
    text += "  }\n";
    text += &namespace.methods.iter().map(|(name, method)| function(api, name, method)).collect::<String>();
    text + "}\n"
}

fn function(api: &Api, name: &str, method: &Method) -> String {
    let result = match &method.result {
        None | Some(Type::Null) => "void".to_owned(),
        Some(result) => inline(result),
    };
    let takes_params = takes_params(method);
    let params = takes_params.then(|| {
        let default = if all_optional(method) { " = {}" } else { "" };
        format!("params: {}{default}", method.params_name)
    });
    let arguments: Vec<_> = params.into_iter().chain(["options?: CallOptions".to_owned()]).collect();
    // A result that is null is none for callers.
    let (mark, call) = if result == "void" { ("async ", "await") } else { ("", "return") };
    let head = call_list(&format!("{mark}{name}("), &arguments, &format!("): Promise<{result}> {{"), 2);
    let params = if takes_params { "params" } else { "undefined" };
    let values = [string(&method.name), params.to_owned(), "options".to_owned()];
    let call = call_list(&format!("{call} this.#connection.call("), &values, ");", 4);
    format!("\n{}{head}\n{call}\n  }}\n", comment(&method.docs, &remarks(api, method), 2))
}

/// Returns what the doc comment of a method says beyond its description.
fn remarks(api: &Api, method: &Method) -> Vec<String> {
    let mut tags = Vec::new();
    let result = method.result_docs.paragraphs().join(" ");
    if !result.is_empty() {
        tags.push(format!("@returns {}", one_line(&result)));
    }
    let errors = method.errors.iter().map(|place| &api.errors[*place]);
    tags.extend(errors.map(|error| format!("@throws {{{}}} {}", error.name, one_line(&error.message))));
    let tags = tags.join("\n");
    if tags.is_empty() { Vec::new() } else { vec![tags] }
}

fn takes_params(method: &Method) -> bool {
    !method.params.is_empty() || method.rest.is_some()
}

fn all_optional(method: &Method) -> bool {
    method.params.iter().all(|param| !param.required)
}

/// Returns the table of all methods for the type checker, and the types of their parameters.
pub(super) fn methods(api: &Api) -> String {
    let mut text =
        "\n/** The methods by their names, with the types of each. */\nexport interface Methods {\n".to_owned();
    for method in &api.methods {
        let params = if takes_params(method) { method.params_name.as_str() } else { "NoParams" };
        let result = match &method.result {
            None => "undefined".to_owned(),
            Some(result) => inline(result),
        };
        let errors: Vec<_> = method.errors.iter().map(|place| api.errors[*place].name.as_str()).collect();
        let error = if errors.is_empty() { "never".to_owned() } else { errors.join(" | ") };
        text += &format!("  {}: {{\n    params: {params};\n", property(&method.name));
        text += &format!("    result: {result};\n");
        let flat = format!("    error: {error};\n");
        text += &if flat.chars().count() <= WIDTH + 1 {
            flat
        } else {
            format!("    error:{};\n", errors.iter().map(|name| format!("\n      | {name}")).collect::<String>())
        };
        text += "  };\n";
    }
    text += "}\n\n/** The name of a method. */\nexport type MethodName = keyof Methods;\n";
    for method in api.methods.iter().filter(|method| takes_params(method)) {
        let docs = Docs::of(format!("The parameters of `{}`.", method.name));
        let params = Object { members: method.params.clone(), more: method.rest.clone() };
        text += &format!("\n{}", interface(&method.params_name, &docs, &params));
    }
    text
}

/// Returns the table of all methods for the running client.
pub(super) fn specs(api: &Api) -> String {
    let mut text = "\nconst SPECS: { readonly [M in MethodName]: MethodSpec } = {\n".to_owned();
    for method in &api.methods {
        let mut members = Vec::new();
        if !method.errors.is_empty() {
            let errors = method.errors.iter().map(|place| &api.errors[*place]);
            let errors: String = errors.map(|error| format!("      {}: {},\n", key(error.code), error.name)).collect();
            members.push(format!("    errors: {{\n{errors}    }},\n"));
        }
        members.extend(method.deadline_ms.map(|millis| format!("    deadlineMs: {millis},\n")));
        if method.by_position && takes_params(method) {
            let names: Vec<_> = method.params.iter().map(|param| string(&param.name)).collect();
            members.push(format!("{},\n", call_list("positional: [", &names, "]", 4)));
        }
        members.extend(method.result.is_none().then(|| "    notification: true,\n".to_owned()));
        let name = property(&method.name);
        text += &if members.is_empty() {
            format!("  {name}: {{}},\n")
        } else {
            format!("  {name}: {{\n{}  }},\n", members.concat())
        };
    }
    text + "};\n"
}
