//! Codes over a text with a secret that two sides know (HMAC; RFC 7518, section 3.2).

use crate::Refusal;
use alloc::{format, vec::Vec};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};

/// The algorithms, with the bytes below which a secret is too weak for one: as many as its hash has.
const ALGORITHMS: [(&str, usize); 3] = [("HS256", 32), ("HS384", 48), ("HS512", 64)];

/// The algorithm that an operator means; the first one if none is named.
pub(crate) fn algorithm(setting: &str, name: Option<&str>) -> Result<&'static str, Refusal> {
    let name = name.unwrap_or("HS256");
    let known = ALGORITHMS.iter().find(|(known, _)| *known == name);
    known.map(|(known, _)| *known).ok_or_else(|| {
        Refusal::Misconfigured(format!(
            "`{setting}` is `{}`; with a secret it is HS256, HS384 or HS512",
            crate::text::shown(name)
        ))
    })
}

/// The code of a message.
pub(crate) fn code(algorithm: &str, secret: &str, message: &[u8]) -> Result<Vec<u8>, Refusal> {
    let least = ALGORITHMS.iter().find(|(known, _)| *known == algorithm).map_or(usize::MAX, |(_, least)| *least);
    if secret.len() < least {
        return Err(Refusal::Misconfigured(format!(
            "`client-secret` is too short for {algorithm}, which needs {least} bytes (RFC 7518, section 3.2)"
        )));
    }
    let code = match algorithm {
        "HS512" => made::<Hmac<Sha512>>(secret, message),
        "HS384" => made::<Hmac<Sha384>>(secret, message),
        _ => made::<Hmac<Sha256>>(secret, message),
    };
    code.ok_or_else(|| Refusal::Misconfigured("`client-secret` cannot be used".into()))
}

fn made<M: Mac + KeyInit>(secret: &str, message: &[u8]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(message);
    Some(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    /// The first bytes, as numbers are written.
    fn begin(code: &[u8]) -> String {
        format!("{:016x}", u64::from_be_bytes(code[..8].try_into().unwrap()))
    }

    #[test]
    fn codes_are_those_of_other_software() {
        let message =
            b"This is a test using a larger than block-size key and a larger than block-size data. The key needs \
                        to be hashed before being used by the HMAC algorithm.";
        // A key and a message that are longer than a block, and what Python makes of them.
        let secret = "k".repeat(131);
        let expected = [("HS256", "084f467fdcf62fe7"), ("HS384", "cedf7e955391aa47"), ("HS512", "e51cd90cf123947d")];
        for (algorithm, begins) in expected {
            assert_eq!(begin(&code(algorithm, &secret, message).unwrap()), begins, "{algorithm}");
        }
    }

    #[test]
    fn a_short_secret_signs_nothing() {
        for (algorithm, least) in ALGORITHMS {
            assert!(code(algorithm, &"s".repeat(least), b"").is_ok());
            let refusal = code(algorithm, &"s".repeat(least - 1), b"").unwrap_err();
            assert!(matches!(&refusal, Refusal::Misconfigured(text) if text.contains("too short")), "{refusal}");
        }
    }

    #[test]
    fn other_algorithms_are_named() {
        assert_eq!(algorithm("x", None), Ok("HS256"));
        assert_eq!(algorithm("x", Some("HS512")), Ok("HS512"));
        for name in ["RS256", "none", "hs256", ""] {
            assert!(matches!(algorithm("x", Some(name)), Err(Refusal::Misconfigured(_))), "{name}");
        }
    }
}
