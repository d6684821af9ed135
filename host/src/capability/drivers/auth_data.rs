//! What drivers want handed back at the next refresh, as the database can keep it. Pure.
//!
//! It is any text, and the column of a Directus holds JSON. What is an object already is kept as it is, where a Directus
//! finds what it expects; everything else is wrapped.

use serde_json::{Map, Value, json};

/// The only member of what is wrapped.
const WRAPPED: &str = "gatewit";

/// A driver's text as it is kept.
pub(super) fn wrapped(text: String) -> String {
    match serde_json::from_str::<Map<String, Value>>(&text) {
        Ok(object) if unwrapped_text(&object).is_none() => text,
        _ => json!({ WRAPPED: text }).to_string(),
    }
}

/// What was kept as the driver gave it.
pub(super) fn unwrapped(kept: String) -> String {
    match serde_json::from_str::<Map<String, Value>>(&kept) {
        Ok(object) => unwrapped_text(&object).map_or(kept, ToOwned::to_owned),
        Err(_) => kept,
    }
}

fn unwrapped_text(object: &Map<String, Value>) -> Option<&str> {
    object.get(WRAPPED).filter(|_| object.len() == 1)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_as_it_was_and_is_json_meanwhile() {
        for text in ["", "a token", "\"quoted\"", "[1]", "{\"refreshToken\":\"x\"}", "{\"gatewit\":\"x\"}", "{", "null"]
        {
            let kept = wrapped(text.to_owned());
            assert!(serde_json::from_str::<Map<String, Value>>(&kept).is_ok(), "{kept}");
            assert_eq!(unwrapped(kept), text);
        }
        let directus = "{\"refreshToken\":\"x\"}";
        assert_eq!(wrapped(directus.to_owned()), directus, "a Directus would not find it");
    }
}
