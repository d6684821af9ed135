//! Names of components in registries: `oci://REGISTRY/REPOSITORY@sha256:…`, or with `:TAG` in the place of the digest.
//!
//! A tag names what somebody put there last, so it is good for finding a digest and for nothing else. The registry is always
//! said: there is no default that a name without one would be looked for at.

use super::Failure;
use oci_client::Reference;
use std::{fmt, str::FromStr};

/// How such a name begins.
pub const SCHEME: &str = "oci://";

/// Longest name: that of a host, of a repository and of a digest fit.
const NAME_BYTES_MAX: usize = 1024;

/// The name of a component in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(pub(super) Reference);

impl Name {
    /// The registry: its host, and its port if one is said.
    #[must_use]
    pub fn registry(&self) -> &str {
        self.0.registry()
    }

    /// The last part of the repository, which is what a component is called unless something else is said.
    #[must_use]
    pub fn short(&self) -> &str {
        let repository = self.0.repository();
        repository.rsplit('/').next().unwrap_or(repository)
    }

    /// The digest, if that is what it names.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.0.digest()
    }

    /// The same by a digest, and without the tag that led to it.
    pub(super) fn pinned(&self, digest: &str) -> Self {
        let (registry, repository) = (self.0.registry().to_owned(), self.0.repository().to_owned());
        Self(Reference::with_digest(registry, repository, digest.to_owned()))
    }
}

impl FromStr for Name {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::Name(text.chars().take(NAME_BYTES_MAX).collect());
        let rest = text.strip_prefix(SCHEME).filter(|_| text.len() <= NAME_BYTES_MAX).ok_or_else(wrong)?;
        let (registry, rest_of_it) = rest.split_once('/').ok_or_else(wrong)?;
        let is_host = registry == "localhost" || registry.contains(['.', ':']);
        let says_which = rest_of_it.contains(['@', ':']);
        if !is_host || !says_which {
            return Err(wrong());
        }
        let reference: Reference = rest.parse().map_err(|_| wrong())?;
        let is_strong = |digest: &str| digest.starts_with("sha256:");
        if reference.registry() != registry || reference.digest().is_some_and(|digest| !is_strong(digest)) {
            return Err(wrong());
        }
        Ok(Self(reference))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{SCHEME}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";

    #[test]
    fn a_name_says_registry_and_version() {
        let name: Name = format!("oci://registry.example.com/acme/drivers/ldap@{DIGEST}").parse().unwrap();
        assert_eq!((name.registry(), name.short(), name.digest()), ("registry.example.com", "ldap", Some(DIGEST)));
        assert_eq!(name.to_string(), format!("oci://registry.example.com/acme/drivers/ldap@{DIGEST}"));
        let name: Name = "oci://127.0.0.1:5000/acme:1.2".parse().unwrap();
        assert_eq!((name.registry(), name.short(), name.digest()), ("127.0.0.1:5000", "acme", None));
        assert_eq!(name.pinned(DIGEST).to_string(), format!("oci://127.0.0.1:5000/acme@{DIGEST}"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for wrong in [
            "acme.wasm",
            "https://registry.example.com/acme:1",
            "oci://",
            "oci://acme:1",
            "oci://acme/driver:1",
            "oci://registry.example.com/acme",
            "oci://registry.example.com/ACME:1",
            "oci://registry.example.com/acme@sha256:abc",
            "oci://registry.example.com/acme@sha512:abc",
            "oci://user:secret@registry.example.com/acme:1",
        ] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong}");
        }
    }
}
