//! Looks which crates' types and traits can be met in the public API of a crate, and whether those are the ones that may be: a new
//! major version of each of them is a new major version of ours.
//!
//! It reads what rustdoc writes as JSON, of which it knows as little as it can: that changes with compilers.

use std::collections::{BTreeMap, BTreeSet};
use std::env::args;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// Crates that everybody has.
const STANDARD: [&str; 3] = ["alloc", "core", "std"];

fn main() -> anyhow::Result<()> {
    let mut arguments = args().skip(1);
    let file = arguments.next().context("usage: gatewit-public DOCUMENTATION.json CRATE…")?;
    let may: BTreeSet<String> = arguments.collect();
    let text = std::fs::read_to_string(&file).with_context(|| file.clone())?;
    let documentation: Value = serde_json::from_str(&text)?;
    let mut walk = Walk { documentation: &documentation, seen: BTreeSet::new(), found: BTreeMap::new() };
    walk.item(&documentation["root"], "");
    if walk.seen.len() < 100 {
        bail!("only {} public items were found: rustdoc writes something else now", walk.seen.len());
    }
    let stray = |name: &&String| !may.contains(*name) && !STANDARD.contains(&name.as_str());
    let strays: Vec<_> = walk.found.keys().filter(stray).collect();
    let missing: Vec<_> = may.iter().filter(|name| !walk.found.contains_key(*name)).collect();
    for name in &strays {
        println!("{name}: {}", walk.found[*name].iter().take(5).cloned().collect::<Vec<_>>().join(", "));
    }
    if !strays.is_empty() || !missing.is_empty() {
        bail!("stray crates: {strays:?}; not met any more: {missing:?}");
    }
    println!("{} public items have types of {}", walk.seen.len(), may.into_iter().collect::<Vec<_>>().join(", "));
    Ok(())
}

/// A walk over everything that can be named from outside.
struct Walk<'a> {
    documentation: &'a Value,
    seen: BTreeSet<u64>,
    /// Crates, with the places where they are met.
    found: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Walk<'a> {
    fn get(&self, id: &Value) -> Option<&'a Value> {
        self.documentation["index"].get(id.as_u64()?.to_string())
    }

    /// An item by its id, and what can be reached from there.
    fn item(&mut self, id: &Value, place: &str) {
        let Some(item) = self.get(id).filter(|item| item["crate_id"] == 0) else { return };
        if !self.seen.insert(id.as_u64().unwrap_or_default()) {
            return;
        }
        let Some((kind, inner)) = item["inner"].as_object().and_then(|inner| inner.iter().next()) else { return };
        let place = format!("{place}::{}", item["name"].as_str().unwrap_or(kind));
        match kind.as_str() {
            "module" => self.public(&inner["items"], &place),
            "use" if self.get(&inner["id"]).is_some() => self.item(&inner["id"], &place),
            "use" => self.mention(inner["id"].as_u64().unwrap_or_default(), &place),
            "struct" | "enum" | "union" => {
                self.mentions(&inner["generics"], &place);
                self.public(fields(&inner["kind"]), &place);
                self.all(&inner["variants"], &place);
                self.all(&inner["impls"], &place);
            }
            "variant" => self.all(fields(&inner["kind"]), &place),
            "trait" => {
                self.mentions(&inner["generics"], &place);
                self.mentions(&inner["bounds"], &place);
                self.all(&inner["items"], &place);
            }
            "impl" if inner["blanket_impl"].is_null() && inner["is_synthetic"] == false => {
                self.mentions(&inner["generics"], &place);
                self.mentions(&inner["trait"], &place);
                self.public(&inner["items"], &place);
            }
            "impl" => {}
            _ => self.mentions(inner, &place),
        }
    }

    fn all(&mut self, ids: &Value, place: &str) {
        for id in ids.as_array().into_iter().flatten() {
            self.item(id, place);
        }
    }

    /// Those of them that are public. What belongs to a trait is as public as that.
    fn public(&mut self, ids: &Value, place: &str) {
        for id in ids.as_array().into_iter().flatten() {
            let visibility = self.get(id).map(|item| item["visibility"].as_str().unwrap_or_default());
            if matches!(visibility, Some("public" | "default")) {
                self.item(id, place);
            }
        }
    }

    /// Notes every type and trait of another crate in a signature.
    fn mentions(&mut self, signature: &Value, place: &str) {
        match signature {
            Value::Object(parts) => {
                if let (Some(id), Some(_)) = (parts.get("id").and_then(Value::as_u64), parts.get("path")) {
                    self.mention(id, place);
                }
                parts.values().for_each(|part| self.mentions(part, place));
            }
            Value::Array(parts) => parts.iter().for_each(|part| self.mentions(part, place)),
            _ => {}
        }
    }

    fn mention(&mut self, id: u64, place: &str) {
        let number = self.documentation["paths"][id.to_string()]["crate_id"].as_u64().filter(|number| *number != 0);
        let name = number.and_then(|number| self.documentation["external_crates"][number.to_string()]["name"].as_str());
        if let Some(name) = name {
            self.found.entry(name.to_owned()).or_default().insert(place.to_owned());
        }
    }
}

/// The fields of a struct or of a variant, named or not.
fn fields(kind: &Value) -> &Value {
    ["plain", "struct"].iter().find_map(|form| kind[form].get("fields")).unwrap_or(&kind["tuple"])
}
