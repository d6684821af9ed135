//! Private keys in PEM (RFC 7468), with a pass phrase or without one.
//!
//! What is encrypted is PKCS #8 with PBES2 (RFC 8018): AES under PBKDF2 with SHA-2, or under scrypt, as OpenSSL has written it
//! since 1.1. Invariant: a pass phrase is used here and goes nowhere. Deliberately absent: the older ways, in which a pass
//! phrase is hashed with MD5 or SHA-1; the text of the refusal tells how to get rid of them.

use super::Denied;
use pkcs8::{
    EncryptedPrivateKeyInfo, SecretDocument,
    pkcs5::{EncryptionScheme, pbes2::Kdf},
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};

/// What stands in front of a key with a pass phrase (RFC 7468, section 11) …
const SEALED: &str = "ENCRYPTED PRIVATE KEY";

/// … and in one that was encrypted the older way (RFC 1421, section 4.6.1.1).
const OLD: &str = "Proc-Type: 4,ENCRYPTED";

/// Rounds of PBKDF2: a second's work. OpenSSL makes 2048, and who asks for many asks for half a million.
const ROUNDS_MAX: u32 = 2_000_000;

/// Bytes that scrypt works in. OpenSSL asks for 16 MiB.
const SCRYPT_BYTES_MAX: u64 = 64 << 20;

/// Opens a key.
pub(super) fn open(text: &str, pass_phrase: Option<&str>) -> Result<PrivateKeyDer<'static>, Denied> {
    if text.contains(OLD) {
        return Err(Denied::OldEncryption);
    }
    if !text.contains(&format!("-----BEGIN {SEALED}-----")) {
        return PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| Denied::Malformed);
    }
    let pass_phrase = pass_phrase.filter(|pass| !pass.is_empty()).ok_or(Denied::NoPassPhrase)?;
    let (label, document) = SecretDocument::from_pem(text.trim()).map_err(|_| Denied::Malformed)?;
    if label != SEALED {
        return Err(Denied::Malformed);
    }
    let sealed = EncryptedPrivateKeyInfo::try_from(document.as_bytes()).map_err(|_| Denied::PassPhrase)?;
    check_work(&sealed.encryption_algorithm)?;
    let opened = sealed.decrypt(pass_phrase).map_err(|_| Denied::PassPhrase)?;
    Ok(PrivatePkcs8KeyDer::from(opened.as_bytes().to_vec()).into())
}

/// Refuses a key that is made to take long.
fn check_work(scheme: &EncryptionScheme<'_>) -> Result<(), Denied> {
    let is_bearable = match scheme.pbes2().map(|parameters| &parameters.kdf) {
        Some(Kdf::Pbkdf2(parameters)) => parameters.iteration_count <= ROUNDS_MAX,
        Some(Kdf::Scrypt(parameters)) => {
            let block = 128 * u64::from(parameters.block_size);
            parameters.cost_parameter.checked_mul(block).is_some_and(|bytes| bytes <= SCRYPT_BYTES_MAX)
                && parameters.parallelization == 1
        }
        _ => return Err(Denied::PassPhrase),
    };
    if is_bearable { Ok(()) } else { Err(Denied::Strength) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::keys::private;

    const PASS: &str = "the pass phrase of the tests";
    const RSA: &str = include_str!("../../../../tests/fixtures/saml/keys/sp.key.pem");
    const SEALED_RSA: &str = include_str!("../../../../tests/fixtures/saml/keys/sp.key.sealed.pem");
    const BY_SCRYPT: &str = include_str!("sealed/scrypt.pem");
    const BY_THREE_MILLION_ROUNDS: &str = include_str!("sealed/rounds.pem");
    const BY_DES: &str = include_str!("sealed/des.pem");

    fn refused(text: &str, pass: Option<&str>) -> Denied {
        private::of_pem(text, pass).err().unwrap()
    }

    #[test]
    fn a_pass_phrase_opens_the_same_key() {
        let message = b"message";
        let plain = private::of_pem(RSA, None).unwrap();
        let opened = private::of_pem(SEALED_RSA, Some(PASS)).unwrap();
        assert_eq!(opened.signs.sign(message).unwrap(), plain.signs.sign(message).unwrap());
        assert!(opened.decrypts.is_some());
        // A pass phrase for what needs none is no error: people change the one before the other.
        assert!(private::of_pem(RSA, Some(PASS)).is_ok());
        assert_eq!(private::of_pem(BY_SCRYPT, Some(PASS)).unwrap().signs.algorithm(), "ES256");
        assert!(private::of_pem(&format!("Bag Attributes\n{BY_SCRYPT}"), Some(PASS)).is_ok());
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        assert_eq!(refused(SEALED_RSA, None), Denied::NoPassPhrase);
        assert_eq!(refused(SEALED_RSA, Some("")), Denied::NoPassPhrase);
        assert_eq!(refused(SEALED_RSA, Some("another")), Denied::PassPhrase);
        assert_eq!(refused(BY_DES, Some(PASS)), Denied::PassPhrase);
        assert_eq!(refused(BY_THREE_MILLION_ROUNDS, Some(PASS)), Denied::Strength);
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----";
        assert_eq!(refused(old, Some(PASS)), Denied::OldEncryption);
        assert_eq!(refused("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n", Some(PASS)), Denied::Malformed);
    }

    /// AES-CBC does not tell whether a text was changed, so a key may come out of it that signs nothing. What must not happen
    /// is that reading it takes for ever.
    #[test]
    fn a_changed_key_takes_no_longer() {
        let lines: Vec<&str> = SEALED_RSA.lines().collect();
        for place in 1..lines.len() - 1 {
            let mut changed: Vec<String> = lines.iter().map(ToString::to_string).collect();
            changed[place] = changed[place].chars().rev().collect();
            let started = std::time::Instant::now();
            let opened = private::of_pem(&changed.join("\n"), Some(PASS));
            assert!(opened.is_err() || place > 3, "line {place} says how it is encrypted");
            assert!(started.elapsed() < std::time::Duration::from_secs(20), "line {place}");
        }
    }
}
