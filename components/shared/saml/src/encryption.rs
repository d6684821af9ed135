//! What was encrypted for us (XML Encryption 1.1, SAML core section 6).
//!
//! Two algorithms that authenticate (AES-GCM), and two that do not (AES-CBC) for what somebody signed as it is, because whoever
//! may change a ciphertext and watch what becomes of it can read it. Whatever goes wrong, the refusal is the same.

use crate::{
    Keys, Refusal,
    names::{ENCRYPTION, SIGNATURE, not_allowed},
    refusal::refused,
    text::{base64, escaped, shown},
    xml::Element,
};
use aes::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::NoPadding};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit, aead::Aead};
use alloc::{format, string::String, vec::Vec};

/// Most wrapped keys that are tried: one for each of our keys, and each costs an operation with a private key.
const MOST_KEYS: usize = 4;

/// The namespace of what XML Encryption 1.1 added.
const XMLENC11: &str = "http://www.w3.org/2009/xmlenc11#";

/// The hash of a key's encryption if none is named.
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";

/// What is told of everything that goes wrong, so that nothing can be learned from it.
const FAILED: &str = "what was encrypted for us cannot be decrypted";

/// The ways to encrypt that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Gcm128,
    Gcm256,
    Cbc128,
    Cbc256,
}

impl Method {
    fn of(uri: &str) -> Result<Self, Refusal> {
        match uri {
            "http://www.w3.org/2009/xmlenc11#aes128-gcm" => Ok(Self::Gcm128),
            "http://www.w3.org/2009/xmlenc11#aes256-gcm" => Ok(Self::Gcm256),
            "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => Ok(Self::Cbc128),
            "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => Ok(Self::Cbc256),
            other => Err(not_allowed("encryption algorithm", other)),
        }
    }

    fn key_bytes(self) -> usize {
        match self {
            Self::Gcm128 | Self::Cbc128 => 16,
            Self::Gcm256 | Self::Cbc256 => 32,
        }
    }

    fn authenticates(self) -> bool {
        matches!(self, Self::Gcm128 | Self::Gcm256)
    }

    fn decrypt(self, key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = data.split_at_checked(if self.authenticates() { 12 } else { 16 })?;
        match self {
            Self::Gcm128 => Aes128Gcm::new_from_slice(key).ok()?.decrypt(nonce.try_into().ok()?, rest).ok(),
            Self::Gcm256 => Aes256Gcm::new_from_slice(key).ok()?.decrypt(nonce.try_into().ok()?, rest).ok(),
            Self::Cbc128 => unpadded(cbc::Decryptor::<aes::Aes128>::new_from_slices(key, nonce).ok()?, rest),
            Self::Cbc256 => unpadded(cbc::Decryptor::<aes::Aes256>::new_from_slices(key, nonce).ok()?, rest),
        }
    }
}

/// The last byte says how many bytes were filled up (XML Encryption 1.1, section 5.2.1).
fn unpadded(cipher: impl BlockModeDecrypt, data: &[u8]) -> Option<Vec<u8>> {
    let mut plain = data.to_vec();
    let length = cipher.decrypt_padded::<NoPadding>(&mut plain).ok()?.len();
    let padding = usize::from(*plain.get(length.checked_sub(1)?)?);
    plain.truncate(length.checked_sub(padding).filter(|_| (1..=16).contains(&padding))?);
    Some(plain)
}

/// Decrypts an element that holds an encrypted one, and answers that with the prefixes around it, to be parsed.
/// `is_signed`: what holds it was signed as it is.
pub(crate) fn decrypt(holder: Element<'_>, is_signed: bool, keys: &impl Keys) -> Result<String, Refusal> {
    let data = holder.expect((ENCRYPTION, "EncryptedData"))?;
    let method = Method::of(algorithm(data)?)?;
    if !method.authenticates() && !is_signed {
        return Err(refused(
            "AES-CBC does not tell whether a text was changed; it is read inside of a signed response only, else AES-GCM",
        ));
    }
    let ciphertext = value(data)?;
    let is_key = |element: &Element<'_>| element.is((ENCRYPTION, "EncryptedKey"));
    let mut wrapped = Vec::new();
    for element in holder.within().filter(is_key).take(MOST_KEYS) {
        wrapped.push((key_algorithm(element)?, value(element)?));
    }
    if wrapped.is_empty() {
        return Err(refused("there is no encrypted key beside what it encrypts"));
    }
    let opened = |(algorithm, bytes): &(&str, Vec<u8>)| {
        let key = keys.decrypt(algorithm, bytes).filter(|key| key.len() == method.key_bytes())?;
        String::from_utf8(method.decrypt(&key, &ciphertext)?).ok()
    };
    let plain = wrapped.iter().find_map(opened).ok_or_else(|| refused(FAILED))?;
    Ok(in_place(holder, &plain))
}

/// The refusal of a plaintext that is none.
pub(crate) fn failed<T>(_: T) -> Refusal {
    refused(FAILED)
}

fn algorithm(encrypted: Element<'_>) -> Result<&str, Refusal> {
    Ok(encrypted.expect((ENCRYPTION, "EncryptionMethod"))?.attribute("Algorithm").unwrap_or_default())
}

fn value(encrypted: Element<'_>) -> Result<Vec<u8>, Refusal> {
    let data = encrypted.expect((ENCRYPTION, "CipherData"))?;
    let text = data.expect((ENCRYPTION, "CipherValue"))?.text()?;
    base64(&text).ok_or_else(|| refused("a ciphertext is not base64"))
}

/// How a key was wrapped, by the name that JWA has for it: RSA-OAEP whose two hashes are the same.
fn key_algorithm(key: Element<'_>) -> Result<&'static str, Refusal> {
    let method = key.expect((ENCRYPTION, "EncryptionMethod"))?;
    let uri = algorithm(key)?;
    let parameter = |namespace: &'static str, name: &'static str| {
        let found = method.child((namespace, name))?;
        Ok(found.map(|found| found.attribute("Algorithm").unwrap_or_default()))
    };
    if method.child((ENCRYPTION, "OAEPparams"))?.is_some_and(|label| label.text().is_ok_and(|label| !label.is_empty()))
    {
        return Err(refused("an encrypted key has a label, which no provider uses"));
    }
    let digest = parameter(SIGNATURE, "DigestMethod")?.unwrap_or(SHA1);
    let mask = match uri {
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p" => "sha1",
        "http://www.w3.org/2009/xmlenc11#rsa-oaep" => {
            parameter(XMLENC11, "MGF")?.map_or("sha1", |mask| mask.rsplit_once("#mgf1").map_or("", |(_, hash)| hash))
        }
        other => return Err(not_allowed("encryption of the key", other)),
    };
    match (digest.rsplit_once('#').map_or("", |(_, hash)| hash), mask) {
        ("sha1", "sha1") => Ok("RSA-OAEP"),
        ("sha256", "sha256") => Ok("RSA-OAEP-256"),
        ("sha384", "sha384") => Ok("RSA-OAEP-384"),
        ("sha512", "sha512") => Ok("RSA-OAEP-512"),
        (hash, mask) => Err(Refusal::Refused(format!(
            "the key was encrypted with RSA-OAEP over `{}` and `{}`; both hashes must be the same",
            shown(hash),
            shown(mask)
        ))),
    }
}

/// Some software encrypts an element without the prefixes that are declared around it.
fn in_place(holder: Element<'_>, plain: &str) -> String {
    let mut text = String::from("<decrypted");
    for (prefix, uri) in holder.namespaces() {
        text.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
        text.push_str(prefix);
        text.push_str("=\"");
        text.push_str(&escaped(uri));
        text.push('"');
    }
    let plain = plain.trim_start();
    let plain = match plain.strip_prefix("<?xml ").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => rest,
        None => plain,
    };
    text.push('>');
    text.push_str(plain);
    text.push_str("</decrypted>");
    text
}
