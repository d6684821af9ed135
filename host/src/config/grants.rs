//! What single components may use instead of what all may: `GATEWIT_GRANTS`, a JSON object by component.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value as Json;

use super::cast::Value;
use super::decode::{bytes, duration_from, integer};
use super::engine::{CALL_MEMORY_BYTES, CALL_TIME_MIN};
use super::error::Refusal;
use super::host_pattern::HostPattern;

/// What an operator may be asked for, and what the engine knows to keep back.
pub(crate) const CAPABILITIES: [&str; 8] = ["cache", "clock", "http", "keys", "log", "passwords", "random", "streams"];

/// What can be kept back from a component that imports it: the ways to the outside. By the others nothing is told to anybody.
const WITHHELD: [&str; 2] = ["http", "streams"];

/// Most requests and connections of one call.
const OUTBOUND_MAX: u64 = 1_000;

/// What one component may use. `None` is what all may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Capabilities; one that imports another is refused (`capabilities`).
    pub capabilities: Option<BTreeSet<String>>,
    /// Most memory of one call, in bytes (`memory`).
    pub memory_bytes: Option<u64>,
    /// Longest time that one call may compute (`time`).
    pub time: Option<Duration>,
    /// Longest time in which a call has to end, waiting included (`wait`).
    pub wait: Option<Duration>,
    /// Most requests and connections of one call (`outbound`).
    pub outbound: Option<u32>,
    /// Hosts that its providers may name and it may reach (`hosts`).
    pub hosts: Option<Vec<HostPattern>>,
    /// Unix sockets of the system that its providers may name (`sockets`).
    pub sockets: Option<BTreeSet<String>>,
    /// Ways to the outside that it imports and does not get: they are there and lead nowhere (`withheld`). For interpreters,
    /// which import everything that there is.
    pub withheld: BTreeSet<String>,
}

/// Grants by component.
pub(super) fn grants(value: &Value) -> Result<BTreeMap<String, Grant>, Refusal> {
    let Json::Object(components) = structure(value)? else {
        return Err(Refusal::new(r#"is not an object; write for example {"acme":{"memory":"64mb","time":"5s"}}"#));
    };
    components.iter().map(|(name, grant)| Ok((name.clone(), self::grant(name, grant)?))).collect()
}

pub(super) fn structure(value: &Value) -> Result<Json, Refusal> {
    match value {
        Value::Text(text) if text.trim().is_empty() => Ok(Json::Object(serde_json::Map::new())),
        Value::Text(text) => serde_json::from_str(text).map_err(|error| Refusal::new(format!("is not JSON: {error}"))),
        other => Ok(other.to_json()),
    }
}

fn grant(name: &str, grant: &Json) -> Result<Grant, Refusal> {
    let Json::Object(grant) = grant else {
        return Err(Refusal::new(format!(r#"has no object for {name:?}; write for example {{"memory":"64mb"}}"#)));
    };
    let mut read = Grant::default();
    for (key, json) in grant {
        let value = Value::from(json.clone());
        let told = |refusal: Refusal| Refusal::new(format!("{name}.{key}: {json} {}", refusal.0));
        match key.as_str() {
            "memory" => {
                let (min, max) = CALL_MEMORY_BYTES;
                read.memory_bytes = Some(bytes(&value, min, max).map_err(told)?);
            }
            "time" => read.time = Some(duration_from(&value, CALL_TIME_MIN).map_err(told)?),
            "wait" => read.wait = Some(duration_from(&value, CALL_TIME_MIN).map_err(told)?),
            "outbound" => read.outbound = Some(integer(&value, 0, OUTBOUND_MAX).map_err(told)?),
            "capabilities" => read.capabilities = Some(names(json, &CAPABILITIES).map_err(told)?),
            "withheld" => read.withheld = names(json, &WITHHELD).map_err(told)?,
            "hosts" => {
                let hosts = texts(json).map_err(told)?;
                let hosts: Result<_, _> = hosts.into_iter().map(HostPattern::parse).collect();
                read.hosts = Some(hosts.map_err(told)?);
            }
            "sockets" => {
                let sockets = texts(json).map_err(told)?;
                if let Some(wrong) = sockets.iter().find(|path| !path.starts_with('/')) {
                    return Err(told(Refusal::new(format!("has {wrong:?}, which is no whole path"))));
                }
                read.sockets = Some(sockets.into_iter().map(ToOwned::to_owned).collect());
            }
            _ => {
                let known = "capabilities, hosts, memory, outbound, sockets, time, wait and withheld";
                return Err(Refusal::new(format!("{name}.{key}: is not known here; there are {known}")));
            }
        }
    }
    Ok(read)
}

fn texts(json: &Json) -> Result<Vec<&str>, Refusal> {
    let texts = json.as_array().map(|texts| texts.iter().map(Json::as_str).collect::<Option<Vec<_>>>());
    texts.flatten().ok_or_else(|| Refusal::new("is not a list of names"))
}

fn names(json: &Json, known: &[&str]) -> Result<BTreeSet<String>, Refusal> {
    let names = texts(json)?;
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        return Err(Refusal::new(format!("has {unknown:?}, which is none of {}", known.join(", "))));
    }
    Ok(names.into_iter().map(ToOwned::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BTreeMap<String, Grant>, String> {
        grants(&Value::Text(text.to_owned())).map_err(|refusal| refusal.0)
    }

    #[test]
    fn a_component_gets_what_is_written() {
        let text = r#"{"acme":{"memory":"64mb","time":"5s","outbound":3,"capabilities":["http","log"]},"other":{}}"#;
        let read = read(text).unwrap();
        let acme = &read["acme"];
        assert_eq!((acme.memory_bytes, acme.time), (Some(64 << 20), Some(Duration::from_secs(5))));
        assert_eq!((acme.outbound, acme.wait), (Some(3), None));
        assert_eq!(acme.capabilities.iter().flatten().collect::<Vec<_>>(), ["http", "log"]);
        assert_eq!(read["other"], Grant::default());
        assert_eq!(super::grants(&Value::Text(String::new())).unwrap(), BTreeMap::new());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in [
            ("[]", "is not an object"),
            ("{", "is not JSON"),
            (r#"{"acme":1}"#, "acme"),
            (r#"{"acme":{"memory":"1kb"}}"#, "acme.memory"),
            (r#"{"acme":{"time":"1ms"}}"#, "acme.time"),
            (r#"{"acme":{"tim":"1s"}}"#, "acme.tim"),
            (r#"{"acme":{"capabilities":["storage"]}}"#, "storage"),
            (r#"{"acme":{"capabilities":"http"}}"#, "list of names"),
            (r#"{"acme":{"withheld":["log"]}}"#, "log"),
            (r#"{"acme":{"hosts":["https://a"]}}"#, "no host"),
            (r#"{"acme":{"sockets":["ldapi"]}}"#, "whole path"),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.contains(word), "{text}: {told}");
        }
    }
}
