//! The codes of errors: those that servers send, and those of the SDK itself.
//!
//! Invariant: the list is the TypeScript union `AuthErrorCode` of `npm/index.d.ts`; a test compares the two. What a server
//! sends beyond it is [`Code::Unknown`], so that a program which handles the union has handled everything.

/// Declares the codes once, with the text that JavaScript sees.
macro_rules! codes {
    ($($(#[$doc:meta])+ $name:ident = $text:literal,)+) => {
        /// Why something was refused or did not work.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])+ $name,)+ }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The text that JavaScript sees.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

codes! {
    /// Wrong password, unknown account, or a session that has ended.
    InvalidCredentials = "INVALID_CREDENTIALS",
    /// A second factor is needed, or the code is wrong.
    InvalidOtp = "INVALID_OTP",
    /// A token that the server did not sign, or no longer takes.
    InvalidToken = "INVALID_TOKEN",
    /// A token or link is too old.
    TokenExpired = "TOKEN_EXPIRED",
    /// The account is suspended.
    UserSuspended = "USER_SUSPENDED",
    /// Not from this address.
    InvalidIp = "INVALID_IP",
    /// Not allowed.
    Forbidden = "FORBIDDEN",
    /// The account belongs to another provider.
    InvalidProvider = "INVALID_PROVIDER",
    /// The provider is not set up as it must be.
    InvalidProviderConfig = "INVALID_PROVIDER_CONFIG",
    /// The request is not what it must be.
    InvalidPayload = "INVALID_PAYLOAD",
    /// The query is not what it must be.
    InvalidQuery = "INVALID_QUERY",
    /// The invitation was used or withdrawn.
    InvalidInvite = "INVALID_INVITE",
    /// A value breaks a rule, such as that of passwords.
    FailedValidation = "FAILED_VALIDATION",
    /// Taken.
    RecordNotUnique = "RECORD_NOT_UNIQUE",
    /// Something named does not exist.
    InvalidForeignKey = "INVALID_FOREIGN_KEY",
    /// A text is too long.
    ValueTooLong = "VALUE_TOO_LONG",
    /// No such route: this server does not offer that.
    RouteNotFound = "ROUTE_NOT_FOUND",
    /// The route has another method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED",
    /// Too many requests; `retryAfter` says when to come back.
    RequestsExceeded = "REQUESTS_EXCEEDED",
    /// Too many letters.
    EmailLimitExceeded = "EMAIL_LIMIT_EXCEEDED",
    /// A limit of the installation.
    LimitExceeded = "LIMIT_EXCEEDED",
    /// The server, or what it needs, is away for now.
    ServiceUnavailable = "SERVICE_UNAVAILABLE",
    /// A provider said something that the server did not understand.
    UnexpectedResponse = "UNEXPECTED_RESPONSE",
    /// The server failed.
    InternalServerError = "INTERNAL_SERVER_ERROR",
    /// Sign-in at a provider failed for a reason that the server keeps to itself.
    UnknownException = "UNKNOWN_EXCEPTION",
    /// The server could not be reached. Whoever was signed in still is.
    Network = "NETWORK",
    /// No answer in time. Whoever was signed in still is.
    Timeout = "TIMEOUT",
    /// What answered is not this server: a proxy, a portal, another program.
    InvalidAnswer = "INVALID_ANSWER",
    /// Nobody is signed in.
    SignedOut = "SIGNED_OUT",
    /// The browser did not let a window open.
    PopupBlocked = "POPUP_BLOCKED",
    /// The window was closed, or nobody came back from it in time.
    PopupClosed = "POPUP_CLOSED",
    /// The session could not be kept: the storage is full or blocked. It goes on until the page is left.
    StorageFailed = "STORAGE_FAILED",
    /// This environment lacks what the call needs, such as windows.
    Unsupported = "UNSUPPORTED",
    /// A code that this release does not know; `extensions.code` has it.
    Unknown = "UNKNOWN",
}

impl Code {
    /// The code with this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self::ALL.iter().copied().find(|code| code.text() == text).unwrap_or(Self::Unknown)
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The members of a union of texts in a declaration file.
    fn union<'a>(declarations: &'a str, name: &str) -> BTreeSet<&'a str> {
        let (_, rest) = declarations.split_once(&format!("export type {name} =")).unwrap();
        let (body, _) = rest.split_once(';').unwrap();
        body.split('\'').skip(1).step_by(2).collect()
    }

    #[test]
    fn the_union_of_typescript_has_exactly_these_codes() {
        let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.text()).collect();
        assert_eq!(union(include_str!("../../npm/index.d.ts"), "AuthErrorCode"), codes);
        assert_eq!(codes.len(), Code::ALL.len(), "a text twice");
    }

    #[test]
    fn a_code_is_found_by_its_text_and_others_are_unknown() {
        for code in Code::ALL {
            assert_eq!(Code::of(code.text()), *code);
        }
        assert_eq!(Code::of("SOMETHING_NEW"), Code::Unknown);
        assert_eq!(Code::of("invalid_otp"), Code::Unknown);
    }
}
