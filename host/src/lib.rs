//! The host of Gatewit: an authentication server whose rules are WebAssembly components.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let gatewit = gatewit_host::Gatewit::start(gatewit_host::Config::default()).await?;
//! let service = gatewit.service(); // a tower service of `http` requests
//! # Ok(()) }
//! ```
//!
//! | module | what you find there | what you do not |
//! |---|---|---|
//! | [`config`] | settings, from the environment to typed values | anything that reads them later |
//! | `http` | the wire: routes, bodies, cookies, status codes | rules |
//! | `embed` | typed calls, and what an embedding program brings | HTTP |
//! | `visit` | one call from outside on its way through the rules | how it travels |
//! | `engine` | components and the sandbox of each call | HTTP, SQL |
//! | `capability` | what components may use, and its backends | decisions about authentication |
//! | `registry` | which component serves what, and how that changes at run time | HTTP, SQL, sandboxes |
//! | [`distribution`] | components in OCI registries | what becomes of them |
//! | [`telemetry`] | spans for OpenTelemetry | figures, the log |
//! | `bindings` | the contracts of `wit/` as Rust | code |
//! | [`conformance`] | whether a driver keeps its contract | anything that serves |
//! | `start` | how it is all put together | work at run time |
//! | `measure` | what the benchmark cannot see from outside | anything that serves |

mod bindings;
mod capability;
pub mod config;
pub mod conformance;
pub mod distribution;
mod embed;
mod engine;
mod gatewit;
mod http;
pub mod log;
#[doc(hidden)]
pub mod measure;
mod registry;
mod secret;
mod start;
pub mod telemetry;
mod visit;

use capability::audit::chain::Noted;
pub use capability::{
    audit::AuditVerdict,
    clock::{Clock, SystemClock},
    mail::{Mailer, NotSent, OpenError as MailError, WrittenLetter},
    passwords::argon2::Error as HashError,
    storage::{Findings, OpenError},
    trace::Step,
    traces::FailedSignIn,
};
pub use config::Config;

/// Keys as drivers use them: those of others verify, those of a provider decrypt.
pub mod keys {
    pub use crate::capability::keys::{DecryptionKey, Denied, public::PublicKey};
}
/// For implementations of [`Mailer`].
pub use async_trait::async_trait;
/// A database of your own: see [`Builder::storage`].
pub mod storage {
    pub use crate::capability::storage::{Cell, Connection, Dialect, Failure, Row, SqlDatabase, Statement};
}
pub use embed::{Builder, Call, Client, Credentials, Held, OpenSession, Person, Provider, Refused, Tokens};
pub use engine::LoadError;
pub use gatewit::{FirstAdmin, Gatewit};
pub use http::{
    layer::{Authenticated, Layer},
    outgoing::{Body, BodyError},
    service::Service,
};
pub use secret::Secret;
pub use start::StartError;

/// What happened in a sign-in that failed, by the id of its request in the log. `None` if that is not known or too long ago.
pub async fn trace(config: &Config, request: &str) -> Result<Option<FailedSignIn>, OpenError> {
    let found = capability::storage::trace(&config.storage, request).await?;
    Ok(found.as_deref().and_then(FailedSignIn::parse))
}

/// Whether the audit log in the database that `config` names is as it was written, and holds the entry that was noted as
/// `<number>:<hash>`, if one was. Changes nothing.
///
/// # Errors
/// The database cannot be read, or there is no secret that could have vouched for the log.
pub async fn verify_audit(config: &Config, noted: Option<&str>) -> Result<AuditVerdict, StartError> {
    let noted = noted.map(|text| Noted::parse(text).ok_or(StartError::NotAHead)).transpose()?;
    let secrets = start::secret::known(config)?.ok_or(StartError::NoSecret)?;
    let found = capability::storage::verify_audit(&config.storage, &secrets.audit(), noted).await?;
    Ok(found.map(AuditVerdict::from).unwrap_or_default())
}

/// What the database that `config` names is like, and what a start would do to it. Makes nothing and changes nothing.
pub async fn examine(config: &Config) -> Result<Findings, OpenError> {
    capability::storage::examine(&config.storage).await
}
