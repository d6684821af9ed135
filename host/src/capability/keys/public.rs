//! Public keys of others, which verify signatures of one algorithm each.
//!
//! Everything that may be said against a key is said when it is read, so that a key that was taken can only find a
//! signature right or wrong. The arithmetic is *ring*'s: the same as for TLS, with moduli of up to 8192 bits, signatures of
//! fixed length, and nothing that panics. Deliberately absent: `none`, P-521 and secp256k1, which *ring* does not have, and
//! every choice between algorithms: who verifies says which one is meant, never the token.

use super::{Backend, Denied, Error, jwk::Jwk};
use ring::{
    agreement, hmac, rand,
    signature::{self, EcdsaVerificationAlgorithm, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey},
};

/// Bytes of a JWK. One of 8192 bits with a chain of certificates takes less.
const JWK_BYTES_MAX: usize = 16 << 10;

/// Bytes of a message. A token with the claims of a whole directory fits; hashing it takes a millisecond.
const MESSAGE_BYTES_MAX: usize = 256 << 10;

/// Bytes of a signature: an RSA modulus of 8192 bits.
const SIGNATURE_BYTES_MAX: usize = 1024;

/// Bytes of a public key on Ed25519 (RFC 8032, section 5.1.5).
const EDWARDS_BYTES: usize = 32;

/// A key of somebody else, and the one algorithm that it is used with.
pub struct PublicKey {
    algorithm: &'static str,
    id: Option<String>,
    material: Material,
}

enum Material {
    Rsa { parameters: &'static RsaParameters, modulus: Vec<u8>, exponent: Vec<u8> },
    Ecdsa { algorithm: &'static EcdsaVerificationAlgorithm, point: Vec<u8> },
    Edwards(Vec<u8>),
    Hmac(hmac::Key),
}

/// What an algorithm asks of a key.
enum Kind {
    Rsa(&'static RsaParameters),
    Ecdsa(Curve),
    Edwards,
    /// With the bytes of its hash, below which a key is too weak (RFC 7518, section 3.2).
    Hmac(hmac::Algorithm, usize),
}

struct Curve {
    name: &'static str,
    coordinate_bytes: usize,
    verification: &'static EcdsaVerificationAlgorithm,
    agreement: &'static agreement::Algorithm,
}

/// The algorithms that are known, by their names in RFC 7518, RFC 8037 and RFC 9864.
fn kind(algorithm: &str) -> Option<(&'static str, Kind)> {
    const P256: Curve = Curve {
        name: "P-256",
        coordinate_bytes: 32,
        verification: &signature::ECDSA_P256_SHA256_FIXED,
        agreement: &agreement::ECDH_P256,
    };
    const P384: Curve = Curve {
        name: "P-384",
        coordinate_bytes: 48,
        verification: &signature::ECDSA_P384_SHA384_FIXED,
        agreement: &agreement::ECDH_P384,
    };
    Some(match algorithm {
        "RS256" => ("RS256", Kind::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256)),
        "RS384" => ("RS384", Kind::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384)),
        "RS512" => ("RS512", Kind::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512)),
        "PS256" => ("PS256", Kind::Rsa(&signature::RSA_PSS_2048_8192_SHA256)),
        "PS384" => ("PS384", Kind::Rsa(&signature::RSA_PSS_2048_8192_SHA384)),
        "PS512" => ("PS512", Kind::Rsa(&signature::RSA_PSS_2048_8192_SHA512)),
        "ES256" => ("ES256", Kind::Ecdsa(P256)),
        "ES384" => ("ES384", Kind::Ecdsa(P384)),
        "EdDSA" => ("EdDSA", Kind::Edwards),
        "Ed25519" => ("Ed25519", Kind::Edwards),
        "HS256" => ("HS256", Kind::Hmac(hmac::HMAC_SHA256, 32)),
        "HS384" => ("HS384", Kind::Hmac(hmac::HMAC_SHA384, 48)),
        "HS512" => ("HS512", Kind::Hmac(hmac::HMAC_SHA512, 64)),
        _ => return None,
    })
}

impl PublicKey {
    /// Reads a JWK (RFC 7517) for use with one algorithm (RFC 7518). Private members are not looked at.
    ///
    /// # Errors
    /// The key is not for this algorithm, too weak, too large, or no key at all.
    pub fn from_jwk(jwk: &str, algorithm: &str) -> Result<Self, Denied> {
        if jwk.len() > JWK_BYTES_MAX {
            return Err(Denied::Size);
        }
        let jwk = Jwk::parse(jwk)?;
        let (algorithm, kind) = kind(algorithm).ok_or(Denied::Algorithm)?;
        jwk.check_purpose(algorithm, "verify")?;
        let material = match kind {
            Kind::Rsa(parameters) => {
                jwk.check_type("RSA", None)?;
                let (modulus, exponent) = jwk.rsa()?;
                Material::Rsa { parameters, modulus, exponent }
            }
            Kind::Ecdsa(curve) => {
                jwk.check_type("EC", Some(curve.name))?;
                let point = jwk.point(curve.coordinate_bytes)?;
                check_on_curve(curve.agreement, &point)?;
                Material::Ecdsa { algorithm: curve.verification, point }
            }
            Kind::Edwards => {
                jwk.check_type("OKP", Some("Ed25519"))?;
                Material::Edwards(jwk.edwards(EDWARDS_BYTES)?)
            }
            Kind::Hmac(algorithm, bytes_min) => {
                jwk.check_type("oct", None)?;
                let key = zeroize::Zeroizing::new(jwk.symmetric()?);
                if key.len() < bytes_min {
                    return Err(Denied::Strength);
                }
                Material::Hmac(hmac::Key::new(algorithm, &key))
            }
        };
        Ok(Self { algorithm, id: jwk.kid, material })
    }

    /// Whether the signature belongs to the message. Anything that is too long to be looked at does not.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        if message.len() > MESSAGE_BYTES_MAX || signature.len() > SIGNATURE_BYTES_MAX {
            return false;
        }
        let verified = match &self.material {
            Material::Rsa { parameters, modulus, exponent } => {
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(parameters, message, signature)
            }
            Material::Ecdsa { algorithm, point } => {
                UnparsedPublicKey::new(*algorithm, point).verify(message, signature)
            }
            Material::Edwards(key) => UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signature),
            Material::Hmac(key) => hmac::verify(key, message, signature),
        };
        verified.is_ok()
    }

    /// The name of the algorithm.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// The name of the key (`kid`), if it has one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// *ring* looks at a point only when it is used. Agreeing on a secret uses it, and does not need a signature.
fn check_on_curve(algorithm: &'static agreement::Algorithm, point: &[u8]) -> Result<(), Denied> {
    let ours = agreement::EphemeralPrivateKey::generate(algorithm, &rand::SystemRandom::new());
    let agreed = ours.and_then(|ours| {
        agreement::agree_ephemeral(ours, &agreement::UnparsedPublicKey::new(algorithm, point), |_| ())
    });
    agreed.map_err(|_| Denied::Point)
}

impl Backend for PublicKey {
    fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Err(Denied::Foreign.into())
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<bool, Error> {
        Ok(PublicKey::verify(self, message, signature))
    }
}
