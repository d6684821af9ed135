//! `gatewit:passwords`: whether a password fits an account, and hashes of new ones. Hashes stay here.
//!
//! Every verdict costs one hash, whether there is an account or not, and hashes are computed on a bounded pool
//! ([`pool`]): more than it can hold is refused at once instead of taking memory.

pub(crate) mod argon2;
pub(crate) mod pool;

use super::{
    script::{Nature, Script},
    storage,
};
use crate::{
    bindings::{
        auth::gatewit::passwords::{
            hashing,
            types::{self, Verdict},
        },
        local::gatewit::passwords::accounts,
    },
    telemetry::spans,
};
use argon2::Cost;
use pool::Pool;
use std::sync::Arc;
use tracing::Instrument as _;
use wasmtime::component::{HasData, Linker};

/// Seconds after which another try is worth it when the pool is full: about what a full queue of the default length and
/// cost takes on two cores, divided by ten, because clients retry at different times.
const RETRY_AFTER_SECONDS: u32 = 4;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
#[expect(unreachable_pub, reason = "named by generated bindings, which are public in their module")]
pub enum Error {
    /// Too many passwords are waiting.
    #[error("too many passwords are waiting to be hashed")]
    Overloaded,
    /// A call has hashed as many as it may.
    #[error("too many passwords in one call")]
    TooMany,
    /// The accounts cannot be read.
    #[error("the account cannot be read")]
    Storage(#[from] storage::Error),
    /// A hash could not be computed.
    #[error("the password cannot be hashed")]
    Hash(#[from] argon2::Error),
}

/// Passwords of the accounts in the store.
pub(crate) struct Passwords {
    pool: Pool,
    cost: Cost,
    store: Arc<dyn storage::Backend>,
}

impl Passwords {
    pub(crate) fn new(pool: Pool, cost: Cost, store: Arc<dyn storage::Backend>) -> Self {
        Self { pool, cost, store }
    }

    /// Passwords that wait for a thread.
    pub(crate) fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    /// Hashes a new password with a fresh salt.
    pub(crate) async fn hash(&self, password: String, salt: argon2::Salt) -> Result<String, Error> {
        let cost = self.cost.clone();
        Ok(self.pool.run(move |memory| argon2::hash(&cost, password.as_bytes(), salt, memory)).await??)
    }

    /// Whether a password fits a stored hash. Where there is none, it takes the same time and does not.
    async fn compare(&self, stored: Option<String>, password: String) -> Result<Verdict, Error> {
        let cost = self.cost.clone();
        let verify = self.pool.run(move |memory| argon2::verify(&cost, stored.as_deref(), password.as_bytes(), memory));
        let fits = verify.await??;
        Ok(if fits { Verdict::Match } else { Verdict::Mismatch })
    }

    async fn verify(
        &self,
        email: &str,
        password: String,
        provider: &str,
        salt: argon2::Salt,
    ) -> Result<Verdict, Error> {
        let account = self.store.password(email, provider).await?;
        let (user, stored) = match account {
            Some((user, Some(stored))) => (Some(user), Some(stored)),
            _ => (None, None),
        };
        let (cost, kept) = (self.cost.clone(), stored.clone());
        let (verdict, renewed) = self
            .pool
            .run(move |memory| {
                let fits = argon2::verify(&cost, kept.as_deref(), password.as_bytes(), memory)?;
                let cheaper = kept.as_deref().is_some_and(|kept| argon2::is_cheaper(&cost, kept));
                let mut renew = || argon2::hash(&cost, password.as_bytes(), salt, memory);
                let renewed = if fits && cheaper { Some(renew()?) } else { None };
                Ok::<_, argon2::Error>((if fits { Verdict::Match } else { Verdict::Mismatch }, renewed))
            })
            .await??;
        if let (Some(user), Some(old), Some(new)) = (user, stored, renewed) {
            // The sign-in is right either way; the next one tries again.
            if let Err(error) = self.store.renew_password(&user, &old, &new).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "a password hash was not renewed");
            }
        }
        Ok(verdict)
    }
}

/// Passwords that one call may hash. An invitation sets none, a reset one, a batch of accounts as many as it has: each
/// costs the time and memory of a hash.
const HASHES_MAX: usize = 100;

pub(crate) struct PasswordsView<'a> {
    pub(crate) passwords: &'a Passwords,
    /// The provider that is being served; accounts of others do not exist for it.
    pub(crate) provider: &'a str,
    pub(crate) clock: &'a dyn super::clock::Clock,
    /// What this call has hashed.
    pub(crate) hashes: &'a mut Vec<String>,
    pub(crate) script: &'a Script,
}

impl PasswordsView<'_> {
    /// Hashes one more password: its number.
    async fn add_hash(&mut self, password: String) -> Result<u32, Error> {
        if self.hashes.len() >= HASHES_MAX {
            return Err(Error::TooMany);
        }
        let salt = argon2::salt(self.clock)?;
        let hash = self.passwords.hash(password, salt).instrument(spans::password("password hash")).await?;
        self.hashes.push(hash);
        Ok(u32::try_from(self.hashes.len() - 1).unwrap_or(u32::MAX))
    }

    async fn mark_of(&self, user: &str) -> Result<Option<String>, Error> {
        let hash = self.passwords.store.password_hash(user).await?;
        Ok(hash.map(|hash| storage::mark(hash.as_deref())))
    }

    async fn fits_share(&self, share: &str, password: String) -> Result<Verdict, Error> {
        match self.passwords.store.share_password(share).await? {
            Some(None) => Ok(Verdict::Match),
            found => {
                let compare = self.passwords.compare(found.flatten(), password);
                compare.instrument(spans::password("password verify")).await
            }
        }
    }
}

struct Granted;

impl HasData for Granted {
    type Data<'a> = PasswordsView<'a>;
}

/// Adds the verification of passwords, and nothing else, to `linker`.
pub(crate) fn add_accounts_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> PasswordsView<'_>,
) -> wasmtime::Result<()> {
    types::add_to_linker::<T, Granted>(linker, view)?;
    accounts::add_to_linker::<T, Granted>(linker, view)
}

/// Adds the hashing of passwords, and nothing else, to `linker`.
pub(crate) fn add_hashing_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> PasswordsView<'_>,
) -> wasmtime::Result<()> {
    types::add_to_linker::<T, Granted>(linker, view)?;
    hashing::add_to_linker::<T, Granted>(linker, view)
}

/// Whoever watches has no hashes computed: each takes as long as somebody's sign-in.
fn denied() -> Error {
    storage::Error::Denied.into()
}

impl types::Host for PasswordsView<'_> {
    fn convert_error(&mut self, error: Error) -> wasmtime::Result<types::Error> {
        Ok(match error {
            Error::Overloaded => {
                tracing::warn!("the queue of password hashes is full");
                types::Error::Overloaded(RETRY_AFTER_SECONDS)
            }
            Error::TooMany => types::Error::Other("too many passwords in one call".to_owned()),
            Error::Storage(storage::Error::Denied) => types::Error::Unavailable,
            Error::Storage(_) | Error::Hash(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a password cannot be verified or hashed");
                types::Error::Unavailable
            }
        })
    }
}

impl accounts::Host for PasswordsView<'_> {
    async fn verify(&mut self, email: String, password: String) -> Result<Verdict, Error> {
        let salt = argon2::salt(self.clock)?;
        let asked = self.script.ask(Nature::Effect, "verify", &(&email, &password));
        let verify = self.passwords.verify(&email, password, self.provider, salt);
        asked.told(verify.instrument(spans::password("password verify")), denied).await
    }
}

impl hashing::Host for PasswordsView<'_> {
    async fn hash(&mut self, password: String) -> Result<u32, Error> {
        let asked = self.script.ask(Nature::Effect, "hash", &password);
        asked.told(self.add_hash(password), denied).await
    }

    async fn mark(&mut self, user: String) -> Result<Option<String>, Error> {
        let asked = self.script.ask(Nature::Question, "mark", &user);
        asked.told(self.mark_of(&user), denied).await
    }

    async fn verify_share(&mut self, share: String, password: String) -> Result<Verdict, Error> {
        let asked = self.script.ask(Nature::Effect, "verify_share", &(&share, &password));
        asked.told(self.fits_share(&share, password), denied).await
    }
}
