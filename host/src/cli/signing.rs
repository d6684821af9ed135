//! Keys and signatures of components, in the format of minisign: what either makes, the other takes.

use anyhow::{Context as _, bail};
use minisign::{KeyPair, PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};
use std::{
    io::{Cursor, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// The file of a component's signature.
pub(super) fn beside(file: &Path) -> PathBuf {
    with_end(file, ".minisig")
}

fn with_end(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Makes a pair of keys.
pub(super) fn keygen(file: &Path) -> anyhow::Result<String> {
    let pair = KeyPair::generate_unencrypted_keypair()?;
    let secret = pair.sk.to_box(Some("secret key of gatewit components"))?.into_string();
    let public = with_end(file, ".pub");
    let mut options = std::fs::OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o600).open(file);
    let told = || format!("cannot make {}; a key that is there is not written over", file.display());
    made.and_then(|mut made| made.write_all(secret.as_bytes())).with_context(told)?;
    std::fs::write(&public, pair.pk.to_box()?.into_string())
        .with_context(|| format!("cannot write {}", public.display()))?;
    Ok(format!(
        "secret key: {}\npublic key: {}\ntrust it with GATEWIT_TRUSTED_KEYS={}",
        file.display(),
        public.display(),
        pair.pk.to_base64()
    ))
}

/// Signs a component.
pub(super) fn sign(file: &Path, key: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(key).with_context(|| format!("cannot read {}", key.display()))?;
    let boxed = || SecretKeyBox::from_string(&text).with_context(|| format!("{} is no secret key", key.display()));
    let key = match SecretKey::from_unencrypted_box(boxed()?) {
        Ok(key) => key,
        // minisign asks for the password at the terminal.
        Err(_) => boxed()?.into_secret_key(None)?,
    };
    let wasm = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let name = file.file_name().map(|name| format!("file:{}", name.display()));
    let signature =
        minisign::sign(None, &key, Cursor::new(wasm), name.as_deref(), Some("signature of a gatewit component"))?;
    let beside = beside(file);
    std::fs::write(&beside, signature.into_string()).with_context(|| format!("cannot write {}", beside.display()))?;
    Ok(format!("signed: {}", beside.display()))
}

/// Says whether a component bears a good signature of one of the keys.
pub(super) fn verify(file: &Path, key: Option<&Path>, trusted: &[String]) -> anyhow::Result<String> {
    let keys = match key {
        Some(path) => vec![PublicKey::from_file(path).with_context(|| format!("{} is no public key", path.display()))?],
        None => trusted.iter().map(|text| read_key(text)).collect::<anyhow::Result<_>>()?,
    };
    if keys.is_empty() {
        bail!("there is no key to verify with; name one with --key, or set GATEWIT_TRUSTED_KEYS");
    }
    let signature = SignatureBox::from_file(beside(file))
        .with_context(|| format!("{} has no signature beside it", file.display()))?;
    let wasm = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let is_good = |key: &&PublicKey| minisign::verify(key, &signature, Cursor::new(&wasm), true, false, false).is_ok();
    match keys.iter().find(is_good) {
        Some(key) => Ok(format!("good: signed by {}", key.to_base64())),
        None => bail!("{} is not what one of the keys signed", file.display()),
    }
}

fn read_key(text: &str) -> anyhow::Result<PublicKey> {
    let key = match text.lines().count() {
        0 | 1 => PublicKey::from_base64(text.trim()),
        _ => PublicKeyBox::from_string(text).and_then(PublicKey::from_box),
    };
    key.with_context(|| format!("GATEWIT_TRUSTED_KEYS: {text:?} is no public key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_good_until_it_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (key, file) = (folder.path().join("key"), folder.path().join("acme.wasm"));
        std::fs::write(&file, "component").unwrap();
        assert!(keygen(&key).unwrap().contains("GATEWIT_TRUSTED_KEYS="));
        assert!(keygen(&key).is_err(), "a key is written over");
        let public = with_end(&key, ".pub");
        assert!(verify(&file, Some(&public), &[]).is_err(), "not signed yet");
        sign(&file, &key).unwrap();
        let good = verify(&file, Some(&public), &[]).unwrap();
        let trusted = good.rsplit(' ').next().unwrap().to_owned();
        assert!(verify(&file, None, std::slice::from_ref(&trusted)).is_ok());
        assert!(verify(&file, None, &[]).is_err(), "no key");
        std::fs::write(&file, "changed").unwrap();
        assert!(verify(&file, None, &[trusted]).is_err());
    }
}
