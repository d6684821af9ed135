//! The names that stand for tokens in a fixture (`{{refresh_token#3}}`) and what they stand for in this run.
//!
//! A name is bound by the first answer that has it and filled into later requests. Opaque values must then stay the
//! same wherever the name comes again; tokens that are signed may be issued anew under the same name, their claims are
//! compared instead.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use crate::fixture::Forged;
use crate::{otp, tokens};

/// What the names of one part stand for.
pub struct Bindings {
    /// The server's `SECRET`.
    pub secret: String,
    values: BTreeMap<String, String>,
    forged: BTreeMap<String, String>,
}

impl Bindings {
    /// No names yet; signs the tokens of `forge` as of `now` (seconds since 1970).
    pub fn new(secret: &str, forge: &BTreeMap<String, Forged>, now: i64) -> anyhow::Result<Self> {
        let mut forged = BTreeMap::new();
        for (name, token) in forge {
            let claims = claims(&token.claims, now).with_context(|| name.clone())?;
            let signed_as = token.signed_as.unwrap_or(token.alg);
            forged.insert(name.clone(), tokens::forge(token.alg, signed_as, secret, &claims));
        }
        Ok(Self { secret: secret.to_owned(), values: BTreeMap::new(), forged })
    }

    /// What `name` stands for.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Lets `name` stand for `value` from here on.
    pub fn bind(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// `text` with every `{{…}}` filled in.
    pub fn fill(&self, text: &str) -> anyhow::Result<String> {
        let mut filled = String::new();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Name(name) => filled.push_str(&self.value(name)?),
            }
        }
        Ok(filled)
    }

    /// `value` with every `{{…}}` in its strings filled in.
    pub fn fill_json(&self, value: &Value) -> anyhow::Result<Value> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text)?),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill_json(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let mut filled = Map::new();
                for (key, field) in fields {
                    filled.insert(key.clone(), self.fill_json(field)?);
                }
                Value::Object(filled)
            }
            other => other.clone(),
        })
    }

    fn value(&self, name: &str) -> anyhow::Result<String> {
        let found = if let Some(forged) = name.strip_prefix("forge:") {
            self.forged.get(forged).cloned()
        } else if let Some(token) = name.strip_prefix("tampered:") {
            self.get(token).map(tokens::tampered)
        } else if let Some((letter, count)) = name.strip_prefix("repeat:").and_then(|rule| rule.split_once('*')) {
            Some(letter.repeat(count.parse().context("repeat count")?))
        } else if let Some(steps) = name.strip_prefix("otp") {
            let steps = if steps.is_empty() { 0 } else { steps.parse().context("steps from now")? };
            Some(otp::code(otp::KEY, steps)?)
        } else {
            self.get(name).map(str::to_owned)
        };
        found.with_context(|| format!("no earlier answer gave `{name}`"))
    }
}

fn claims(claims: &Map<String, Value>, now: i64) -> anyhow::Result<Value> {
    let mut filled = Map::new();
    for (key, value) in claims {
        let value = match value.as_str().and_then(|text| text.strip_prefix("{{now")?.strip_suffix("}}")) {
            Some("") => now.into(),
            Some(offset) => (now + offset.parse::<i64>().context("offset of now")?).into(),
            None => value.clone(),
        };
        filled.insert(key.clone(), value);
    }
    if filled.values().any(|value| value.as_str().is_some_and(|text| text.contains("{{"))) {
        bail!("claims know only `{{{{now}}}}` and `{{{{now+seconds}}}}`");
    }
    Ok(Value::Object(filled))
}

/// A part of a text with names in it.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// What was between `{{` and `}}`.
    Name(&'a str),
}

/// Splits a text at its names; an unclosed `{{` is text.
#[must_use]
pub fn pieces(mut text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some((before, name, after)) = text
        .split_once("{{")
        .and_then(|(before, rest)| rest.split_once("}}").map(|(name, after)| (before, name, after)))
    {
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Name(name));
        text = after;
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Algorithm;
    use serde_json::json;

    fn bindings() -> Bindings {
        let claims = json!({"id": "x", "iat": "{{now}}", "exp": "{{now+900}}"});
        let forged = Forged { alg: Algorithm::HS256, signed_as: None, claims: claims.as_object().unwrap().clone() };
        Bindings::new("secret", &BTreeMap::from([("valid".to_owned(), forged)]), 100).unwrap()
    }

    #[test]
    fn names_are_filled_in_once_they_are_bound() {
        let mut bindings = bindings();
        let template = json!({"refresh_token": "{{refresh_token#1}}", "n": 1});
        let error = bindings.fill_json(&template).unwrap_err();
        assert_eq!(error.to_string(), "no earlier answer gave `refresh_token#1`");
        bindings.bind("refresh_token#1", "abc");
        assert_eq!(bindings.fill_json(&template).unwrap().to_string(), r#"{"refresh_token":"abc","n":1}"#);
        assert_eq!(bindings.fill("a={{refresh_token#1}}; b={{repeat:xy*2}}").unwrap(), "a=abc; b=xyxy");
    }

    #[test]
    fn a_forged_token_has_its_times_filled_in_and_a_tampered_one_differs_at_its_end() {
        let mut bindings = bindings();
        let token = bindings.fill("{{forge:valid}}").unwrap();
        assert_eq!(tokens::open(&token, "secret").unwrap().1, r#"{"id":"x","iat":100,"exp":1000}"#);
        bindings.bind("access_token#1", &token);
        let bad = bindings.fill("{{tampered:access_token#1}}").unwrap();
        assert!(bad != token && tokens::open(&bad, "secret").is_err());
        assert!(bindings.fill("{{forge:unknown}}").is_err());
    }

    #[test]
    fn a_text_is_split_at_its_names() {
        assert_eq!(pieces("a{{b}}{{c}}d"), [Piece::Text("a"), Piece::Name("b"), Piece::Name("c"), Piece::Text("d")]);
        assert_eq!(pieces("{{open"), [Piece::Text("{{open")]);
        assert_eq!(pieces(""), []);
    }
}
