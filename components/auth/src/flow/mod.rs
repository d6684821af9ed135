//! The decisions, pure: what they need is an argument, time and randomness included.

pub mod access;
pub mod otp;
pub mod profile;
pub mod session;
pub mod sign_in;
pub mod token;

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
    /// The account is suspended, said only to somebody who held its session.
    UserSuspended,
}
