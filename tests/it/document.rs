//! Bodies held against the schemas of the hub's API description, as far as this uses JSON Schema.

use serde_json::Value;

/// What of a body in JSON the description of an operation's request or answer does not allow; nothing where
/// it says nothing of such a body. `content` is the part that has a schema for each media type.
pub(super) fn fault(
    document: &Value,
    content: &Value,
    media_type: &str,
    body: &[u8],
) -> Option<String> {
    let media_type = media_type.split(';').next().unwrap_or_default();
    let schema = content.get(media_type)?.get("schema")?;
    if !media_type.ends_with("json") {
        return None;
    }
    let body: Value = serde_json::from_slice(body).ok()?;
    broken(document, schema, &body, "$")
}

/// The first place where a value is not of its schema.
fn broken(document: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(of) = schema["$ref"].as_str() {
        let named = document.pointer(of.trim_start_matches('#'));
        return broken(document, named.expect("the schema is there"), value, at);
    }
    let list = |key: &str| schema[key].as_array().into_iter().flatten();
    if let Some(fault) = list("allOf").find_map(|part| broken(document, part, value, at)) {
        return Some(fault);
    }
    for key in ["oneOf", "anyOf"] {
        let mut faults = list(key).map(|part| broken(document, part, value, at)).peekable();
        if faults.peek().is_some() && faults.all(|fault| fault.is_some()) {
            return Some(format!("{at}: {value} is none of {}", schema[key]));
        }
    }
    let named = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one.as_str()],
        _ => Vec::new(),
    };
    if !named.is_empty() && !named.iter().any(|name| is_a(value, name)) {
        return Some(format!("{at}: {value} is no {}", named.join(" or ")));
    }
    if schema["enum"].is_array() && !list("enum").any(|allowed| allowed == value) {
        return Some(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    if let Value::Object(members) = value {
        let missing = list("required").filter_map(Value::as_str);
        if let Some(name) = missing.into_iter().find(|name| !members.contains_key(*name)) {
            return Some(format!("{at}: there is no {name}"));
        }
        return members.iter().find_map(|(name, member)| {
            let at = format!("{at}.{name}");
            match schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]) {
                Value::Bool(false) => Some(format!("{at}: it is not described")),
                schema => broken(document, schema, member, &at),
            }
        });
    }
    let elements = value.as_array().into_iter().flatten().enumerate();
    elements
        .into_iter()
        .find_map(|(n, element)| broken(document, &schema["items"], element, &format!("{at}[{n}]")))
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type of JSON Schema"),
    }
}

#[test]
fn what_is_not_of_its_schema_is_found() {
    use serde_json::json;
    let document = json!({"components": {"schemas": {"Text": {"type": "string"}}}});
    let text = json!({"$ref": "#/components/schemas/Text"});
    let schema = json!({"type": "object", "required": ["a"], "properties": {
        "a": {"type": "array", "items": {"oneOf": [{"type": "null"}, text]}},
        "b": {"type": "integer", "enum": [1, 2]},
        "c": {}}, "additionalProperties": false});
    for (value, found) in [
        (json!({"a": ["x", null], "b": 1, "c": [{"d": 1}]}), None),
        (json!(1), Some("$: 1 is no object")),
        (json!({"b": 1}), Some("$: there is no a")),
        (json!({"a": ["x", 2]}), Some("$.a[1]: 2 is none of")),
        (json!({"a": [], "b": 3}), Some("$.b: 3 is none of [1,2]")),
        (json!({"a": [], "b": 1.5}), Some("$.b: 1.5 is no integer")),
        (json!({"a": [], "x": 1}), Some("$.x: it is not described")),
    ] {
        let fault = broken(&document, &schema, &value, "$");
        match found {
            None => assert_eq!(fault, None, "{value}"),
            Some(begin) => {
                assert!(fault.as_ref().is_some_and(|f| f.starts_with(begin)), "{fault:?}")
            }
        }
    }
}
