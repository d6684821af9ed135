//! Why the rules refused, in the words of the wire.
//!
//! Absent: status codes (`status`).

use super::refusal::{FailedCheck, Refusal};
use crate::bindings::auth::gatewit::auth::types::Reason;
use std::time::Duration;
use time::OffsetDateTime;

impl Refusal {
    /// Puts a reason of the rules into words. `now` is for reasons that say when to come back.
    pub(crate) fn of(reason: Reason, now: OffsetDateTime) -> Self {
        match reason {
            Reason::InvalidPayload(reason) => Self::InvalidPayload { reason },
            Reason::InvalidCredentials => Self::InvalidCredentials,
            Reason::InvalidOtp => Self::InvalidOtp,
            Reason::InvalidToken => Self::InvalidToken,
            Reason::TokenExpired => Self::TokenExpired,
            Reason::UserSuspended => Self::UserSuspended,
            Reason::InvalidAddress => Self::InvalidIp,
            Reason::Forbidden(reason) => Self::Forbidden { reason },
            Reason::InvalidProvider => Self::InvalidProvider,
            Reason::InvalidProviderConfig(provider) => Self::InvalidProviderConfig { provider },
            Reason::InvalidInvite => Self::InvalidInvite,
            Reason::FailedValidation(failed) if failed.rule == "length" => {
                let (collection, field) = failed.field.split_once('.').unwrap_or_default();
                Self::ValueTooLong { collection: collection.to_owned(), field: field.to_owned() }
            }
            Reason::FailedValidation(failed) => {
                let check = match failed.rule.as_str() {
                    "email" => FailedCheck::Email,
                    "required" => FailedCheck::Missing,
                    "nnull" => FailedCheck::Null,
                    _ => FailedCheck::Regex { invalid: failed.value.unwrap_or_default().into() },
                };
                Self::FailedValidation { field: failed.field, check }
            }
            Reason::NotUnique(clash) => {
                Self::RecordNotUnique { collection: clash.collection, field: clash.field, value: clash.value }
            }
            // Directus names neither field nor value.
            Reason::Dangling(_) => Self::InvalidForeignKey { collection: None, field: None, value: None },
            Reason::TooManyRequests(limit) => {
                let nanos = i128::from(limit.reset_at_ms) * 1_000_000;
                let reset = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(now);
                let retry_after = Duration::try_from(reset - now).unwrap_or_default();
                Self::RequestsExceeded { limit: limit.requests.into(), reset, retry_after }
            }
            Reason::Unavailable(service) => {
                Self::ServiceUnavailable { service: service.name, reason: service.reason, retry_after_seconds: None }
            }
            Reason::Overloaded(seconds) => Self::under_pressure(seconds.into()),
            Reason::Internal | Reason::Other(_) => Self::InternalServerError,
        }
    }
}
