//! The decisions, pure: what they need is an argument, time and randomness included.

pub mod access;
pub mod attempts;
pub mod filter;
pub mod link;
pub mod membership;
pub mod moment;
pub mod open_sessions;
pub mod otp;
pub mod pattern;
pub mod payload;
pub mod profile;
pub mod rights;
pub mod schema;
pub mod scoped;
pub mod selection;
pub mod session;
pub mod sign_in;
pub mod target;
pub mod ticket;
pub mod token;
pub mod value;
pub mod verdict;

use alloc::string::String;

/// Why something was refused. The glue maps it to the contract's `reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The input cannot be acted on; the text says why.
    InvalidPayload(String),
    /// Wrong credentials, an unknown account, an unknown session: not told apart.
    InvalidCredentials,
    /// The second factor is missing or wrong.
    InvalidOtp,
    /// A token that is ours by name but not by signature or content.
    InvalidToken,
    /// A token of ours whose time is over.
    TokenExpired,
    /// The address belongs to an account that signs in otherwise.
    InvalidProvider,
    /// The account is suspended, said only to somebody who held its session.
    UserSuspended,
    /// Not permitted, with an explanation where one may be given.
    Forbidden(Option<String>),
    /// The invitation was used or withdrawn.
    InvalidInvite,
    /// A value breaks a rule of its field.
    FailedValidation {
        /// The field.
        field: String,
        /// The name of the rule.
        rule: &'static str,
        /// The value, where it may be repeated.
        value: Option<String>,
    },
}
