//! Rules of parameters, checks of structs, and types of other crates: how the guide's page
//! `parameters` describes them.

mod fields;
mod foreign_types;
mod rules;

use callbox::Service;
use callbox::testing::InProcess;
use serde_json::{Value, json};

/// The result of a call, or the data of its error -32602.
fn call<S: Service>(service: &InProcess<S>, method: &str, params: &Value) -> Result<Value, Value> {
    let call = json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": 1 });
    let response = service.post(call.to_string()).expect("a call is answered");
    let mut response: Value = serde_json::from_str(&response).expect("JSON");
    match response.get_mut("error") {
        None => Ok(response["result"].take()),
        Some(error) => {
            assert_eq!((&error["code"], &error["message"]), (&json!(-32602), &json!("Invalid params")));
            Err(error["data"].take())
        }
    }
}

/// The data of the error for a parameter.
fn invalid(param: &str, reason: &str) -> Result<Value, Value> {
    Err(json!({ "param": param, "reason": reason }))
}

/// The parameters of a method in the OpenRPC document, by name.
fn documented(document: &Value, method: &str) -> Value {
    let methods = document["methods"].as_array().expect("methods");
    let method = methods.iter().find(|one| one["name"] == method).expect("the method");
    let params = method["params"].as_array().expect("parameters").iter();
    params.map(|param| (param["name"].as_str().expect("a name").to_owned(), param["schema"].clone())).collect()
}
