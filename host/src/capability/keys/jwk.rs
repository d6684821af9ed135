//! JSON Web Keys (RFC 7517), as far as keys for signatures need them. Pure: text in, numbers out.
//!
//! Deliberately absent: cryptography, and every member that says nothing about the key itself (`x5c`, `x5u`, …).

use super::Denied;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

/// Bits of an RSA modulus: below it is too weak (RFC 7518, section 3.3), above it verifying takes longer than it is worth.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Bytes of an RSA exponent. 65537 takes three; what needs more than these is made to take time.
const EXPONENT_BYTES_MAX: usize = 4;

/// The members that a public key is made of. A member that is there twice is refused by the parser.
#[derive(Deserialize)]
pub(super) struct Jwk {
    pub(super) kty: String,
    pub(super) crv: Option<String>,
    pub(super) alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    pub(super) kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
}

impl Jwk {
    pub(super) fn parse(text: &str) -> Result<Self, Denied> {
        serde_json::from_str(text).map_err(|_| Denied::Malformed)
    }

    /// Refuses a key that says of itself that it is not for this (RFC 7517, sections 4.2 to 4.4).
    pub(super) fn check_purpose(&self, algorithm: &str, operation: &str) -> Result<(), Denied> {
        let fits = self.alg.as_deref().is_none_or(|own| own == algorithm || is_edwards(own) && is_edwards(algorithm))
            && self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|own| own == operation));
        if fits { Ok(()) } else { Err(Denied::Purpose) }
    }

    /// Refuses a key of another type or curve.
    pub(super) fn check_type(&self, kty: &str, curve: Option<&str>) -> Result<(), Denied> {
        if self.kty == kty && (curve.is_none() || self.crv.as_deref() == curve) { Ok(()) } else { Err(Denied::Type) }
    }

    /// Modulus and exponent, without zeros in front.
    pub(super) fn rsa(&self) -> Result<(Vec<u8>, Vec<u8>), Denied> {
        let (modulus, exponent) = (number(self.n.as_deref())?, number(self.e.as_deref())?);
        if !MODULUS_BITS.contains(&bits(&modulus)) {
            return Err(Denied::Strength);
        }
        let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        let is_one = exponent == [1];
        if !is_odd(&modulus) || !is_odd(&exponent) || is_one || exponent.len() > EXPONENT_BYTES_MAX {
            return Err(Denied::Strength);
        }
        Ok((modulus, exponent))
    }

    /// The point as ring reads it (SEC 1, section 2.3.3): uncompressed. Coordinates have their full length (RFC 7518, section
    /// 6.2.1.2).
    pub(super) fn point(&self, coordinate_bytes: usize) -> Result<Vec<u8>, Denied> {
        let (x, y) = (bytes(self.x.as_deref())?, bytes(self.y.as_deref())?);
        if x.len() != coordinate_bytes || y.len() != coordinate_bytes {
            return Err(Denied::Malformed);
        }
        Ok([&[4], x.as_slice(), y.as_slice()].concat())
    }

    /// The public key of Edwards' curves (RFC 8037).
    pub(super) fn edwards(&self, length: usize) -> Result<Vec<u8>, Denied> {
        bytes(self.x.as_deref()).and_then(|x| if x.len() == length { Ok(x) } else { Err(Denied::Malformed) })
    }

    pub(super) fn symmetric(&self) -> Result<Vec<u8>, Denied> {
        bytes(self.k.as_deref())
    }
}

/// The two names of the same algorithm (RFC 8037; RFC 9864).
fn is_edwards(algorithm: &str) -> bool {
    matches!(algorithm, "EdDSA" | "Ed25519")
}

/// A member in base64url.
pub(super) fn bytes(member: Option<&str>) -> Result<Vec<u8>, Denied> {
    URL_SAFE_NO_PAD.decode(member.ok_or(Denied::Malformed)?).map_err(|_| Denied::Malformed)
}

/// A member that is a number. Some write a zero in front, against RFC 7518, section 2; it changes nothing.
pub(super) fn number(member: Option<&str>) -> Result<Vec<u8>, Denied> {
    let number = bytes(member)?;
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let significant = number.get(zeros..).filter(|number| !number.is_empty());
    significant.map(<[u8]>::to_vec).ok_or(Denied::Malformed)
}

fn bits(number: &[u8]) -> usize {
    let zeros = number.first().map_or(0, |byte| byte.leading_zeros());
    (number.len() * 8).saturating_sub(usize::try_from(zeros).unwrap_or_default())
}
