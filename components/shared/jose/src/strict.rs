//! JSON that can be read in one way only: an object in which a member occurs twice is not read at all, because who checks
//! it and who uses it might each take another one (RFC 8259, section 4).
//!
//! Depth is limited by `serde_json` (128), size by whoever got the bytes.

use alloc::{string::String, vec::Vec};
use core::fmt;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A JSON object; `None` if it is something else, or if a member of it or of anything in it occurs twice.
#[must_use]
pub fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(bytes) {
        Ok(Strict(Value::Object(members))) => Some(members),
        _ => None,
    }
}

/// The members of a JSON object in the order in which they are written; `None` as for [`object`].
#[must_use]
pub fn members(text: &str) -> Option<Vec<(String, Value)>> {
    serde_json::from_str(text).ok().map(|Members(members)| members)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Reader).map(Self)
    }
}

struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_map(InOrder).map(Self)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Self::Value, A::Error> {
        let mut members: Self::Value = Vec::new();
        while let Some((name, Strict(value))) = input.next_entry::<String, Strict>()? {
            if members.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom("a member occurs twice"));
            }
            members.push((name, value));
        }
        Ok(members)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = input.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Strict(value))) = input.next_entry::<String, Strict>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member occurs twice"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_what_it_is_elsewhere() {
        let text = r#"{"a":[1,-2,0.5,"x\u0000",null,true,{"b":{}}],"c":18446744073709551615}"#;
        let read = Value::Object(object(text.as_bytes()).unwrap());
        assert_eq!(read, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_not_read() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"a":1,"a":2}]}"#,
            r#"{"a":1}{"#,
            r#"{"a":1e999}"#,
            r#"{"a":NaN}"#,
            r#"[{"a":1}]"#,
            "",
            "null",
        ] {
            assert_eq!(object(text.as_bytes()), None, "{text}");
        }
        assert_eq!(object(&[b'{', b'"', 0xff, b'"', b':', b'1', b'}']), None);
    }

    #[test]
    fn nesting_has_an_end() {
        assert_eq!(object(["{\"a\":".repeat(4000), "1".into(), "}".repeat(4000)].concat().as_bytes()), None);
    }

    #[test]
    fn members_keep_their_order() {
        let names = |text| members(text).map(|members| members.into_iter().map(|(name, _)| name).collect::<Vec<_>>());
        assert_eq!(names(r#"{"z":1,"a":{"b":2},"m":3}"#).unwrap(), ["z", "a", "m"]);
        assert_eq!(names(r#"{"z":1,"z":1}"#), None);
        assert_eq!(names(r#"{"z":{"a":1,"a":1}}"#), None);
        assert_eq!(members("[]"), None);
        assert_eq!(members(r#"{"a":null}"#).unwrap(), [("a".into(), json!(null))]);
    }
}
