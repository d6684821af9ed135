//! Picks status codes; no other file does.
//!
//! Invariant: one refusal has one status, whatever the route. Deliberately absent: the wording, which is in `refusal`.

use hyper::StatusCode;

use super::refusal::Refusal;

/// How a request that was not refused ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A body follows.
    Ok,
    /// Done, nothing to say.
    NoContent,
    /// The browser goes elsewhere, with the method it likes.
    Found,
    /// The browser goes elsewhere by GET (RFC 9110 §15.4.4).
    SeeOther,
    /// The client's copy is still good (RFC 9110 §15.4.5).
    NotModified,
    /// A page says that there is none.
    NotFound,
    /// The health check says that something does not work.
    Unhealthy,
}

impl Outcome {
    /// The status code of this outcome.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Ok => StatusCode::OK,
            Self::NoContent => StatusCode::NO_CONTENT,
            Self::Found => StatusCode::FOUND,
            Self::SeeOther => StatusCode::SEE_OTHER,
            Self::NotModified => StatusCode::NOT_MODIFIED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Refusal {
    /// The status code of this refusal.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::InvalidPayload { .. }
            | Self::InvalidInvite
            | Self::FailedValidation { .. }
            | Self::ValueTooLong { .. }
            | Self::RecordNotUnique { .. }
            | Self::InvalidForeignKey { .. }
            | Self::GraphqlValidation { .. } => StatusCode::BAD_REQUEST,
            Self::InvalidCredentials
            | Self::InvalidOtp
            | Self::TokenExpired
            | Self::UserSuspended
            | Self::InvalidIp => StatusCode::UNAUTHORIZED,
            Self::InvalidToken | Self::Forbidden { .. } | Self::InvalidProvider | Self::LimitExceeded { .. } => {
                StatusCode::FORBIDDEN
            }
            Self::RouteNotFound { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestsExceeded { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::InvalidProviderConfig { .. } | Self::ServiceUnavailable { .. } | Self::UnexpectedResponse => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::UpstreamFailed => StatusCode::BAD_GATEWAY,
            Self::UpstreamSlow => StatusCode::GATEWAY_TIMEOUT,
            Self::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The status of an answer that carries all of `refusals`: their common one, or 500 when they differ or there is none.
pub(crate) fn of_all(refusals: &[Refusal]) -> StatusCode {
    let mut statuses = refusals.iter().map(Refusal::status);
    match statuses.next() {
        Some(first) if statuses.all(|other| other == first) => first,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_one_status_share_it() {
        let both = [Refusal::InvalidOtp, Refusal::InvalidCredentials];
        assert_eq!(of_all(&both), StatusCode::UNAUTHORIZED);
    }

    #[test]
    fn refusals_of_different_statuses_are_a_500() {
        let both = [Refusal::InvalidToken, Refusal::InvalidCredentials];
        assert_eq!(of_all(&both), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(of_all(&[]), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
