//! Why a request was refused, in the words of the wire.
//!
//! Invariant: in REST `code` is the last key of `extensions`, in GraphQL the first; everything else is the same. Deliberately
//! absent: status codes (`status`), and the codes of Directus's licence keys, which this server does not have.

use std::time::Duration;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::date;

/// What a field has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FailedCheck {
    /// Not an e-mail address.
    Email,
    /// Not given.
    Missing,
    /// Empty.
    Null,
    /// Does not match the pattern that applies, for example the password policy. Holds the offending value, which the wire echoes.
    Regex { invalid: Value },
}

/// A refusal, with the data that its wording needs.
#[expect(dead_code, reason = "the vocabulary of the wire, whole; some words wait for their routes")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request itself is malformed. `reason` has no final dot.
    InvalidPayload { reason: String },
    /// Unknown account, wrong password, unknown token: indistinguishable on purpose.
    InvalidCredentials,
    /// The second factor is missing or wrong.
    InvalidOtp,
    /// The access token was good once.
    TokenExpired,
    /// The account is suspended; only told to somebody who holds one of its refresh tokens.
    UserSuspended,
    /// The client's address is not among the allowed ones.
    InvalidIp,
    /// The token is ours in form, but not by signature or content.
    InvalidToken,
    /// Not permitted; the reason, if any, replaces the message.
    Forbidden { reason: Option<String> },
    /// The account belongs to another provider.
    InvalidProvider,
    /// A quota is used up.
    LimitExceeded { category: String },
    /// No such path, or no such method on it. The path is as the client sent it, without query.
    RouteNotFound { path: String },
    /// GraphQL only: elsewhere a wrong method is `RouteNotFound`.
    MethodNotAllowed { allowed: Vec<&'static str>, current: String },
    /// The invitation was used or withdrawn.
    InvalidInvite,
    /// A field of the stored record has a bad value.
    FailedValidation { field: String, check: FailedCheck },
    /// The field has no place for so long a text. The text is not repeated: it may be a megabyte.
    ValueTooLong { collection: String, field: String },
    /// Another record has this value.
    RecordNotUnique { collection: String, field: String, value: String },
    /// A reference to a record that does not exist.
    InvalidForeignKey { collection: Option<String>, field: Option<String>, value: Option<String> },
    /// Too many requests: `limit` were allowed; more are from `reset` on, which is `retry_after` from now.
    RequestsExceeded { limit: u64, reset: OffsetDateTime, retry_after: Duration },
    /// The provider is set up wrongly.
    InvalidProviderConfig { provider: String },
    /// Something that is needed does not answer. `reason` has no final dot.
    ServiceUnavailable { service: String, reason: String, retry_after_seconds: Option<u64> },
    /// Something that is needed answers nonsense.
    UnexpectedResponse,
    /// The application behind this server does not answer, or not with HTTP. Not a word of Directus.
    UpstreamFailed,
    /// It takes too long.
    UpstreamSlow,
    /// Anything that must not be told.
    InternalServerError,
    /// The GraphQL document is not valid; each entry has `message` and `locations`.
    GraphqlValidation { errors: Vec<Value> },
}

impl Refusal {
    /// A malformed request; `reason` without a final dot.
    pub(crate) fn payload(reason: impl Into<String>) -> Self {
        Self::InvalidPayload { reason: reason.into() }
    }

    /// The database does not answer.
    pub(crate) fn no_database() -> Self {
        Self::ServiceUnavailable {
            service: "database".to_owned(),
            reason: "The database does not answer".to_owned(),
            retry_after_seconds: None,
        }
    }

    /// The server has more work than it can do; come back later.
    pub(crate) fn under_pressure(retry_after_seconds: u64) -> Self {
        Self::ServiceUnavailable {
            service: "api".to_owned(),
            reason: "Under pressure".to_owned(),
            retry_after_seconds: Some(retry_after_seconds),
        }
    }

    /// The `code` of the wire.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::InvalidPayload { .. } => "INVALID_PAYLOAD",
            Self::InvalidCredentials => "INVALID_CREDENTIALS",
            Self::InvalidOtp => "INVALID_OTP",
            Self::TokenExpired => "TOKEN_EXPIRED",
            Self::UserSuspended => "USER_SUSPENDED",
            Self::InvalidIp => "INVALID_IP",
            Self::InvalidToken => "INVALID_TOKEN",
            Self::Forbidden { .. } => "FORBIDDEN",
            Self::InvalidProvider => "INVALID_PROVIDER",
            Self::LimitExceeded { .. } => "LIMIT_EXCEEDED",
            Self::RouteNotFound { .. } => "ROUTE_NOT_FOUND",
            Self::MethodNotAllowed { .. } => "METHOD_NOT_ALLOWED",
            Self::InvalidInvite => "INVALID_INVITE",
            Self::FailedValidation { .. } => "FAILED_VALIDATION",
            Self::ValueTooLong { .. } => "VALUE_TOO_LONG",
            Self::RecordNotUnique { .. } => "RECORD_NOT_UNIQUE",
            Self::InvalidForeignKey { .. } => "INVALID_FOREIGN_KEY",
            Self::RequestsExceeded { .. } => "REQUESTS_EXCEEDED",
            Self::InvalidProviderConfig { .. } => "INVALID_PROVIDER_CONFIG",
            Self::ServiceUnavailable { .. } => "SERVICE_UNAVAILABLE",
            Self::UnexpectedResponse => "UNEXPECTED_RESPONSE",
            Self::UpstreamFailed => "BAD_GATEWAY",
            Self::UpstreamSlow => "GATEWAY_TIMEOUT",
            Self::InternalServerError => "INTERNAL_SERVER_ERROR",
            Self::GraphqlValidation { .. } => "GRAPHQL_VALIDATION",
        }
    }

    /// The `message` of the wire.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::InvalidPayload { reason } => format!("Invalid payload. {reason}."),
            Self::InvalidCredentials => "Invalid user credentials.".to_owned(),
            Self::InvalidOtp => "Invalid user OTP.".to_owned(),
            Self::TokenExpired => "Token expired.".to_owned(),
            Self::UserSuspended => "User suspended.".to_owned(),
            Self::InvalidIp => "Invalid IP address.".to_owned(),
            Self::InvalidToken => "Invalid token.".to_owned(),
            Self::Forbidden { reason: Some(reason) } => reason.clone(),
            Self::Forbidden { reason: None } => "You don't have permission to access this.".to_owned(),
            Self::InvalidProvider => "Invalid provider.".to_owned(),
            Self::LimitExceeded { category } => format!("{category} limit exceeded."),
            Self::RouteNotFound { path } => format!("Route {path} doesn't exist."),
            Self::MethodNotAllowed { allowed, current } => {
                let allowed: Vec<_> = allowed.iter().map(|method| format!("\"{method}\"")).collect();
                format!("Invalid method \"{current}\" used. Should be one of {}.", allowed.join(", "))
            }
            Self::InvalidInvite => "This invite is no longer valid.".to_owned(),
            Self::FailedValidation { field, check } => {
                let wish = match check {
                    FailedCheck::Email => "Value has to be a valid email address",
                    FailedCheck::Missing => "Value is required",
                    FailedCheck::Null => "Value can't be null",
                    FailedCheck::Regex { .. } => "Value doesn't have the correct format",
                };
                format!("Validation failed for field \"{field}\". {wish}.")
            }
            Self::ValueTooLong { collection, field } => {
                format!("Value for field \"{field}\" in collection \"{collection}\" is too long.")
            }
            Self::RecordNotUnique { collection, field, value } => {
                format!("Value \"{value}\" for field \"{field}\" in collection \"{collection}\" has to be unique.")
            }
            Self::InvalidForeignKey { .. } => "Invalid foreign key.".to_owned(),
            Self::RequestsExceeded { retry_after, .. } => {
                format!("Too many requests, retry after {}.", coarse(*retry_after))
            }
            Self::InvalidProviderConfig { .. } => "Invalid config.".to_owned(),
            Self::ServiceUnavailable { service, reason, .. } => {
                format!("Service \"{service}\" is unavailable. {reason}.")
            }
            Self::UnexpectedResponse => "Received an unexpected response.".to_owned(),
            Self::UpstreamFailed => "The application does not answer.".to_owned(),
            Self::UpstreamSlow => "The application does not answer in time.".to_owned(),
            Self::InternalServerError => "An unexpected error occurred.".to_owned(),
            Self::GraphqlValidation { .. } => "GraphQL validation error.".to_owned(),
        }
    }

    /// Whole seconds for a `Retry-After` header (RFC 9110 §10.2.3), if this refusal passes by itself.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::RequestsExceeded { retry_after, .. } => {
                Some((*retry_after + Duration::from_millis(500)).as_secs().max(1))
            }
            Self::ServiceUnavailable { retry_after_seconds, .. } => *retry_after_seconds,
            _ => None,
        }
    }

    /// `extensions` of a REST answer: `code` last.
    pub(crate) fn extensions(&self) -> Map<String, Value> {
        let mut extensions = self.details();
        extensions.insert("code".to_owned(), self.code().into());
        extensions
    }

    /// `extensions` of a GraphQL answer: `code` first.
    pub(crate) fn extensions_of_graphql(&self) -> Map<String, Value> {
        let code = ("code".to_owned(), self.code().into());
        std::iter::once(code).chain(self.details()).collect()
    }

    fn details(&self) -> Map<String, Value> {
        let details = match self {
            Self::InvalidPayload { reason } | Self::Forbidden { reason: Some(reason) } => json!({ "reason": reason }),
            Self::LimitExceeded { category } => json!({ "category": category }),
            Self::RouteNotFound { path } => json!({ "path": path }),
            Self::MethodNotAllowed { allowed, current } => {
                json!({ "allowed": allowed, "current": current })
            }
            Self::FailedValidation { field, check: FailedCheck::Email } => {
                json!({ "field": field, "type": "email", "path": [] })
            }
            Self::FailedValidation { field, check: FailedCheck::Missing } => {
                json!({ "field": field, "path": [], "type": "required" })
            }
            Self::FailedValidation { field, check: FailedCheck::Null } => {
                json!({ "field": field, "path": [], "type": "nnull" })
            }
            Self::FailedValidation { field, check: FailedCheck::Regex { invalid } } => {
                json!({ "field": field, "path": [], "type": "regex", "invalid": invalid })
            }
            Self::ValueTooLong { collection, field } => json!({ "collection": collection, "field": field }),
            Self::RecordNotUnique { collection, field, value } => {
                json!({ "collection": collection, "field": field, "value": value })
            }
            Self::InvalidForeignKey { collection, field, value } => {
                json!({ "collection": collection, "field": field, "value": value })
            }
            Self::RequestsExceeded { limit, reset, .. } => {
                json!({ "limit": limit, "reset": date::iso_millis(*reset) })
            }
            Self::InvalidProviderConfig { provider } => json!({ "provider": provider }),
            Self::ServiceUnavailable { service, reason, .. } => json!({ "service": service, "reason": reason }),
            Self::GraphqlValidation { errors } => json!({ "errors": errors }),
            _ => Value::Null,
        };
        match details {
            Value::Object(details) => details,
            _ => Map::new(),
        }
    }
}

/// The body of a refused REST request.
pub(crate) fn envelope(refusals: &[Refusal]) -> Value {
    let errors: Vec<_> = refusals
        .iter()
        .map(|refusal| json!({ "message": refusal.message(), "extensions": refusal.extensions() }))
        .collect();
    json!({ "errors": errors })
}

/// A duration in its largest unit, rounded: `3s`, `2m`, `250ms`.
fn coarse(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    match units.iter().find(|(unit, _)| millis >= *unit) {
        Some((unit, name)) => format!("{}{name}", (millis + unit / 2) / unit),
        None => format!("{millis}ms"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(refusal: Refusal, expected: &Expect) {
        expected.assert_eq(&envelope(&[refusal]).to_string());
    }

    #[test]
    fn a_payload_refusal_repeats_its_reason() {
        check(
            Refusal::payload("\"email\" is required"),
            &expect![[
                r#"{"errors":[{"message":"Invalid payload. \"email\" is required.","extensions":{"reason":"\"email\" is required","code":"INVALID_PAYLOAD"}}]}"#
            ]],
        );
    }

    #[test]
    fn credentials_say_nothing_else() {
        check(
            Refusal::InvalidCredentials,
            &expect![[
                r#"{"errors":[{"message":"Invalid user credentials.","extensions":{"code":"INVALID_CREDENTIALS"}}]}"#
            ]],
        );
    }

    #[test]
    fn a_route_is_named() {
        check(
            Refusal::RouteNotFound { path: "/auth/unknown".to_owned() },
            &expect![[
                r#"{"errors":[{"message":"Route /auth/unknown doesn't exist.","extensions":{"path":"/auth/unknown","code":"ROUTE_NOT_FOUND"}}]}"#
            ]],
        );
    }

    #[test]
    fn a_reason_replaces_the_message_of_forbidden() {
        check(
            Refusal::Forbidden { reason: Some("Not you.".to_owned()) },
            &expect![[r#"{"errors":[{"message":"Not you.","extensions":{"reason":"Not you.","code":"FORBIDDEN"}}]}"#]],
        );
        check(
            Refusal::Forbidden { reason: None },
            &expect![[
                r#"{"errors":[{"message":"You don't have permission to access this.","extensions":{"code":"FORBIDDEN"}}]}"#
            ]],
        );
    }

    #[test]
    fn a_method_is_named_with_the_allowed_ones() {
        check(
            Refusal::MethodNotAllowed { allowed: vec!["GET", "POST"], current: "PUT".to_owned() },
            &expect![[
                r#"{"errors":[{"message":"Invalid method \"PUT\" used. Should be one of \"GET\", \"POST\".","extensions":{"allowed":["GET","POST"],"current":"PUT","code":"METHOD_NOT_ALLOWED"}}]}"#
            ]],
        );
    }

    #[test]
    fn the_two_checks_order_their_keys_differently() {
        check(
            Refusal::FailedValidation { field: "email".to_owned(), check: FailedCheck::Email },
            &expect![[
                r#"{"errors":[{"message":"Validation failed for field \"email\". Value has to be a valid email address.","extensions":{"field":"email","type":"email","path":[],"code":"FAILED_VALIDATION"}}]}"#
            ]],
        );
        check(
            Refusal::FailedValidation {
                field: "password".to_owned(),
                check: FailedCheck::Regex { invalid: "short".into() },
            },
            &expect![[
                r#"{"errors":[{"message":"Validation failed for field \"password\". Value doesn't have the correct format.","extensions":{"field":"password","path":[],"type":"regex","invalid":"short","code":"FAILED_VALIDATION"}}]}"#
            ]],
        );
    }

    #[test]
    fn the_database_refusals_name_what_clashes() {
        check(
            Refusal::RecordNotUnique {
                collection: "directus_users".to_owned(),
                field: "email".to_owned(),
                value: "[user@example.com]".to_owned(),
            },
            &expect![[
                r#"{"errors":[{"message":"Value \"[user@example.com]\" for field \"email\" in collection \"directus_users\" has to be unique.","extensions":{"collection":"directus_users","field":"email","value":"[user@example.com]","code":"RECORD_NOT_UNIQUE"}}]}"#
            ]],
        );
        check(
            Refusal::InvalidForeignKey { collection: None, field: None, value: None },
            &expect![[
                r#"{"errors":[{"message":"Invalid foreign key.","extensions":{"collection":null,"field":null,"value":null,"code":"INVALID_FOREIGN_KEY"}}]}"#
            ]],
        );
    }

    #[test]
    fn a_rate_limit_says_when_to_come_back() {
        let limited = Refusal::RequestsExceeded {
            limit: 5,
            reset: OffsetDateTime::from_unix_timestamp_nanos(1_795_280_987_387_000_000).unwrap(),
            retry_after: Duration::from_millis(2_950),
        };
        assert_eq!(limited.retry_after_seconds(), Some(3));
        check(
            limited,
            &expect![[
                r#"{"errors":[{"message":"Too many requests, retry after 3s.","extensions":{"limit":5,"reset":"2026-11-21T17:09:47.387Z","code":"REQUESTS_EXCEEDED"}}]}"#
            ]],
        );
    }

    #[test]
    fn overload_is_a_service_that_is_unavailable() {
        let overload = Refusal::under_pressure(2);
        assert_eq!(overload.retry_after_seconds(), Some(2));
        check(
            overload,
            &expect![[
                r#"{"errors":[{"message":"Service \"api\" is unavailable. Under pressure.","extensions":{"service":"api","reason":"Under pressure","code":"SERVICE_UNAVAILABLE"}}]}"#
            ]],
        );
    }

    #[test]
    fn durations_are_told_in_their_largest_unit() {
        for (millis, text) in [(250, "250ms"), (1000, "1s"), (59_600, "60s"), (60_000, "1m"), (7_200_000, "2h")] {
            assert_eq!(coarse(Duration::from_millis(millis)), text);
        }
    }
}
