//! What a browser takes to the provider to sign in (SAML core, section 3.4).

use crate::{
    moment,
    names::{ASSERTION, POST, PROTOCOL},
    ourselves::Ourselves,
    text::escaped,
};
use alloc::{format, string::String};

/// A beginning.
#[derive(Debug, Clone, Copy)]
pub struct Beginning<'a> {
    /// Ourselves.
    pub ourselves: &'a Ourselves,
    /// Where it goes.
    pub destination: &'a str,
    /// A text that nobody can guess.
    pub state: &'a str,
    /// The provider shall ask the person, even if it knows them.
    pub prompt: bool,
    /// Seconds since the epoch.
    pub now: u64,
}

/// The ID of the request of a beginning. IDs do not begin with a digit.
#[must_use]
pub fn id(state: &str) -> String {
    format!("_{state}")
}

/// The state of the beginning that an ID belongs to.
#[must_use]
pub fn state(id: &str) -> Option<&str> {
    id.strip_prefix('_').filter(|state| !state.is_empty())
}

impl Beginning<'_> {
    /// The request. It is in its canonical form, so that it can be signed as it is.
    #[must_use]
    pub fn xml(&self) -> String {
        let force = if self.prompt { " ForceAuthn=\"true\"" } else { "" };
        let policy = self.ourselves.name_id_format.as_ref().map(|format| {
            format!("<samlp:NameIDPolicy AllowCreate=\"true\" Format=\"{}\"></samlp:NameIDPolicy>", escaped(format))
        });
        format!(
            "<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\" AssertionConsumerServiceURL=\"{}\" Destination=\"{}\"{force} \
             ID=\"{}\" IssueInstant=\"{}\" ProtocolBinding=\"{POST}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"{ASSERTION}\">\
             {}</saml:Issuer>{}</samlp:AuthnRequest>",
            escaped(&self.ourselves.acs),
            escaped(self.destination),
            escaped(&id(self.state)),
            moment::write(self.now),
            escaped(&self.ourselves.entity_id),
            policy.unwrap_or_default()
        )
    }
}
