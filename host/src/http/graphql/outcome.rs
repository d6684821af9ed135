//! What a document has brought: data in the order of the document, and what went wrong.
//!
//! Pure. Invariants: `code` is the first key of an error's `extensions`; what broke inside says nothing but that. As on the
//! recorded wire, `data` that would be null is left out, and an internal error has neither a place nor a path.

use super::{super::refusal::Refusal, document::Document, invalid::locations, schema::Call};
use serde_json::{Map, Value, json};

/// An operation that was refused.
pub(super) struct Failed<'a> {
    pub(super) call: &'a Call,
    pub(super) refusal: Refusal,
}

/// The body of the answer. `data` is what the library made of the answers; `broken` is how many of them it refused.
pub(super) fn body(document: &Document, data: Value, failed: &[Failed<'_>], broken: usize) -> Value {
    let mut body = Map::new();
    let lost = broken > 0 || failed.iter().any(|failed| failed.call.is_needed);
    if !lost && let Value::Object(data) = data {
        body.insert("data".to_owned(), Value::Object(in_order(document, data)));
    }
    let internal = (0..broken).map(|_| error(&Refusal::InternalServerError, None));
    let errors: Vec<_> =
        failed.iter().map(|failed| error(&failed.refusal, Some(failed.call))).chain(internal).collect();
    if !errors.is_empty() {
        body.insert("errors".to_owned(), Value::Array(errors));
    }
    Value::Object(body)
}

/// The library answers fields as they are ready; clients see them as they asked.
fn in_order(document: &Document, mut data: Map<String, Value>) -> Map<String, Value> {
    document.roots.iter().filter_map(|(key, _)| data.remove_entry(key)).collect()
}

fn error(refusal: &Refusal, call: Option<&Call>) -> Value {
    let mut error = json!({ "message": refusal.message(), "extensions": refusal.extensions_of_graphql() });
    if let (Some(call), Some(error)) = (call, error.as_object_mut())
        && *refusal != Refusal::InternalServerError
    {
        error.insert("locations".to_owned(), locations(&[call.place]));
        error.insert("path".to_owned(), json!([call.key]));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::super::{request::Request, roots::Task};
    use super::*;
    use async_graphql::Pos;
    use expect_test::{Expect, expect};

    fn call(key: &str, is_needed: bool) -> Call {
        let place = Pos { line: 1, column: 10 };
        let (key, arguments, fields) = (key.to_owned(), Map::new(), Vec::new());
        Call { key, task: Task::Ping, arguments, fields, place, is_truth: false, is_needed }
    }

    fn check(data: Value, refused: Option<(bool, Refusal)>, broken: usize, expected: &Expect) {
        let text = "mutation{b:auth_logout a:auth_refresh{expires}}".to_owned();
        let request = Request { document: text, variables: Map::new(), operation: None, is_safe: false };
        let document = Document::read(&request, true).unwrap_or_else(|errors| panic!("{errors:?}"));
        let refused = refused.map(|(is_needed, refusal)| (call("b", is_needed), refusal));
        let failed: Vec<_> = refused.iter().map(|(call, refusal)| Failed { call, refusal: refusal.clone() }).collect();
        expected.assert_eq(&body(&document, data, &failed, broken).to_string());
    }

    #[test]
    fn data_come_in_the_order_of_the_document() {
        check(
            json!({ "a": { "expires": "1" }, "b": true }),
            None,
            0,
            &expect![[r#"{"data":{"b":true,"a":{"expires":"1"}}}"#]],
        );
    }

    #[test]
    fn a_refusal_has_its_code_first_and_says_where() {
        check(
            json!({ "a": null, "b": null }),
            Some((false, Refusal::payload("\"otp\" is invalid"))),
            0,
            &expect![[
                r#"{"data":{"b":null,"a":null},"errors":[{"message":"Invalid payload. \"otp\" is invalid.","extensions":{"code":"INVALID_PAYLOAD","reason":"\"otp\" is invalid"},"locations":[{"line":1,"column":10}],"path":["b"]}]}"#
            ]],
        );
    }

    #[test]
    fn what_broke_inside_says_nothing_else() {
        check(
            json!({ "b": null }),
            Some((false, Refusal::InternalServerError)),
            0,
            &expect![[
                r#"{"data":{"b":null},"errors":[{"message":"An unexpected error occurred.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#
            ]],
        );
        check(
            json!({}),
            None,
            1,
            &expect![[
                r#"{"errors":[{"message":"An unexpected error occurred.","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#
            ]],
        );
    }

    #[test]
    fn without_what_is_needed_there_are_no_data() {
        check(
            json!({ "a": 1, "b": [] }),
            Some((true, Refusal::InvalidCredentials)),
            0,
            &expect![[
                r#"{"errors":[{"message":"Invalid user credentials.","extensions":{"code":"INVALID_CREDENTIALS"},"locations":[{"line":1,"column":10}],"path":["b"]}]}"#
            ]],
        );
    }
}
