//! Why there is no component, in words that say what to do. Pure.

use oci_client::errors::{OciDistributionError, OciErrorCode};
use std::time::Duration;

/// Letters of what a registry says that are passed on.
const TOLD_MAX: usize = 200;

/// Why a component was not fetched from a registry, or not put there.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It is not named as things in registries are.
    #[error(
        "`{0}` is no component in a registry; write oci://REGISTRY/REPOSITORY@sha256:DIGEST, or :TAG for the digest"
    )]
    Name(String),
    /// Settings do not work.
    #[error("{0}")]
    Setting(String),
    /// There is no such thing.
    #[error("the registry has no {0}; look for a mistake in its name, or push it")]
    NotFound(String),
    /// The registry wants somebody else.
    #[error(
        "the registry {0} does not let us in; set GATEWIT_OCI_REGISTRY, GATEWIT_OCI_USERNAME and GATEWIT_OCI_PASSWORD, \
         or GATEWIT_OCI_DOCKER_CONFIG, to somebody who may do that"
    )]
    Unauthorized(String),
    /// The registry does not answer.
    #[error(
        "the registry {registry} cannot be reached ({why}); HTTPS_PROXY and NODE_EXTRA_CA_CERTS hold here, too, and GATEWIT_OCI_PLAIN_HTTP names registries without encryption"
    )]
    Unreachable {
        /// Its host.
        registry: String,
        /// What went wrong.
        why: String,
    },
    /// It took too long.
    #[error("the registry {registry} did not finish within {} s, the time of GATEWIT_OCI_TIMEOUT", timeout.as_secs())]
    Overdue {
        /// Its host.
        registry: String,
        /// How long it had.
        timeout: Duration,
    },
    /// It is larger than a component may be.
    #[error("a component may have at most {0} bytes")]
    TooLarge(usize),
    /// It is something else.
    #[error("that is no component: {0}")]
    NotAComponent(String),
    /// It is not what was asked for.
    #[error("what the registry sent does not have the digest {expected}; it is damaged, or somebody changed it")]
    Digest {
        /// The one that was asked for.
        expected: String,
    },
    /// The registry says no.
    #[error("the registry {registry} refuses: {why}")]
    Refused {
        /// Its host.
        registry: String,
        /// In its words.
        why: String,
    },
}

impl Failure {
    /// What the client says, as an operator can act on it. `what` is the name of what was asked for.
    pub(super) fn of(error: OciDistributionError, what: &super::Name) -> Self {
        use OciDistributionError as E;
        let registry = what.registry().to_owned();
        match error {
            E::UnauthorizedError { .. } | E::AuthenticationFailure(_) | E::ServerError { code: 401 | 403, .. } => {
                Self::Unauthorized(registry)
            }
            E::ImageManifestNotFoundError(_) | E::ServerError { code: 404, .. } => Self::NotFound(what.to_string()),
            E::ServerError { code, .. } => Self::Refused { registry, why: format!("status {code}") },
            E::DigestError(_) => Self::Digest { expected: what.digest().unwrap_or("of the manifest").to_owned() },
            E::RequestError(error) => Self::Unreachable { registry, why: told(&error.without_url()) },
            E::IoError(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                Self::TooLarge(crate::registry::COMPONENT_BYTES_MAX)
            }
            E::RegistryError { envelope, .. } => {
                let is = |codes: &[OciErrorCode]| envelope.errors.iter().any(|error| codes.contains(&error.code));
                if is(&[OciErrorCode::Unauthorized, OciErrorCode::Denied]) {
                    Self::Unauthorized(registry)
                } else if is(&[OciErrorCode::ManifestUnknown, OciErrorCode::NameUnknown, OciErrorCode::BlobUnknown]) {
                    Self::NotFound(what.to_string())
                } else {
                    Self::Refused { registry, why: cut(&envelope.to_string()) }
                }
            }
            other => Self::Refused { registry, why: told(&other) },
        }
    }
}

/// An error with its causes, on one line.
fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    cut(&causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}")))
}

fn cut(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(TOLD_MAX).collect()
}
