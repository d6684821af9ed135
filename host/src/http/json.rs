//! JSON request bodies: an object or an array, and JavaScript's wording when they are neither.
//!
//! `serde_json` does the parsing: of duplicate keys the last wins, as in JavaScript; `__proto__` is a key like any other;
//! nesting is bounded at its 128 levels. What it refuses is worded by `json_wording`. Where JavaScript would have accepted the
//! text (too deep, a number beyond a double, a lone surrogate) the reason is `serde_json`'s own. Invariant: never panics.

use serde_json::Value;

use super::json_wording;

/// Parses a body that is not empty. The error is the reason to send, without a final dot.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let first = text.trim_start_matches(json_wording::is_blank).chars().next();
    if matches!(first, Some(first) if first != '{' && first != '[') {
        return Err(json_wording::not_a_structure(text));
    }
    serde_json::from_str(text).map_err(|error| json_wording::syntax_error(text).unwrap_or_else(|| format!("{error}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_and_arrays_are_parsed() {
        assert_eq!(parse(" {\"a\": 1}\r\n").unwrap(), json!({ "a": 1 }));
        assert_eq!(parse("[1]").unwrap(), json!([1]));
    }

    #[test]
    fn of_duplicate_keys_the_last_wins() {
        assert_eq!(
            parse(r#"{"mode":"json","x":1,"mode":"cookie"}"#).unwrap().to_string(),
            r#"{"mode":"cookie","x":1}"#
        );
    }

    #[test]
    fn proto_is_a_key() {
        assert_eq!(parse(r#"{"__proto__":{"a":1}}"#).unwrap()["__proto__"]["a"], 1);
    }

    #[test]
    fn what_only_javascript_accepts_is_refused_with_a_reason() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert_eq!(parse(&deep).unwrap_err(), "recursion limit exceeded at line 1 column 128");
        assert_eq!(parse("[1e999]").unwrap_err(), "number out of range at line 1 column 6");
        assert!(
            parse(r#"["\ud800"]"#).unwrap_err().contains("surrogate")
                || parse(r#"["\ud800"]"#).unwrap_err().contains("hex escape")
        );
    }

    proptest! {
        #[test]
        fn anything_is_parsed_or_refused_without_panic(text in "([\\[\\]{}:,\"0-9eE.+\\\\utrflsn \r\n-]|\\PC){0,60}") {
            if let Err(reason) = parse(&text) {
                prop_assert!(!reason.is_empty());
            }
        }

        #[test]
        fn broken_documents_are_worded_by_javascript(cut in 0_usize..60) {
            let document = r#"{"a":[1,-2.5e3,true,null,{"b":"c\nd\u00e9"}],"e":"f","g":{}}"#;
            let document = &document[..cut];
            if !document.is_empty() {
                let reason = parse(document).unwrap_err();
                prop_assert!(reason.ends_with("JSON input") || reason.contains(" in JSON at position ") , "{}", reason);
            }
        }
    }
}
