//! The secret of the server and those before it: from the settings, or made up once and kept in the data folder.

use super::{StartError, random_text};
use crate::{
    Config, Secret,
    capability::{clock::Clock, keys::hmac::Secrets},
};
use std::{
    io::{Error, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

/// Bytes of a secret that is made up: as many as the hash gives (RFC 7518, section 3.2).
const SECRET_BYTES: usize = 32;

/// The secrets of a server that starts.
pub(super) fn of(config: &Config, clock: &dyn Clock) -> Result<Secrets, StartError> {
    Ok(Secrets { present: present(config, clock)?, earlier: config.keys.previous.clone() })
}

/// The secrets as far as there are any; nothing is made up.
pub(crate) fn known(config: &Config) -> Result<Option<Secrets>, StartError> {
    Ok(kept(config)?.map(|present| Secrets { present, earlier: config.keys.previous.clone() }))
}

fn file(config: &Config) -> PathBuf {
    config.storage.data_folder.join("secret")
}

/// The configured secret, or the one that was made up earlier.
fn kept(config: &Config) -> Result<Option<Secret<String>>, StartError> {
    if let Some(secret) = &config.keys.secret {
        return Ok(Some(secret.clone()));
    }
    let path = file(config);
    let failed = |source| StartError::Data { path: path.clone(), source };
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().len() >= SECRET_BYTES => Ok(Some(Secret::new(text.trim().to_owned()))),
        Ok(_) => Err(failed(Error::other("the file is too short to be a secret; restore or remove it"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// The configured secret, or one that is made up once and kept, so that tokens outlive a restart.
fn present(config: &Config, clock: &dyn Clock) -> Result<Secret<String>, StartError> {
    if let Some(secret) = kept(config)? {
        return Ok(secret);
    }
    let path = file(config);
    let secret = Secret::new(random_text::<SECRET_BYTES>(clock)?);
    let draft = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(secret.expose().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, &path)
    };
    write().map_err(|source| StartError::Data { path: path.clone(), source })?;
    tracing::info!(file = %path.display(), "made up a secret; set SECRET to use one of your own");
    Ok(secret)
}
