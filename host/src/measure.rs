//! How long sandboxes take: for the benchmark, which has no other way to see them without HTTP and SQL around them.
//!
//! Hidden from the documentation and no part of the interface.

use crate::capability::trace::Trace;
use crate::{
    Gatewit,
    bindings::auth::{
        exports::gatewit::auth::sessions::{Attempt, Form},
        gatewit::auth::types::{Client, Reason},
    },
};
use std::time::{Duration, Instant};

/// What is done in a sandbox. None of it asks the store.
#[derive(Debug, Clone, Copy)]
pub enum Sandboxed<'a> {
    /// Nothing: the sandbox is opened and dropped.
    Nothing,
    /// `authenticate` with a token that has expired: its signature is verified and its claims are read.
    Expired(&'a str),
    /// `login` with the built-in provider and none of the values that its driver wants: the driver's sandbox is opened
    /// inside of the call, refuses at once and is dropped.
    SignIn,
}

#[doc(hidden)]
impl Gatewit {
    /// The time of each of `calls` calls, one after the other, from asking for a sandbox until it is gone.
    ///
    /// # Errors
    /// An answer was not the one that was to be measured.
    pub async fn measure(&self, what: Sandboxed<'_>, calls: usize) -> Result<Vec<Duration>, String> {
        let client = Client { address: None, user_agent: None, origin: None };
        let attempt = Attempt {
            provider: "default".to_owned(),
            values: Vec::new(),
            account: None,
            otp: None,
            form: Form::Tokens,
        };
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let started = Instant::now();
            let reason = {
                let mut rules = self.0.rules(&Trace::start()).await.map_err(|reason| format!("{reason:?}"))?;
                match what {
                    Sandboxed::Nothing => None,
                    Sandboxed::Expired(token) => {
                        rules.authenticate(token, &client).await.map_err(|error| error.to_string())?.err()
                    }
                    Sandboxed::SignIn => rules.login(&attempt, &client).await.map_err(|error| error.to_string())?.err(),
                }
            };
            times.push(started.elapsed());
            match (what, reason) {
                (Sandboxed::Nothing, None)
                | (Sandboxed::Expired(_), Some(Reason::TokenExpired))
                | (Sandboxed::SignIn, Some(Reason::InvalidCredentials)) => {}
                (_, other) => return Err(format!("{what:?} was answered with {other:?}")),
            }
        }
        Ok(times)
    }
}
