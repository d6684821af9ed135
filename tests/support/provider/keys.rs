//! The provider's keys, and tokens that it signs with them or with something else.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair, UnparsedPublicKey};
use ring::{hmac, rsa};
use serde_json::{Value, json};

/// A private key of `fixtures/keys`.
#[derive(Clone)]
pub struct SigningKey {
    /// Its name, `kid`.
    pub id: String,
    pair: Arc<Pair>,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Edwards(Ed25519KeyPair),
}

fn file(name: &str) -> PathBuf {
    crate::fixture::folder().join("keys").join(name).with_extension("der")
}

impl SigningKey {
    /// The key in the file of this name, which begins with what it is.
    pub fn load(name: &str) -> anyhow::Result<Self> {
        let file = file(name);
        let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
        let pair = match name.split('-').next() {
            Some("rsa") => RsaKeyPair::from_pkcs8(&bytes).map(Pair::Rsa),
            Some("p256") => {
                let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
                EcdsaKeyPair::from_pkcs8(algorithm, &bytes, &SystemRandom::new()).map(Pair::P256)
            }
            _ => Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes).map(Pair::Edwards),
        };
        let pair = pair.map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
        Ok(Self { id: name.to_owned(), pair: Arc::new(pair) })
    }

    /// Its public half.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &*self.pair {
            Pair::Rsa(pair) => {
                let rsa::PublicKeyComponents { n, e } = rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": text(&n), "e": text(&e)})
            }
            Pair::P256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)})
            }
            Pair::Edwards(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())}),
        };
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk
    }

    /// A set of one private key on P-256, for who signs with it.
    pub fn private_jwks(name: &str) -> anyhow::Result<String> {
        let key = Self::load(name)?;
        // In PKCS #8 as OpenSSL writes it, the private value begins at byte 36.
        let bytes = std::fs::read(file(name))?;
        let private = bytes.get(36..68).context("no private value")?;
        let mut jwk = key.jwk();
        jwk["d"] = json!(URL_SAFE_NO_PAD.encode(private));
        jwk["alg"] = json!("ES256");
        Ok(json!([jwk]).to_string())
    }

    /// The claims of a token that this key on P-256 signed.
    pub fn open(&self, token: &str) -> anyhow::Result<Value> {
        let Pair::P256(pair) = &*self.pair else { anyhow::bail!("not on P-256") };
        let (message, signature) = token.rsplit_once('.').context("no signature")?;
        let key = UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
        let signature = URL_SAFE_NO_PAD.decode(signature)?;
        key.verify(message.as_bytes(), &signature).map_err(|_| anyhow::anyhow!("another key signed"))?;
        let claims = message.split_once('.').context("no claims")?.1;
        Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?)
    }

    /// Signs, whatever the algorithm of a header says, with what the key is for; RSA knows several.
    #[must_use]
    pub fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &*self.pair {
            Pair::Edwards(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::P256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let padding: &'static dyn signature::RsaEncoding = match algorithm {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// What a token bears in place of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// The signature of its key.
    Good,
    /// The same with a bit turned.
    Broken,
    /// Nothing.
    None,
    /// A message authentication code by HMAC-SHA-256 with this secret.
    Secret(Vec<u8>),
    /// These bytes.
    Bytes(Vec<u8>),
}

/// A token before it is signed.
#[derive(Clone)]
pub struct Token {
    /// The header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
    /// The key that signs.
    pub key: SigningKey,
    /// How it signs.
    pub seal: Seal,
    /// The header as it is written, in place of `header`.
    pub header_text: Option<String>,
    /// The claims as they are written, in place of `claims`.
    pub claims_text: Option<String>,
}

impl Token {
    /// A token that is right.
    #[must_use]
    pub fn new(header: Value, claims: Value, key: SigningKey) -> Self {
        Self { header, claims, key, seal: Seal::Good, header_text: None, claims_text: None }
    }

    /// The token, signed.
    #[must_use]
    pub fn compact(&self) -> String {
        let algorithm = self.header["alg"].as_str().unwrap_or_default();
        let part = |text: &Option<String>, value: &Value| {
            URL_SAFE_NO_PAD.encode(text.clone().unwrap_or_else(|| value.to_string()))
        };
        let (header, claims) = (part(&self.header_text, &self.header), part(&self.claims_text, &self.claims));
        let message = format!("{header}.{claims}");
        let signature = match &self.seal {
            Seal::Good => self.key.sign(algorithm, message.as_bytes()),
            Seal::Broken => {
                let mut signature = self.key.sign(algorithm, message.as_bytes());
                signature[8] ^= 1;
                signature
            }
            Seal::None => Vec::new(),
            Seal::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
            Seal::Bytes(bytes) => bytes.clone(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Removes a claim.
    pub fn without(&mut self, claim: &str) {
        self.claims.as_object_mut().unwrap().remove(claim);
    }
}
