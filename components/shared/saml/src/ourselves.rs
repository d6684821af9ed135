//! What we are to a provider: our name, our addresses, and what we ask for.

use crate::{
    Refusal, key,
    metadata::is_true,
    names::{METADATA, POST, PROTOCOL, REDIRECT, SIGNATURE},
    text::escaped,
    xml::Tree,
};
use alloc::{
    format,
    string::{String, ToString},
};

/// Ourselves.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ourselves {
    /// Our name.
    pub entity_id: String,
    /// Where answers come to.
    pub acs: String,
    /// Where messages about signing out come to.
    pub logout: String,
    /// What kind of name we ask for.
    pub name_id_format: Option<String>,
    /// Whether we sign requests.
    pub signs_requests: bool,
    /// Whether assertions must be signed themselves.
    pub wants_assertions_signed: bool,
    /// Whether responses must be signed.
    pub wants_responses_signed: bool,
    /// Whether assertions must be encrypted.
    pub wants_encryption: bool,
}

/// Certificates for our metadata.
#[derive(Debug, Clone, Copy, Default)]
pub struct Certificates<'a> {
    /// Of the key that signs.
    pub signing: Option<&'a str>,
    /// Of the key that decrypts.
    pub encryption: Option<&'a str>,
}

impl Ourselves {
    /// By our address for answers, and the operator's metadata of us, if there is any.
    pub fn new(acs: &str, metadata: Option<&str>) -> Result<Self, Refusal> {
        let base = acs.strip_suffix("/acs").unwrap_or(acs);
        let mut ourselves = Self {
            entity_id: format!("{base}/metadata"),
            acs: acs.to_string(),
            logout: format!("{base}/logout"),
            ..Self::default()
        };
        if let Some(metadata) = metadata {
            let unusable = |refusal| Refusal::Misconfigured(format!("`SP_metadata` cannot be used: {refusal}"));
            ourselves.read(metadata).map_err(unusable)?;
        }
        Ok(ourselves)
    }

    fn read(&mut self, metadata: &str) -> Result<(), Refusal> {
        let tree = Tree::document(metadata.trim())?;
        let root = tree.root();
        if !root.is((METADATA, "EntityDescriptor")) {
            return Err(Refusal::Misconfigured(format!("it begins with {}, expected EntityDescriptor", root.called())));
        }
        if let Some(entity_id) = root.attribute("entityID").filter(|id| !id.is_empty()) {
            self.entity_id = entity_id.to_string();
        }
        let Some(role) = root.child((METADATA, "SPSSODescriptor"))? else { return Ok(()) };
        self.signs_requests = is_true(role.attribute("AuthnRequestsSigned"));
        self.wants_assertions_signed = is_true(role.attribute("WantAssertionsSigned"));
        if let Some(format) = role.all((METADATA, "NameIDFormat")).next() {
            self.name_id_format = Some(format.text()?).filter(|format| !format.is_empty());
        }
        Ok(())
    }

    /// Our metadata.
    pub fn describe(&self, certificates: Certificates<'_>) -> Result<String, Refusal> {
        let descriptor = |usage: &str, certificate: Option<&str>| match certificate {
            None => Ok(String::new()),
            // It is not repeated: it could be the private key in the wrong place.
            Some(certificate) if key::of_certificate(certificate).is_none() => Err(Refusal::Misconfigured(format!(
                "the certificate for {usage} holds no key that is used here; expected is an X.509 certificate in PEM"
            ))),
            Some(certificate) => Ok(format!(
                "<md:KeyDescriptor use=\"{usage}\"><ds:KeyInfo xmlns:ds=\"{SIGNATURE}\"><ds:X509Data><ds:X509Certificate>{}\
                 </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
                escaped(&key::body(certificate).split_whitespace().collect::<String>())
            )),
        };
        let keys =
            [descriptor("signing", certificates.signing)?, descriptor("encryption", certificates.encryption)?].concat();
        let logout = [REDIRECT, POST].map(|binding| {
            format!("<md:SingleLogoutService Binding=\"{binding}\" Location=\"{}\"/>", escaped(&self.logout))
        });
        let format = self.name_id_format.as_ref();
        let format = format.map(|format| format!("<md:NameIDFormat>{}</md:NameIDFormat>", escaped(format)));
        Ok(format!(
            "<?xml version=\"1.0\"?><md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{}\"><md:SPSSODescriptor \
             AuthnRequestsSigned=\"{}\" WantAssertionsSigned=\"{}\" protocolSupportEnumeration=\"{PROTOCOL}\">{keys}{}{}\
             <md:AssertionConsumerService isDefault=\"true\" index=\"0\" Binding=\"{POST}\" Location=\"{}\"/>\
             </md:SPSSODescriptor></md:EntityDescriptor>",
            escaped(&self.entity_id),
            self.signs_requests,
            self.wants_assertions_signed,
            logout.concat(),
            format.unwrap_or_default(),
            escaped(&self.acs)
        ))
    }
}

#[cfg(test)]
mod tests;
