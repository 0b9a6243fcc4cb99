//! Values that are the only ones of their type.

use serde_json::Value;

use super::super::model::{Literal, Type};

/// Returns the type of one value.
pub(super) fn literal(value: &Value, facts: &mut Vec<String>) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(value) => Type::Literal(Literal::Boolean(*value)),
        Value::String(text) => Type::Literal(Literal::String(text.clone())),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Type::Literal(Literal::Integer(integer)),
            None => {
                facts.push(format!("One of the numbers is {number}."));
                Type::Number
            }
        },
        Value::Array(_) | Value::Object(_) => {
            facts.push(format!("Of any type here: the value is `{value}`."));
            Type::Any
        }
    }
}
