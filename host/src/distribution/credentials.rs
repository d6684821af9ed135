//! Who we are to a registry: by the settings, or by a file as Docker keeps it.
//!
//! Credentials go to the registry that they were set for and to no other. Absent: programs that help Docker keep secrets,
//! because a server runs none; what such a file says without them is read.

use super::{Failure, Name};
use crate::{Secret, config};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use oci_client::secrets::RegistryAuth;
use serde_json::Value;
use std::path::Path;

/// Bytes of a file of Docker. One has a few lines a registry.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Who we are to the registry of this name.
pub(super) fn find(settings: &config::Oci, name: &Name) -> Result<RegistryAuth, Failure> {
    let is_meant = settings.registry.as_deref() == Some(name.registry());
    if let (true, Some(username), Some(password)) = (is_meant, &settings.username, &settings.password) {
        return Ok(RegistryAuth::Basic(username.clone(), password.expose().clone()));
    }
    let Some(file) = &settings.docker_config else { return Ok(RegistryAuth::Anonymous) };
    let found = of_docker(&read(file)?, name.registry());
    Ok(found.map_or(RegistryAuth::Anonymous, |(name, word)| RegistryAuth::Basic(name, word.expose().clone())))
}

fn read(file: &Path) -> Result<Value, Failure> {
    let unusable =
        |why: String| Failure::Setting(format!("GATEWIT_OCI_DOCKER_CONFIG: cannot use {}: {why}", file.display()));
    let found = std::fs::metadata(file).map_err(|error| unusable(error.to_string()))?;
    if found.len() > FILE_BYTES_MAX {
        return Err(unusable(format!("it is larger than {FILE_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| unusable(error.to_string()))?;
    // What does not fit may hold the secret, so it is not told.
    serde_json::from_str(&text).map_err(|error| unusable(format!("line {} is not JSON", error.line())))
}

/// What Docker's file says of a registry, by its host or by an address there.
fn of_docker(file: &Value, registry: &str) -> Option<(String, Secret<String>)> {
    let host = |key: &str| {
        let key = key.split_once("://").map_or(key, |(_, rest)| rest);
        key.split('/').next().is_some_and(|host| host == registry)
    };
    let (_, entry) = file.get("auths")?.as_object()?.iter().find(|(key, _)| host(key))?;
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    if let (Some(username), Some(password)) = (text("username"), text("password")) {
        return Some((username, Secret::new(password)));
    }
    let decoded = String::from_utf8(STANDARD.decode(text("auth")?).ok()?).ok()?;
    let (username, password) = decoded.split_once(':')?;
    Some((username.to_owned(), Secret::new(password.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dockers_file_is_read_by_registry() {
        let file = json!({ "auths": {
            "https://registry.example.com/v2/": { "auth": STANDARD.encode("ada:lo:ve") },
            "localhost:5000": { "username": "bob", "password": "hush" },
            "helped.example.com": {},
        } });
        let of = |registry| of_docker(&file, registry).map(|(name, word)| (name, word.expose().clone()));
        assert_eq!(of("registry.example.com"), Some(("ada".to_owned(), "lo:ve".to_owned())));
        assert_eq!(of("localhost:5000"), Some(("bob".to_owned(), "hush".to_owned())));
        assert_eq!(of("helped.example.com"), None);
        assert_eq!(of("localhost"), None, "a port is another registry");
        assert_eq!(of_docker(&json!([]), "registry.example.com"), None);
    }

    #[test]
    fn credentials_go_where_they_belong() {
        let settings = config::Oci {
            registry: Some("registry.example.com".to_owned()),
            username: Some("ada".to_owned()),
            password: Some(Secret::new("love".to_owned())),
            ..config::Oci::default()
        };
        let of = |name: &str| find(&settings, &name.parse().unwrap()).unwrap();
        assert!(of("oci://registry.example.com/a:1") == RegistryAuth::Basic("ada".to_owned(), "love".to_owned()));
        assert!(of("oci://registry.example.com:444/a:1") == RegistryAuth::Anonymous);
        assert!(of("oci://evil.example.com/a:1") == RegistryAuth::Anonymous);
    }
}
