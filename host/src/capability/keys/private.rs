//! Private keys of a provider, with which its driver signs and which it never sees.
//!
//! *ring* signs in constant time. Deliberately absent: making keys, and symmetric ones (a secret that both sides know is a
//! text setting).

use super::{Backend, DecryptionKey, Denied, Error, Key, OwnKey, jwk, pem};
use ring::{
    rand::SystemRandom,
    rsa::{KeyPairComponents, PublicKeyComponents},
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair, UnparsedPublicKey},
};
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value as Json;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Keys that are looked at in one setting. A set for rotation holds two or three.
const KEYS_MAX: usize = 16;

/// Bytes of a message. The assertions that drivers sign take one or two thousand.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

struct PrivateKey {
    algorithm: &'static str,
    id: Option<String>,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding, &'static signature::RsaParameters),
    Ecdsa(EcdsaKeyPair, &'static signature::EcdsaVerificationAlgorithm),
    Edwards(Ed25519KeyPair),
}

/// The first key of a setting that can be used: an array of JWKs, a JWK set, or one JWK. What is refused tells why, for the
/// last of them.
pub(crate) fn first(setting: &Json) -> Result<OwnKey, Denied> {
    let set = setting.get("keys").unwrap_or(setting);
    let keys = match set {
        Json::Array(keys) => keys.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut refused = Denied::Malformed;
    for key in keys.iter().take(KEYS_MAX) {
        match PrivateKey::from_jwk(key) {
            Ok(key) => return Ok(OwnKey { signs: Arc::new(key), decrypts: None }),
            Err(denied) => refused = denied,
        }
    }
    Err(refused)
}

/// A key in PEM, with a pass phrase if it is encrypted. An RSA key signs with PKCS #1 v1.5 and SHA-256, and decrypts.
pub(crate) fn of_pem(text: &str, pass_phrase: Option<&str>) -> Result<OwnKey, Denied> {
    let key = pem::open(text, pass_phrase)?;
    let (algorithm, pair, decrypts) = match &key {
        PrivateKeyDer::Pkcs1(key) => {
            let document = key.secret_pkcs1_der();
            let pair = RsaKeyPair::from_der(document).map_err(|_| Denied::Strength)?;
            ("RS256", rsa_sha256(pair), DecryptionKey::from_pkcs1(document))
        }
        PrivateKeyDer::Pkcs8(key) => {
            let document = key.secret_pkcs8_der();
            let (algorithm, pair) = of_pkcs8(document)?;
            (algorithm, pair, DecryptionKey::from_pkcs8(document))
        }
        _ => return Err(Denied::Type),
    };
    let signs: Key = Arc::new(PrivateKey { algorithm, id: None, pair });
    Ok(OwnKey { signs, decrypts })
}

fn of_pkcs8(document: &[u8]) -> Result<(&'static str, Pair), Denied> {
    if let Ok(pair) = RsaKeyPair::from_pkcs8(document) {
        return Ok(("RS256", rsa_sha256(pair)));
    }
    let random = SystemRandom::new();
    let ecdsa = |signing| EcdsaKeyPair::from_pkcs8(signing, document, &random).ok();
    if let Some(pair) = ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING) {
        return Ok(("ES256", Pair::Ecdsa(pair, &signature::ECDSA_P256_SHA256_FIXED)));
    }
    if let Some(pair) = ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING) {
        return Ok(("ES384", Pair::Ecdsa(pair, &signature::ECDSA_P384_SHA384_FIXED)));
    }
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document).map_err(|_| Denied::Type)?;
    Ok(("EdDSA", Pair::Edwards(pair)))
}

fn rsa_sha256(pair: RsaKeyPair) -> Pair {
    Pair::Rsa(pair, &signature::RSA_PKCS1_SHA256, &signature::RSA_PKCS1_2048_8192_SHA256)
}

impl PrivateKey {
    fn from_jwk(jwk: &Json) -> Result<Self, Denied> {
        let public = jwk::Jwk::parse(&Zeroizing::new(jwk.to_string()))?;
        let algorithm = match (public.alg.as_deref(), public.kty.as_str(), public.crv.as_deref()) {
            (Some(algorithm), ..) => algorithm,
            (None, "RSA", _) => "RS256",
            (None, "EC", Some("P-256")) => "ES256",
            (None, "EC", Some("P-384")) => "ES384",
            (None, "OKP", Some("Ed25519")) => "EdDSA",
            _ => return Err(Denied::Type),
        };
        public.check_purpose(algorithm, "sign")?;
        let (algorithm, pair) = pair(algorithm, &public, jwk)?;
        Ok(Self { algorithm, id: public.kid, pair })
    }
}

fn pair(algorithm: &str, public: &jwk::Jwk, private: &Json) -> Result<(&'static str, Pair), Denied> {
    let rsa = |encoding, parameters| {
        public.check_type("RSA", None)?;
        Ok(Pair::Rsa(rsa_pair(public, private)?, encoding, parameters))
    };
    let ecdsa = |curve, bytes, signing, verifying| {
        public.check_type("EC", Some(curve))?;
        let (number, point) = (jwk::bytes(member(private, "d"))?, public.point(bytes)?);
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            signing,
            &Zeroizing::new(number),
            &point,
            &SystemRandom::new(),
        );
        Ok(Pair::Ecdsa(pair.map_err(|_| Denied::Point)?, verifying))
    };
    Ok(match algorithm {
        "RS256" => ("RS256", rsa(&signature::RSA_PKCS1_SHA256, &signature::RSA_PKCS1_2048_8192_SHA256)?),
        "RS384" => ("RS384", rsa(&signature::RSA_PKCS1_SHA384, &signature::RSA_PKCS1_2048_8192_SHA384)?),
        "RS512" => ("RS512", rsa(&signature::RSA_PKCS1_SHA512, &signature::RSA_PKCS1_2048_8192_SHA512)?),
        "PS256" => ("PS256", rsa(&signature::RSA_PSS_SHA256, &signature::RSA_PSS_2048_8192_SHA256)?),
        "PS384" => ("PS384", rsa(&signature::RSA_PSS_SHA384, &signature::RSA_PSS_2048_8192_SHA384)?),
        "PS512" => ("PS512", rsa(&signature::RSA_PSS_SHA512, &signature::RSA_PSS_2048_8192_SHA512)?),
        "ES256" => {
            let signing = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
            ("ES256", ecdsa("P-256", 32, signing, &signature::ECDSA_P256_SHA256_FIXED)?)
        }
        "ES384" => {
            let signing = &signature::ECDSA_P384_SHA384_FIXED_SIGNING;
            ("ES384", ecdsa("P-384", 48, signing, &signature::ECDSA_P384_SHA384_FIXED)?)
        }
        "EdDSA" | "Ed25519" => {
            public.check_type("OKP", Some("Ed25519"))?;
            let (seed, key) = (Zeroizing::new(jwk::bytes(member(private, "d"))?), public.edwards(32)?);
            let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &key).map_err(|_| Denied::Point)?;
            (if algorithm == "EdDSA" { "EdDSA" } else { "Ed25519" }, Pair::Edwards(pair))
        }
        _ => return Err(Denied::Algorithm),
    })
}

/// All members are needed: *ring* does not factor (RFC 7518, section 6.3.2 lets a key leave them out).
fn rsa_pair(public: &jwk::Jwk, private: &Json) -> Result<RsaKeyPair, Denied> {
    let (modulus, exponent) = public.rsa()?;
    let numbers = ["d", "p", "q", "dp", "dq", "qi"].map(|name| jwk::number(member(private, name)).map(Zeroizing::new));
    let [Ok(d), Ok(p), Ok(q), Ok(dp), Ok(dq), Ok(qi)] = &numbers else { return Err(Denied::Malformed) };
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n: modulus.as_slice(), e: exponent.as_slice() },
        d: d.as_slice(),
        p: p.as_slice(),
        q: q.as_slice(),
        dP: dp.as_slice(),
        dQ: dq.as_slice(),
        qInv: qi.as_slice(),
    };
    RsaKeyPair::from_components(&components).map_err(|_| Denied::Strength)
}

/// A member that only a private key has.
fn member<'a>(jwk: &'a Json, name: &str) -> Option<&'a str> {
    jwk.get(name)?.as_str()
}

impl Backend for PrivateKey {
    fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(Denied::Size.into());
        }
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair, encoding, _) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).map_err(|_| Error::Failed)?;
                Ok(signature)
            }
            Pair::Ecdsa(pair, _) => {
                pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()).map_err(|_| Error::Failed)
            }
            Pair::Edwards(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<bool, Error> {
        let verified = match &self.pair {
            Pair::Rsa(pair, _, parameters) => {
                UnparsedPublicKey::new(*parameters, pair.public()).verify(message, signature)
            }
            Pair::Ecdsa(pair, algorithm) => {
                UnparsedPublicKey::new(*algorithm, pair.public_key()).verify(message, signature)
            }
            Pair::Edwards(pair) => {
                UnparsedPublicKey::new(&signature::ED25519, pair.public_key()).verify(message, signature)
            }
        };
        Ok(message.len() <= MESSAGE_BYTES_MAX && verified.is_ok())
    }
}
