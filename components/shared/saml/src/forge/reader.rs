//! Whoever reads what the provider for tests makes: its keys and what it expects, without a host.

use super::{ACS, IDP, NOW, REQUEST, Signer, fixture};
use crate::{
    Keys, key,
    metadata::{Binding, Endpoint, Provider},
    ourselves::Ourselves,
    response::Expected,
    text::base64,
};
use alloc::{format, string::String, vec, vec::Vec};
use ring::signature::{self, UnparsedPublicKey};
use serde_json::Value;

/// The keys of whoever reads: signatures by *ring*; of what is encrypted, the two keys that are known to be in there.
pub(crate) struct Reader;

impl Keys for Reader {
    fn verifies(&self, key: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<bool, String> {
        let key: Value = serde_json::from_str(key).unwrap();
        let bytes = |name: &str| {
            let text = key[name].as_str().unwrap().replace('-', "+").replace('_', "/");
            let padding = "=".repeat((4 - text.len() % 4) % 4);
            base64(&[text, padding].concat()).unwrap()
        };
        let curve = match algorithm {
            "ES256" => Some(&signature::ECDSA_P256_SHA256_FIXED),
            "ES384" => Some(&signature::ECDSA_P384_SHA384_FIXED),
            _ => None,
        };
        if let Some(curve) = curve {
            let point = [&[4][..], &bytes("x"), &bytes("y")].concat();
            return Ok(UnparsedPublicKey::new(curve, point).verify(message, signature).is_ok());
        }
        let parameters = match algorithm {
            "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
            "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
            "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
            "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
            "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
            "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
            other => return Err(format!("{other} is not tested")),
        };
        let key = signature::RsaPublicKeyComponents { n: bytes("n"), e: bytes("e") };
        Ok(key.verify(parameters, message, signature).is_ok())
    }

    fn algorithm(&self) -> Result<String, String> {
        Ok("RS256".into())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        Ok(Signer::Idp.sign(super::RSA_SHA256, message))
    }

    fn decrypt(&self, algorithm: &str, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let known = [
            ("RSA-OAEP", fixture!("wrapped-128.txt"), vec![7; 16]),
            ("RSA-OAEP", fixture!("wrapped-256.txt"), vec![9; 32]),
            ("RSA-OAEP-256", fixture!("wrapped-256-sha256.txt"), vec![9; 32]),
        ];
        let found =
            known.into_iter().find(|(of, text, _)| *of == algorithm && base64(text).as_deref() == Some(ciphertext));
        found.map(|(_, _, key)| key)
    }
}

pub(crate) fn provider() -> Provider {
    let endpoint =
        |location: &str| Endpoint { binding: Binding::Redirect, location: location.into(), response_location: None };
    Provider {
        entity_id: IDP.into(),
        sign_on: vec![endpoint("https://idp.example.com/sso")],
        logout: vec![endpoint("https://idp.example.com/slo")],
        keys: [Signer::Idp, Signer::P256, Signer::P384]
            .map(|signer| key::of_certificate(signer.certificate()).unwrap())
            .to_vec(),
        wants_signed_requests: false,
        valid_until: None,
    }
}

pub(crate) fn ourselves() -> Ourselves {
    Ourselves::new(ACS, None).unwrap()
}

pub(crate) fn expected<'a>(provider: &'a Provider, ourselves: &'a Ourselves) -> Expected<'a> {
    Expected { provider, ourselves, request: Some(REQUEST), now: NOW, skew: 60 }
}
