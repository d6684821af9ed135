//! The code of the driver without its sandbox: what reading an answer takes in this process.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use e2e::saml::key;
use gatewit_host::keys::{DecryptionKey, PublicKey};
use gatewit_saml_protocol::{Keys, metadata, ourselves::Ourselves, response};

use crate::process::thread_time;

/// Times that an answer is read, after a tenth of that which does not count.
const READS: u32 = 100;

/// The host's keys, called as any function.
struct Native(DecryptionKey);

impl Keys for Native {
    fn verifies(&self, key: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<bool, String> {
        let key = PublicKey::from_jwk(key, algorithm).map_err(|denied| denied.to_string())?;
        Ok(key.verify(message, signature))
    }

    fn algorithm(&self) -> Result<String, String> {
        Err("nothing is signed here".to_owned())
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, String> {
        Err("nothing is signed here".to_owned())
    }

    fn decrypt(&self, algorithm: &str, ciphertext: &[u8]) -> Option<Vec<u8>> {
        self.0.decrypt(algorithm, ciphertext).ok()
    }
}

/// The processor time of reading `sample`, an answer of the provider at `base` to the server at `url`, in words.
pub(super) fn read(base: &str, url: &str, sample: &str) -> anyhow::Result<String> {
    let pem: String =
        std::fs::read_to_string(key("sp.key.pem"))?.lines().filter(|line| !line.starts_with("--")).collect();
    let keys = Native(DecryptionKey::from_pkcs8(&BASE64.decode(pem)?).context("no key that decrypts")?);
    let certificate = std::fs::read_to_string(key("idp.crt"))?;
    let certificate: String = certificate.lines().filter(|line| !line.starts_with("--")).collect();
    let metadata = format!(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{base}/metadata\"><md:IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor><ds:KeyInfo \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"{base}/sso\"/></md:IDPSSODescriptor>\
         </md:EntityDescriptor>"
    );
    let told = |refusal: gatewit_saml_protocol::Refusal| anyhow::anyhow!("{refusal}");
    let provider = metadata::read(&metadata, None).map_err(told)?;
    let ourselves = Ourselves::new(&format!("{url}/auth/login/corp/acs"), None).map_err(told)?;
    let message = String::from_utf8(BASE64.decode(sample)?)?;
    let request = message.split_once("InResponseTo=\"").and_then(|(_, rest)| rest.split_once('"'));
    let request = request.context("an answer to nothing")?.0;
    let expected = response::Expected {
        provider: &provider,
        ourselves: &ourselves,
        request: Some(request),
        now: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        skew: 60,
    };
    let once = || response::read(sample, &expected, &keys).map_err(told);
    for _ in 0..READS / 10 {
        once()?;
    }
    let before = thread_time()?;
    for _ in 0..READS {
        let read = once()?;
        ensure!(!read.attributes.is_empty(), "nothing was read");
    }
    let each: Duration = thread_time()?.saturating_sub(before) / READS;
    Ok(format!("{:.2} ms", each.as_secs_f64() * 1e3))
}
